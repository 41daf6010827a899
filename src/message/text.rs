//! The library's own texts. An application's sender may have its own instead.

use super::{Locale, Message, Text};

pub(super) fn render(message: &Message) -> Text {
    let param = |name| message.param(name).unwrap_or("");
    let (site, code, host) = (param("site"), param("code"), param("host"));
    let few = param("left").parse::<usize>().is_ok_and(|left| left <= FEW_CODES);
    let at = when(param("at"), message.locale);
    // What a code approves stands beside it: who was made to ask for another payment sees it here.
    let what = match (param("approves"), message.locale) {
        ("", _) => String::new(),
        (what, Locale::En) => format!("It approves: {what}. "),
        (what, Locale::Ru) => format!("Подтверждает: {what}. "),
    };
    let (subject, body) = match (message.template.as_str(), message.locale) {
        // The last line binds the code to the site: a phone offers it there and nowhere else (WICG origin-bound one-time
        // codes). One SMS holds 160 signs of GSM 03.38, or 70 where one of them is Cyrillic: 27 are left for site and host.
        ("code-sms", Locale::En) => {
            (site.into(), format!("Code {code}, {site}. {what}Tell nobody.\n@{host} #{code}"))
        }
        ("code-sms", Locale::Ru) => {
            (site.into(), format!("Код {code}, {site}. {what}Никому не говорите.\n@{host} #{code}"))
        }
        ("code-email", Locale::En) => (
            format!("{site}: your code"),
            format!(
                "Your code is {code}. {what}It is valid for {} minutes. Tell it to nobody.",
                param("minutes")
            ),
        ),
        ("code-email", Locale::Ru) => (
            format!("{site}: код подтверждения"),
            format!("Ваш код: {code}. {what}Действует {} мин. Никому его не сообщайте.", param("minutes")),
        ),
        ("link-email", Locale::En) => (
            format!("{site}: your link"),
            format!(
                "To go on at {site}, open this link. {what}It is valid for {} minutes and works once.\n\n{}\n\n\
                 If you did not ask for it, say so on the page that it opens, or do nothing. Send it to nobody.",
                param("minutes"),
                param("link")
            ),
        ),
        ("link-email", Locale::Ru) => (
            format!("{site}: ссылка для подтверждения"),
            format!(
                "Чтобы продолжить на {site}, откройте ссылку. {what}Она действует {} мин. и сработает один раз.\n\n{}\n\n\
                 Если вы ни о чём не просили, сообщите об этом на открывшейся странице или ничего не делайте. Никому \
                 не пересылайте это письмо.",
                param("minutes"),
                param("link")
            ),
        ),
        ("already-registered", Locale::En) => (
            format!("{site}: you already have an account"),
            format!(
                "Somebody asked to register at {site} with this address. You already have an account: sign in. \
                 If it was not you, do nothing."
            ),
        ),
        ("already-registered", Locale::Ru) => (
            format!("{site}: у вас уже есть учётная запись"),
            format!(
                "Кто-то регистрируется на {site} с этим адресом. У вас уже есть учётная запись: войдите. \
                 Если это не вы, ничего не делайте."
            ),
        ),
        ("new-browser", Locale::En) => (
            format!("{site}: sign-in from a new browser"),
            format!(
                "{at}: sign-in from {}. If it was not you, sign in, change the password and end the other sessions.",
                param("device")
            ),
        ),
        ("new-browser", Locale::Ru) => (
            format!("{site}: вход из нового браузера"),
            format!(
                "{at}: вход, {}. Если это не вы, войдите, смените пароль и завершите остальные сеансы.",
                param("device")
            ),
        ),
        ("held", Locale::En) => (
            format!("{site}: sign-in is on hold"),
            format!(
                "Several wrong answers in a row. Sign-in from unknown browsers is on hold for {} minutes and opens \
                 again by itself. A browser that you signed in from before is not held by it.",
                param("minutes")
            ),
        ),
        ("held", Locale::Ru) => (
            format!("{site}: вход приостановлен"),
            format!(
                "Несколько неверных ответов подряд. Вход из незнакомых браузеров приостановлен на {} мин. и \
                 откроется сам. Браузер, из которого вы уже входили, это не затрагивает.",
                param("minutes")
            ),
        ),
        ("held-known", Locale::En) => (
            format!("{site}: sign-in is on hold"),
            format!(
                "Several wrong answers in a row, in a browser that you signed in from before. Sign-in from such browsers \
                 is on hold for {} minutes and opens again by itself. If it was not you, somebody uses your device.",
                param("minutes")
            ),
        ),
        ("held-known", Locale::Ru) => (
            format!("{site}: вход приостановлен"),
            format!(
                "Несколько неверных ответов подряд в браузере, из которого вы уже входили. Вход из таких браузеров \
                 приостановлен на {} мин. и откроется сам. Если это не вы, вашим устройством пользуется кто-то другой.",
                param("minutes")
            ),
        ),
        ("denied", Locale::En) => (
            format!("{site}: a sign-in was denied"),
            format!(
                "A sign-in from {} was denied on another of your devices. If it was not your own, somebody knows \
                 what it was begun with: change your password.",
                param("device")
            ),
        ),
        ("denied", Locale::Ru) => (
            format!("{site}: вход отклонён"),
            format!(
                "Вход ({}) отклонён на другом вашем устройстве. Если входили не вы, кто-то знает, с чего начать вход: \
                 смените пароль.",
                param("device")
            ),
        ),
        ("credential-changed", Locale::En) => (
            format!("{site}: your {} was changed", param("factor")),
            format!(
                "{at}: your {} was changed; all other sessions have ended. If it was not you, turn to support at once.",
                param("factor")
            ),
        ),
        ("credential-changed", Locale::Ru) => (
            format!("{site}: изменён способ входа"),
            format!(
                "{at}: изменён способ входа ({}); остальные сеансы завершены. Если это не вы, сразу обратитесь в \
                 поддержку.",
                param("factor")
            ),
        ),
        ("credential-temporary", Locale::En) => (
            format!("{site}: a temporary {} was issued", param("factor")),
            format!(
                "{at}: a temporary {} was issued for your account, and all sessions have ended. You choose your own when \
                 you sign in by it. If you did not ask for it, turn to support at once.",
                param("factor")
            ),
        ),
        ("credential-temporary", Locale::Ru) => (
            format!("{site}: выдан временный способ входа"),
            format!(
                "{at}: для вашей учётной записи выдан временный способ входа ({}), все сеансы завершены. При входе вы \
                 зададите свой. Если вы об этом не просили, сразу обратитесь в поддержку.",
                param("factor")
            ),
        ),
        ("credential-compromised", Locale::En) => (
            format!("{site}: change your {}", param("factor")),
            format!(
                "{at}: others may know your {}. All sessions have ended. Sign in and choose a new one; change it wherever \
                 else you use it.",
                param("factor")
            ),
        ),
        ("credential-compromised", Locale::Ru) => (
            format!("{site}: смените способ входа"),
            format!(
                "{at}: ваш способ входа ({}) мог стать известен другим. Все сеансы завершены. Войдите и задайте новый; \
                 смените его везде, где он у вас стоит.",
                param("factor")
            ),
        ),
        ("credential-added", Locale::En) => (
            format!("{site}: {} was added to your account", param("factor")),
            format!(
                "{at}: {} was added to your account. If it was not you, change the password, end the other sessions and \
                 tell the service.",
                param("factor")
            ),
        ),
        ("credential-added", Locale::Ru) => (
            format!("{site}: добавлен способ входа"),
            format!(
                "{at}: добавлен способ входа ({}). Если это не вы, смените пароль, завершите остальные сеансы и \
                 сообщите сервису.",
                param("factor")
            ),
        ),
        ("credential-removed", Locale::En) => (
            format!("{site}: {} was removed from your account", param("factor")),
            format!(
                "{at}: {} was removed from your account; all other sessions have ended. If it was not you, turn to \
                 support at once.",
                param("factor")
            ),
        ),
        ("credential-removed", Locale::Ru) => (
            format!("{site}: удалён способ входа"),
            format!(
                "{at}: удалён способ входа ({}); остальные сеансы завершены. Если это не вы, сразу обратитесь в \
                 поддержку.",
                param("factor")
            ),
        ),
        ("credential-disabled", Locale::En) => (
            format!("{site}: a {} was switched off", param("factor")),
            format!(
                "{at}: somebody tried to sign in with a copy of your {}. We refused and switched it off. Sign in another \
                 way and add a new one; if it was not you, change the password and end the other sessions.",
                param("factor")
            ),
        ),
        ("credential-disabled", Locale::Ru) => (
            format!("{site}: способ входа отключён"),
            format!(
                "{at}: попытка войти с копией вашего способа входа ({}). Мы отказали и отключили его. Войдите другим \
                 способом и добавьте новый; если это не вы, смените пароль и завершите остальные сеансы.",
                param("factor")
            ),
        ),
        ("backup-code-used", Locale::En) => (
            format!("{site}: a backup code was used"),
            format!(
                "{at}: a backup code was used, {}. Codes left: {}.{} If it was not you, change the password, make a new \
                 set and end the other sessions.",
                param("device"),
                param("left"),
                if few { " Make a new set." } else { "" }
            ),
        ),
        ("backup-code-used", Locale::Ru) => (
            format!("{site}: использован резервный код"),
            format!(
                "{at}: использован резервный код, {}. Осталось кодов: {}.{} Если это не вы, смените пароль, создайте \
                 новый набор и завершите остальные сеансы.",
                param("device"),
                param("left"),
                if few { " Создайте новый набор." } else { "" }
            ),
        ),
        ("locked", Locale::En) => (
            format!("{site}: your account is locked"),
            format!(
                "{at}: your account was locked, {}. All sessions have ended and nobody signs in, you included. To open it \
                 again, go to {host} and choose \"Forgot the password?\", or turn to support.",
                param("device")
            ),
        ),
        ("locked", Locale::Ru) => (
            format!("{site}: учётная запись заблокирована"),
            format!(
                "{at}: ваша учётная запись заблокирована ({}). Все сеансы завершены, войти не может никто, и вы тоже. Чтобы \
                 снять блокировку, откройте {host} и выберите «Забыли пароль?» или обратитесь в поддержку.",
                param("device")
            ),
        ),
        ("locked-by-desk", Locale::En) => (
            format!("{site}: your account is locked"),
            format!(
                "{at}: your account was locked by the service. All sessions have ended. To have it opened again, turn to \
                 support."
            ),
        ),
        ("locked-by-desk", Locale::Ru) => (
            format!("{site}: учётная запись заблокирована"),
            format!(
                "{at}: ваша учётная запись заблокирована службой поддержки. Все сеансы завершены. Чтобы снять \
                 блокировку, обратитесь в поддержку."
            ),
        ),
        ("unlocked", Locale::En) => (
            format!("{site}: your account is open again"),
            format!(
                "{at}: the lock on your account was lifted. If you did not ask for it, turn to support at once."
            ),
        ),
        ("unlocked", Locale::Ru) => (
            format!("{site}: блокировка снята"),
            format!(
                "{at}: блокировка вашей учётной записи снята. Если вы об этом не просили, сразу обратитесь в поддержку."
            ),
        ),
        ("closing", Locale::En) => (
            format!("{site}: your account is being closed"),
            format!(
                "{at}: your account was closed, {}. It will be erased on {}. Until then you can come back: sign in at {host} \
                 and choose to open it again. If it was not you, do so and change the password, or turn to support.",
                param("device"),
                when(param("until"), message.locale)
            ),
        ),
        ("closing", Locale::Ru) => (
            format!("{site}: учётная запись закрывается"),
            format!(
                "{at}: ваша учётная запись закрыта ({}). Она будет удалена {}. До этого вы можете вернуться: войдите на \
                 {host} и откройте её снова. Если её закрыли не вы, сделайте это и смените пароль или обратитесь в \
                 поддержку.",
                param("device"),
                when(param("until"), message.locale)
            ),
        ),
        ("reopened", Locale::En) => (
            format!("{site}: your account is open again"),
            format!(
                "{at}: your account, which was being closed, is open again, {}. If it was not you, turn to support at once.",
                param("device")
            ),
        ),
        ("reopened", Locale::Ru) => (
            format!("{site}: учётная запись снова открыта"),
            format!(
                "{at}: закрытие вашей учётной записи отменено ({}). Если это не вы, сразу обратитесь в поддержку.",
                param("device")
            ),
        ),
        ("closed", Locale::En) => (
            format!("{site}: your account is erased"),
            format!("{at}: your account was closed and its data erased. This is the last message about it."),
        ),
        ("closed", Locale::Ru) => (
            format!("{site}: учётная запись удалена"),
            format!("{at}: ваша учётная запись закрыта, её данные удалены. Это последнее сообщение о ней."),
        ),
        // A factor's own message: what it has to say, without a text around it.
        (other, _) => {
            let said = message.params.iter().filter(|(name, _)| !matches!(name.as_ref(), "site" | "host"));
            let lines: Vec<_> = said.map(|(name, value)| format!("{name}: {}", value.as_str())).collect();
            (format!("{site}: {other}"), lines.join("\n"))
        }
    };
    Text { subject, body }
}

