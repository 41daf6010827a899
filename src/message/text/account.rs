//! Recovery, where messages go, and which.

use super::{Template, Topic};

pub(super) const TEMPLATES: &[Template] = &[
    Template::new("recovery-unknown", Topic::Asked)
        .en(
            "{site}: no account with this address",
            "{at}, {from}: somebody asked to recover an account at {site} with this address. There is none that can be \
             recovered by it: try another address, or register. An address that was added in the last few days recovers \
             nothing yet. If it was not you, do nothing.",
        )
        .ru(
            "{site}: учётной записи с этим адресом нет",
            "{at}, {from}: на {site} просили восстановить доступ по этому адресу. По нему восстановить нечего: \
             попробуйте \
             другой адрес или зарегистрируйтесь. Адрес, добавленный в последние дни, для восстановления ещё не годится. \
             Если это не вы, ничего не делайте.",
        )
        .sms(
            "{site}: no account with this number. If it was not you who asked, do nothing.",
            "{site}: учётной записи с этим номером нет. Если это не вы, ничего не делайте.",
        ),
    Template::new("recovery-waits", Topic::Account)
        .en(
            "{site}: somebody recovers your account",
            "{at}, {from}: somebody who can read {contact} has begun to recover your account. At {ready} they \
             can choose a new way to sign in. If it was not you, sign in and stop it.[ Stop it here: {objection}]\n\nIf it was you, begin again then, \
             with the same address.",
        )
        .ru(
            "{site}: кто-то восстанавливает доступ к вашей учётной записи",
            "{at}, {from}: кто-то, кто может прочитать {contact}, начал восстанавливать вашу учётную запись. \
             {ready} он сможет задать новый способ входа. Если это не вы, войдите и остановите это.[ Остановить: {objection}]\n\nЕсли это \
             вы, начните тогда заново с тем же адресом.",
        )
        .sms(
            "{site}: somebody recovers your account. If it was not you, stop it.[ {objection}]",
            "{site}: кто-то восстанавливает вашу учётную запись. Если это не вы, остановите.[ {objection}]",
        ),
    Template::new("recovery-stopped", Topic::Account)
        .en(
            "{site}: the recovery was stopped",
            "{at}, {from}: the recovery of your account was stopped; nothing was changed. If it was not you, somebody \
             reads \
             your messages or uses your session: change your passwords.",
        )
        .ru(
            "{site}: восстановление остановлено",
            "{at}, {from}: восстановление вашей учётной записи остановлено, ничего не изменилось. Если это не вы, кто-то \
             читает ваши сообщения или пользуется вашим сеансом: смените пароли.",
        ),
    Template::new("recovered", Topic::Account)
        .en(
            "{site}: your account was recovered",
            "{at}, {from}: your account was recovered. All sessions have ended, and what was lost opens it no more. \
             If it was \
             not you, recover it yourself at once and turn to support.[\n\nTo lock the account at once: {objection}]",
        )
        .ru(
            "{site}: доступ к вашей учётной записи восстановлен",
            "{at}, {from}: доступ к вашей учётной записи восстановлен. Все сеансы завершены, утраченное больше её не \
             открывает. Если это не вы, сразу восстановите доступ сами и обратитесь в поддержку.[\n\nСразу \
             заблокировать учётную запись: {objection}]",
        ),
    Template::new("contact-added", Topic::Account)
        .en(
            "{site}: a contact was added",
            "{at}, {from}: {new} was added to the contacts of your account; all other sessions have ended. If it was \
             not you, change your password.[ To undo it: {objection}]",
        )
        .ru(
            "{site}: добавлен контакт",
            "{at}, {from}: к контактам вашей учётной записи добавлен {new}, остальные сеансы завершены. Если это не \
             вы, смените пароль.[ Отменить: {objection}]",
        )
        .sms(
            "{site}: {new} was added to your contacts. If it was not you, change your password.[ To undo it: \
             {objection}]",
            "{site}: добавлен контакт {new}. Если это не вы, смените пароль.[ Отменить: {objection}]",
        ),
    Template::new("contact-changed", Topic::Account)
        .en(
            "{site}: a contact was changed",
            "{at}, {from}: {old} was replaced by {new} among the contacts of your account; all other sessions have \
             ended. If it was not you, change your password.[ To undo it: {objection}]",
        )
        .ru(
            "{site}: контакт изменён",
            "{at}, {from}: контакт вашей учётной записи {old} заменён на {new}, остальные сеансы завершены. Если это \
             не вы, смените пароль.[ Отменить: {objection}]",
        )
        .sms(
            "{site}: contact {old} was replaced by {new}. If it was not you, change your password.[ To undo it: \
             {objection}]",
            "{site}: контакт {old} заменён на {new}. Если это не вы, смените пароль.[ Отменить: {objection}]",
        ),
    Template::new("contact-removed", Topic::Account)
        .en(
            "{site}: a contact was removed",
            "{at}, {from}: {old} was removed from the contacts of your account; all other sessions have ended. If it \
             was not you, change your password.[ To undo it: {objection}]",
        )
        .ru(
            "{site}: контакт удалён",
            "{at}, {from}: контакт {old} удалён из вашей учётной записи, остальные сеансы завершены. Если это не вы, \
             смените пароль.[ Отменить: {objection}]",
        )
        .sms(
            "{site}: contact {old} was removed. If it was not you, change your password.[ To undo it: {objection}]",
            "{site}: контакт {old} удалён. Если это не вы, смените пароль.[ Отменить: {objection}]",
        ),
    Template::new("contact-preferred", Topic::Account)
        .en(
            "{site}: your main contact is another one",
            "{at}, {from}: {main} became the main one among the contacts of your account, and codes go there first; all \
             other sessions have ended. If it was not you, change your password and look at your contacts.",
        )
        .ru(
            "{site}: сменился основной контакт",
            "{at}, {from}: основным контактом вашей учётной записи стал {main}: коды теперь приходят прежде всего \
             туда. Остальные сеансы завершены. Если это не вы, смените пароль и проверьте контакты.",
        )
        .sms(
            "{site}: {main} is your main contact now. If it was not you, change your password and look at your contacts.",
            "{site}: основной контакт теперь {main}. Если это не вы, смените пароль и проверьте контакты.",
        ),
    Template::new("contact-undone", Topic::Account)
        .en(
            "{site}: a change of contacts was undone",
            "{at}, {from}: a change of the contacts of your account was undone, and all sessions have ended. Sign in and \
             change your password: whoever made the change may know it. If it was not you who undid it, turn to support.",
        )
        .ru(
            "{site}: изменение контактов отменено",
            "{at}, {from}: изменение контактов вашей учётной записи отменено, все сеансы завершены. Войдите и смените \
             пароль: тот, кто менял контакты, может его знать. Если это не вы, обратитесь в поддержку.",
        ),
    Template::new("locked", Topic::Account)
        .en(
            "{site}: your account is locked",
            "{at}, {from}: your account was locked. All sessions have ended and nobody signs in, you included. To \
             open it again, \
             go to {host} and choose \"Forgot the password?\", or turn to support. If it was not you, do the same.",
        )
        .ru(
            "{site}: учётная запись заблокирована",
            "{at}, {from}: ваша учётная запись заблокирована. Все сеансы завершены, войти не может никто, и вы тоже. \
             Чтобы снять \
             блокировку, откройте {host} и выберите «Забыли пароль?» или обратитесь в поддержку. Если это не вы, сделайте \
             то же.",
        ),
    Template::new("locked-by-desk", Topic::Account)
        .en(
            "{site}: your account is locked",
            "{at}: the service has locked your account. All sessions have ended. If you did not ask for it, or to \
             have it opened \
             again, turn to support.",
        )
        .ru(
            "{site}: учётная запись заблокирована",
            "{at}: сервис заблокировал вашу учётную запись. Все сеансы завершены. Если вы об этом не просили или \
             хотите снять \
             блокировку, обратитесь в поддержку.",
        ),
    Template::new("unlocked", Topic::Account)
        .en(
            "{site}: your account is open again",
            "{at}: the service has lifted the lock on your account. If you did not ask for it, turn to support at once.",
        )
        .ru(
            "{site}: блокировка снята",
            "{at}: сервис снял блокировку вашей учётной записи. Если вы об этом не просили, сразу обратитесь в \
             поддержку.",
        ),
    Template::new("closing", Topic::Account)
        .en(
            "{site}: your account is being closed",
            "{at}, {from}: your account was closed. It will be erased on {until}. Until then you can come back: sign \
             in at {host} \
             and choose to open it again. If it was not you, do so and change the password, or turn to support.",
        )
        .ru(
            "{site}: учётная запись закрывается",
            "{at}, {from}: ваша учётная запись закрыта. Она будет удалена {until}. До этого вы можете вернуться: \
             войдите на {host} \
             и откройте её снова. Если это не вы, сделайте это и смените пароль или обратитесь в поддержку.",
        ),
    Template::new("reopened", Topic::Account)
        .en(
            "{site}: your account is open again",
            "{at}, {from}: your account, which was being closed, is open again. If it was not you, turn to support at \
             once.",
        )
        .ru(
            "{site}: учётная запись снова открыта",
            "{at}, {from}: закрытие вашей учётной записи отменено. Если это не вы, сразу обратитесь в поддержку.",
        ),
    Template::new("closed", Topic::Account)
        .en(
            "{site}: your account is erased",
            "{at}: the service has closed your account and erased its data, as was asked. This is the last message \
             about it. If \
             you did not ask for it, turn to support.",
        )
        .ru(
            "{site}: учётная запись удалена",
            "{at}: сервис закрыл вашу учётную запись и удалил её данные, как и просили. Это последнее сообщение о \
             ней. Если вы об \
             этом не просили, обратитесь в поддержку.",
        ),
    Template::new("notices-off", Topic::Account)
        .en(
            "{site}: some notifications are switched off",
            "{at}, {from}: some notifications about your account are switched off. If it was not you, sign in, switch \
             them on, change the password and end the other sessions.",
        )
        .ru(
            "{site}: часть уведомлений отключена",
            "{at}, {from}: часть уведомлений о вашей учётной записи отключена. Если это не вы, войдите, включите их, \
             смените пароль и завершите остальные сеансы.",
        ),
];
