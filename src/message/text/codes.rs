//! What somebody asked for.

use super::{Template, Topic};

pub(super) const TEMPLATES: &[Template] = &[
    // The last line binds the code to the site: a phone offers it there and nowhere else (WICG origin-bound one-time
    // codes). One SMS holds 160 signs of GSM 03.38, or 70 where one of them is Cyrillic: 27 are left for site and host.
    // What a code approves stands beside it: who was made to ask for another payment sees it here.
    Template::new("code-sms", Topic::Asked)
        .en("{site}", "Code {code}, {site}. [It approves: {approves}. ]Tell nobody.\n@{host} #{code}")
        .ru("{site}", "Код {code}, {site}. [Подтверждает: {approves}. ]Никому не говорите.\n@{host} #{code}"),
    Template::new("code-email", Topic::Asked)
        .en(
            "{site}: your code",
            "Your code is {code}. [It approves: {approves}. ]It is valid for {minutes|minute|minutes}. Tell it to \
             nobody.\n\nAsked for {at}, {from}. If it was not you, do nothing.",
        )
        .ru(
            "{site}: код подтверждения",
            "Ваш код: {code}. [Подтверждает: {approves}. ]Действует {minutes|минуту|минуты|минут}. Никому его не \
             сообщайте.\n\nЗапрошен {at}, {from}. Если это не вы, ничего не делайте.",
        ),
    Template::new("link-email", Topic::Asked)
        .en(
            "{site}: your link",
            "To go on at {site}, open this link. [It approves: {approves}. ]It is valid for {minutes|minute|minutes} and \
             works once.\n\n{link}\n\nAsked for {at}, {from}. If you did not ask for it, say so on the page that it \
             opens, or do nothing. Send it to nobody.",
        )
        .ru(
            "{site}: ссылка для подтверждения",
            "Чтобы продолжить на сайте {site}, откройте ссылку. [Подтверждает: {approves}. ]Она действует \
             {minutes|минуту|минуты|минут} и сработает один раз.\n\n{link}\n\nЗапрошена {at}, {from}. Если вы ни о чём не \
             просили, сообщите об этом на открывшейся странице или ничего не делайте. Никому не пересылайте это письмо.",
        ),
    Template::new("already-registered", Topic::Asked)
        .en(
            "{site}: you already have an account",
            "{at}, {from}: somebody asked to register at {site} with this address. You already have an account: sign in. \
             If it was not you, do nothing.",
        )
        .ru(
            "{site}: у вас уже есть учётная запись",
            "{at}, {from}: кто-то регистрируется на сайте {site} с этим адресом. У вас уже есть учётная запись: войдите. \
             Если это не вы, ничего не делайте.",
        )
        // A stranger causes it as often as the throttle lets them, and each part of an SMS costs.
        .sms(
            "Somebody asked to register at {site} with this address. You already have an account: sign in. \
             If it was not you, do nothing.",
            "Кто-то регистрируется на сайте {site} с этим адресом. У вас уже есть учётная запись: войдите. \
             Если это не вы, ничего не делайте.",
        ),
];