/// So few codes are left that a new set is due.
const FEW_CODES: usize = 3;

// A moment as people write it; the zone is said, since the library does not know theirs.
fn when(rfc3339: &str, locale: Locale) -> String {
    let part = |range| rfc3339.get(range).unwrap_or_default();
    let (year, month, day, time) = (part(0..4), part(5..7), part(8..10), part(11..16));
    match locale {
        Locale::En => format!("{year}-{month}-{day} {time} UTC"),
        Locale::Ru => format!("{day}.{month}.{year} {time} UTC"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::account::identifier::Identifier;
    use crate::id::{MessageId, TemplateName};

    fn text(template: &'static str, locale: Locale, site: &str, host: &str) -> String {
        let params = [("code", "123456"), ("minutes", "5"), ("site", site), ("host", host)];
        let message = Message {
            id: MessageId::from_bytes([0; 16]),
            to: Identifier::parse("+79161234567").unwrap(),
            template: TemplateName::new(template),
            locale,
            params: params.map(|(name, value)| (name.into(), value.to_owned().into())).into(),
        };
        render(&message).body
    }

    /// How many SMS a text takes (3GPP TS 23.040): 160 signs of GSM 03.38 or 70 of UCS-2, and 153 or 67 of each where
    /// there are several.
    fn parts(text: &str) -> usize {
        let plain = |sign: char| sign.is_ascii() && !"`[\\]^{|}~".contains(sign);
        let (one, each) = if text.chars().all(plain) { (160, 153) } else { (70, 67) };
        let length = text.encode_utf16().count();
        if length <= one { 1 } else { length.div_ceil(each) }
    }

    const LOCALES: [Locale; 2] = [Locale::En, Locale::Ru];

    /// WICG origin-bound one-time codes: the last line is `@host #code` and nothing else.
    #[test]
    fn a_code_by_sms_is_bound_to_its_site_and_fits_into_one() {
        for locale in LOCALES {
            // A language that comes later belongs into the list.
            let (Locale::En | Locale::Ru) = locale;
            for (site, host, most) in [
                ("Портал", "portal.example", 1),
                ("Госуслуги", "lk.gosuslugi.ru", 1),
                ("Portal", "portal.example", 1),
                ("Портал государственных и муниципальных услуг", "lk.gosuslugi.example", 2),
            ] {
                let text = text("code-sms", locale, site, host);
                let (before, last) = text.rsplit_once('\n').unwrap();
                assert_eq!(last, format!("@{host} #123456"));
                assert!(before.contains("123456") && before.contains(site), "{text}");
                assert!(parts(&text) <= most, "{} SMS: {text}", parts(&text));
            }
            assert!(parts(&text("already-registered", locale, "Портал", "portal.example")) <= 2);
        }
    }
}
