//! What a refusal means and what to do, for a person.

use crate::factor::Reason;
use crate::flow::Code;
use crate::message::Locale;
use crate::proof::Due;

impl Code {
    /// In English and in Russian.
    pub(crate) const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Answer(Reason::Wrong) => (
                "The name or the answer is wrong. Check both and try again.",
                "Неверное имя или ответ. Проверьте и попробуйте ещё раз.",
            ),
            Self::Answer(Reason::Malformed) => (
                "The answer does not have the form that is asked for.",
                "Ответ не той формы, о которой просили.",
            ),
            Self::Answer(Reason::Expired) => {
                ("It is too old. Ask for a new one.", "Срок действия истёк. Запросите новый.")
            }
            Self::Answer(Reason::UsedUp) => (
                "This code has been tried too often. Ask for a new one.",
                "Слишком много попыток с этим кодом. Запросите новый.",
            ),
            Self::Answer(Reason::Replayed) => {
                ("This was used already. Continue where you are signed in.", "Это уже использовано.")
            }
            Self::Answer(Reason::NotBegun) => ("Ask for a code first.", "Сначала запросите код."),
            Self::Answer(Reason::Denied) => {
                ("It was denied on the other device.", "На другом устройстве ответили отказом.")
            }
            Self::Identifier(_) => (
                "That is no phone number, e-mail address or user name. Check for missing or extra signs.",
                "Это не телефон, не адрес почты и не имя. Проверьте, нет ли лишних или пропущенных знаков.",
            ),
            Self::ContactKind => {
                ("Enter a phone number or an e-mail address.", "Укажите телефон или адрес почты.")
            }
            Self::Name => ("Enter your name as others may read it.", "Введите имя, как его увидят другие."),
            Self::BirthDate => (
                "Enter your birth date as a day that has been: 17.03.1985.",
                "Введите дату рождения, которая уже была: 17.03.1985.",
            ),
            Self::Terms => ("Accept the terms to register.", "Чтобы зарегистрироваться, примите условия."),
            Self::Unfit => (
                "Choose another one: see what is missing.",
                "Выберите другой: ниже сказано, чего не хватает.",
            ),
            Self::Held => (
                "Too many wrong answers in a row. Wait and try again, or sign in from a browser that you used before.",
                "Слишком много неверных ответов подряд. Подождите или войдите из браузера, которым уже пользовались.",
            ),
            Self::Spent => (
                "Too many wrong answers. Sign in from a browser that you used before, recover access, or turn to support.",
                "Слишком много неверных ответов. Войдите из браузера, которым уже пользовались, восстановите доступ или \
                 обратитесь в поддержку.",
            ),
            Self::Busy => {
                ("The server is busy. Try again in a moment.", "Сервер занят. Повторите чуть позже.")
            }
            Self::Throttled => (
                "Too many attempts from your network. Wait a little.",
                "Слишком много попыток из вашей сети. Подождите.",
            ),
            Self::TooSoon => (
                "That was asked for not long ago. Wait before asking again.",
                "Об этом недавно уже просили. Подождите и попросите снова.",
            ),
            Self::Barred => (
                "No code is sent to this address now. Choose another way, or another address.",
                "На этот адрес коды сейчас не отправляются. Выберите другой способ или другой адрес.",
            ),
            Self::HumanNeeded => (
                "Your device has a short task to do first (programs: GET /auth/puzzle). Wait a few seconds and send it again.",
                "Сначала ваше устройство решит короткую задачу (программам: GET /auth/puzzle). Подождите несколько секунд и \
                 отправьте ещё раз.",
            ),
            Self::HumanWrong => (
                "The task of your device was not solved in time or is used up. Send it again: it gets a new one.",
                "Задача вашего устройства решена не вовремя или уже использована. Отправьте ещё раз: оно получит новую.",
            ),
            Self::NoFlow => (
                "This attempt is over or was begun in another browser. Begin again.",
                "Эта попытка окончена или начата в другом браузере. Начните заново.",
            ),
            Self::NotOffered => (
                "That is not possible here. Choose another way.",
                "Здесь так нельзя. Выберите другой способ.",
            ),
            Self::Stale => (
                "Something changed in between. Begin again.",
                "За это время что-то изменилось. Начните заново.",
            ),
            Self::Taken => (
                "This address belongs to an account, or did not long ago. Sign in with it, or use another address.",
                "Этот адрес принадлежит учётной записи или принадлежал ей недавно. Войдите с ним или укажите другой.",
            ),
            Self::Due => (
                "Change it first: it has expired, is temporary, or others may know it.",
                "Сначала смените его: срок истёк, он временный или мог стать известен другим.",
            ),
            Self::NoSession => ("Sign in first.", "Сначала войдите."),
            Self::RefreshReused => (
                "The key of this sign-in was used twice, so somebody may have copied it. Sign in again; if this was not \
                 your own application, change your password.",
                "Ключ этого входа использован дважды: возможно, его скопировали. Войдите заново; если это было не ваше \
                 приложение, смените пароль.",
            ),
            Self::StepUp => ("Confirm once more that it is you.", "Подтвердите ещё раз, что это вы."),
            Self::OutOfReach => (
                "You have no way yet to prove what that takes. Add one first: an authenticator application, a passkey.",
                "У вас пока нет способа подтвердить это. Сначала добавьте его: приложение с кодами, ключ доступа.",
            ),
            Self::LastFactor => (
                "Without it you could no longer sign in. Add another first.",
                "Без него вы больше не сможете войти. Сначала добавьте другой.",
            ),
            Self::Untold => (
                "Leave one address for each kind of notice, e-mail or SMS: else nobody could warn you.",
                "Оставьте для каждого вида уведомлений хотя бы один адрес, почту или СМС: иначе вас никто не предупредит.",
            ),
            Self::Level => (
                "Confirm your identity first: that takes an account of a higher level.",
                "Сначала подтвердите личность: для этого нужна учётная запись более высокого уровня.",
            ),
            Self::Transaction => (
                "That cannot be shown for approval as it is. Check what is entered.",
                "В таком виде это нельзя показать для подтверждения. Проверьте, что введено.",
            ),
            Self::Locked => (
                "The service has locked this account. Turn to support.",
                "Сервис заблокировал эту учётную запись. Обратитесь в поддержку.",
            ),
            Self::RecoveryWaits => (
                "We have told every contact of the account. When the time is over, begin again with the same address: then \
                 one confirmation is enough.",
                "Мы сообщили об этом на все контакты учётной записи. Когда срок пройдёт, начните заново с тем же адресом: \
                 тогда хватит одного подтверждения.",
            ),
            Self::RecoveryStopped => (
                "The recovery was stopped by the owner of the account. Use a second way to confirm, or try again later.",
                "Восстановление остановил владелец учётной записи. Подтвердите ещё одним способом или попробуйте позже.",
            ),
            Self::Waiting => ("Confirm on the other device.", "Подтвердите на другом устройстве."),
            Self::Unusual => (
                "This sign-in is too unlike the others of the account. Sign in from where you did before, or restore access \
                 with \"Forgot the password?\".",
                "Этот вход слишком не похож на прежние. Войдите оттуда, откуда входили раньше, или восстановите доступ: \
                 «Забыли пароль?».",
            ),
            Self::Link => (
                "This link does nothing any more: its time is over, or it was done already. Sign in and look at the history.",
                "Эта ссылка больше не действует: её срок прошёл или всё уже сделано. Войдите и посмотрите историю.",
            ),
            Self::Mailbox => (
                "This request is over, or somebody else answers it. Ask for a new one on the other screen.",
                "Этот запрос окончен, или на него отвечает другой. Запросите новый на том экране.",
            ),
        }
    }
}

impl Due {
    /// Why a new one must be chosen, and what comes after, for a person.
    #[must_use]
    pub const fn text(self, locale: Locale) -> &'static str {
        let (en, ru) = match self {
            Self::Expired => (
                "It has been in use for as long as it may. Choose a new one, and you are signed in.",
                "Срок его действия истёк. Задайте новый, и вход завершится.",
            ),
            Self::Temporary => (
                "It was made for your first sign-in only. Choose one of your own, and you are signed in.",
                "Он выдан только для первого входа. Задайте свой, и вход завершится.",
            ),
            Self::Compromised => (
                "Others may know it. Choose a new one, and change it wherever else you use it.",
                "Он мог стать известен другим. Задайте новый и смените его везде, где он у вас стоит.",
            ),
        };
        match locale {
            Locale::En => en,
            Locale::Ru => ru,
        }
    }
}
