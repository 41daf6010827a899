//! Ways to sign in that were added, changed, taken away.

use super::{Template, Topic};

pub(super) const TEMPLATES: &[Template] = &[
    Template::new("credential-changed", Topic::Credentials)
        .en(
            "{site}: your {factor} was changed",
            "{at}, {from}: your {factor} was changed; all other sessions have ended. If it was not you, turn to support at \
             once.",
        )
        .ru(
            "{site}: изменён способ входа",
            "{at}, {from}: изменён способ входа ({factor}); остальные сеансы завершены. Если это не вы, сразу обратитесь в \
             поддержку.",
        ),
    Template::new("credential-temporary", Topic::Credentials)
        .en(
            "{site}: a temporary {factor} was issued",
            "{at}: the service issued a temporary {factor} for your account, and all sessions have ended. You choose your \
             own when you sign in by it. If you did not ask for it, turn to support at once.",
        )
        .ru(
            "{site}: выдан временный способ входа",
            "{at}: сервис выдал для вашей учётной записи временный способ входа ({factor}), все сеансы завершены. При \
             входе вы зададите свой. Если вы об этом не просили, сразу обратитесь в поддержку.",
        ),
    Template::new("credential-compromised", Topic::Credentials)
        .en(
            "{site}: change your {factor}",
            "{at}: the service found that others may know your {factor}. All sessions have ended. Sign in and choose a new \
             one; change it wherever else you use it.",
        )
        .ru(
            "{site}: смените способ входа",
            "{at}: сервис выяснил, что ваш способ входа ({factor}) мог стать известен другим. Все сеансы завершены. Войдите \
             и задайте новый; смените его везде, где он у вас стоит.",
        ),
    Template::new("credential-added", Topic::Credentials)
        .en(
            "{site}: {factor} was added to your account",
            "{at}, {from}: {factor} was added to your account. If it was not you, change the password, end the other \
             sessions and tell the service.",
        )
        .ru(
            "{site}: добавлен способ входа",
            "{at}, {from}: добавлен способ входа ({factor}). Если это не вы, смените пароль, завершите остальные сеансы и \
             сообщите сервису.",
        ),
    Template::new("credential-removed", Topic::Credentials)
        .en(
            "{site}: {factor} was removed from your account",
            "{at}, {from}: {factor} was removed from your account; all other sessions have ended. If it was not you, turn \
             to support at once.",
        )
        .ru(
            "{site}: удалён способ входа",
            "{at}, {from}: удалён способ входа ({factor}); остальные сеансы завершены. Если это не вы, сразу обратитесь в \
             поддержку.",
        ),
    Template::new("credential-disabled", Topic::Credentials)
        .en(
            "{site}: your {factor} was switched off",
            "{at}, {from}: somebody tried to sign in with a copy of your {factor}. We refused and switched it off. Sign in \
             another way and add a new one; if it was not you, change the password and end the other sessions.",
        )
        .ru(
            "{site}: способ входа отключён",
            "{at}, {from}: попытка войти с копией вашего способа входа ({factor}). Мы отказали и отключили его. Войдите \
             другим способом и добавьте новый; если это не вы, смените пароль и завершите остальные сеансы.",
        ),
];
