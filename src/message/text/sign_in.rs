//! Sign-ins and attempts.

use super::{Template, Topic};

pub(super) const TEMPLATES: &[Template] = &[
    Template::new("new-browser", Topic::SignIn)
        .en(
            "{site}: sign-in from a new browser",
            "{at}: sign-in from {from}. If it was not you, sign in, change the password and end the other sessions.[\n\nTo \
             lock the account at once: {objection}]",
        )
        .ru(
            "{site}: вход из нового браузера",
            "{at}: вход, {from}. Если это не вы, войдите, смените пароль и завершите остальные сеансы.[\n\nСразу \
             заблокировать учётную запись: {objection}]",
        )
        .sms(
            "{site}: sign-in from a new browser, {from}.[ Not you? Lock the account: {objection}]",
            "{site}: вход из нового браузера, {from}.[ Это не вы? Заблокируйте учётную запись: {objection}]",
        ),
    Template::new("sign-in-unusual", Topic::SignIn)
        .en(
            "{site}: an unusual sign-in",
            "{at}: sign-in from {from}. What is unusual about it: {why}. If it was not you, sign in, change the password \
             and end the other sessions.[\n\nTo lock the account at once: {objection}]",
        )
        .ru(
            "{site}: необычный вход",
            "{at}: вход, {from}. Что в нём необычного: {why}. Если это не вы, войдите, смените пароль и завершите остальные \
             сеансы.[\n\nСразу заблокировать учётную запись: {objection}]",
        )
        .sms(
            "{site}: unusual sign-in, {from}.[ Not you? Lock the account: {objection}]",
            "{site}: необычный вход, {from}.[ Это не вы? Заблокируйте учётную запись: {objection}]",
        ),
    Template::new("sign-in-refused", Topic::SignIn)
        .en(
            "{site}: a sign-in was stopped",
            "{at}, {from}: somebody proved all that your account asks for, and was not let in. Why: {why}. If it was you, \
             sign in from where you did before, or go to {host} and choose \"Forgot the password?\". If it was not you, \
             somebody knows how you sign in: sign in and change the password.[\n\nTo lock the account at once: {objection}]",
        )
        .ru(
            "{site}: вход остановлен",
            "{at}, {from}: кто-то подтвердил всё, что нужно для входа в вашу учётную запись, но войти ему не дали. Почему: \
             {why}. Если это вы, войдите оттуда, откуда входили раньше, или откройте {host} и выберите «Забыли пароль?». \
             Если это не вы, кто-то знает, как вы входите: войдите и смените пароль.[\n\nСразу заблокировать учётную \
             запись: {objection}]",
        )
        .sms(
            "{site}: a sign-in was stopped, {from}.[ Not you? Lock the account: {objection}]",
            "{site}: вход остановлен, {from}.[ Это не вы? Заблокируйте учётную запись: {objection}]",
        ),
    Template::new("sign-in-unfinished", Topic::SignIn)
        .en(
            "{site}: a sign-in was not finished",
            "{at}, {from}: a sign-in to your account was begun with the right answer ({factor}) and not finished. If it was \
             not you, somebody else can give it: sign in and change it.[\n\nTo lock the account at once: {objection}]",
        )
        .ru(
            "{site}: вход не закончен",
            "{at}, {from}: вход в вашу учётную запись начат с верным ответом ({factor}) и не закончен. Если это не вы, этот \
             ответ есть у кого-то ещё: войдите и смените его.[\n\nСразу заблокировать учётную запись: {objection}]",
        )
        .sms(
            "{site}: a sign-in was begun ({factor}) and not finished, {from}.[ Not you? Lock the account: {objection}]",
            "{site}: вход начат ({factor}) и не закончен, {from}.[ Это не вы? Заблокируйте учётную запись: {objection}]",
        ),
    Template::new("held", Topic::SignIn)
        .en(
            "{site}: sign-in is on hold",
            "{at}, {from}: several wrong answers in a row. Sign-in from unknown browsers is on hold for \
             {minutes|minute|minutes} and opens again by itself. A browser that you signed in from before is not held by \
             it. If it was not you, nobody got in, and you need do nothing.",
        )
        .ru(
            "{site}: вход приостановлен",
            "{at}, {from}: несколько неверных ответов подряд. Вход из незнакомых браузеров приостановлен на \
             {minutes|минуту|минуты|минут} и откроется сам. Браузер, из которого вы уже входили, это не затрагивает. \
             Если это не вы, войти никому не удалось, и делать ничего не нужно.",
        ),
    Template::new("held-known", Topic::SignIn)
        .en(
            "{site}: sign-in is on hold",
            "{at}, {from}: several wrong answers in a row, in a browser that you signed in from before. Sign-in from such \
             browsers is on hold for {minutes|minute|minutes} and opens again by itself. If it was not you, somebody uses \
             your device: sign in elsewhere, end the other sessions and change the password.",
        )
        .ru(
            "{site}: вход приостановлен",
            "{at}, {from}: несколько неверных ответов подряд в браузере, из которого вы уже входили. Вход из таких \
             браузеров приостановлен на {minutes|минуту|минуты|минут} и откроется сам. Если это не вы, вашим устройством \
             пользуется кто-то другой: войдите с другого, завершите остальные сеансы и смените пароль.",
        ),
    Template::new("denied", Topic::SignIn)
        .en(
            "{site}: a request was denied",
            "{at}: a request from {from} was denied on another of your devices, and nothing was done. If it was not your \
             own, look at the history of your account: whoever began a sign-in with your password knows it, and then \
             change it.",
        )
        .ru(
            "{site}: запрос отклонён",
            "{at}: запрос ({from}) отклонён на другом вашем устройстве, ничего не сделано. Если это не вы, посмотрите \
             историю учётной записи: если вход начали с вашим паролем, его кто-то знает, смените его.",
        ),
    Template::new("backup-code-used", Topic::SignIn)
        .en(
            "{site}: a backup code was used",
            "{at}: a backup code was used, {from}. Codes left: {left}. If it was not you, change the password, make a new \
             set and end the other sessions.",
        )
        .ru(
            "{site}: использован резервный код",
            "{at}: использован резервный код, {from}. Осталось кодов: {left}. Если это не вы, смените пароль, создайте \
             новый набор и завершите остальные сеансы.",
        ),
    Template::new("backup-codes-few", Topic::SignIn)
        .en(
            "{site}: a backup code was used, few are left",
            "{at}: a backup code was used, {from}. Codes left: {left}. Make a new set. If it was not you, change the \
             password, make a new set and end the other sessions.",
        )
        .ru(
            "{site}: использован резервный код, их осталось мало",
            "{at}: использован резервный код, {from}. Осталось кодов: {left}. Создайте новый набор. Если это не вы, \
             смените пароль, создайте новый набор и завершите остальные сеансы.",
        ),
    Template::new("refresh-reused", Topic::SignIn)
        .en(
            "{site}: you were signed out on one of your devices",
            "{at}, {from}: the key by which an application of yours stays signed in was used twice, so it may have been copied. \
             That sign-in has ended: sign in again there. If it was not you, change your password.",
        )
        .ru(
            "{site}: на одном из ваших устройств выполнен выход",
            "{at}, {from}: ключ, по которому ваше приложение остаётся в системе, использован дважды: возможно, его \
             скопировали. Этот сеанс завершён, войдите в приложении заново. Если это не вы, смените пароль.",
        ),
];
