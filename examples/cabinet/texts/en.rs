use super::{Locale, Texts, Unit};

pub(super) static TEXTS: Texts = Texts {
    locale: Locale::En,
    brand: "Cabinet",
    skip: "Skip to the content",
    demo: "This is a demonstration. SMS and e-mail go nowhere:",
    demo_link: "read them in the outbox",
    menu: "Main menu",
    language_to: "Русский",
    footer: "A demonstration portal built on propusk. Times are Moscow time (UTC+3).",
    error_title: "Error",
    problems: "Please put this right",
    home: "Home",
    sessions_short: "Sessions",
    sessions: "Sessions and devices",
    history: "History",
    password: "Password",
    outbox: "Outbox",
    sign_in: "Sign in",
    sign_up: "Register",
    sign_out: "Sign out",
    welcome: "One account for public services",
    welcome_lead: "Register with a phone number or an e-mail address, sign in in two steps, and always see who was in your account, when and from where.",
    tiles: [
        ("Two steps", "A password and a code from a message: one alone opens nothing."),
        ("You see everything", "Each sign-in, with device and time. End any session with one press."),
        (
            "Nobody shuts you out",
            "Strangers who guess are held off. The browser that you use stays open to you.",
        ),
    ],
    identifier: "Phone or e-mail",
    identifier_hint: "For example +7 916 123-45-67 or name@example.org",
    password_label: "Password",
    public_device: "Not my device",
    public_device_hint: "A short session, and this browser is not remembered.",
    sign_in_wrong: "The phone, e-mail or password is wrong. Check both and try again.",
    sign_in_first: "Sign in to see this page.",
    no_account_yet: "No account yet?",
    have_account: "Have an account already?",
    code_title: "Enter the code",
    code_label: "Code from the message",
    code_hint: "Six digits, valid for five minutes",
    code_sent_to: "We have sent a code to",
    code_wrong: "The code is wrong. Compare it with the latest message, or ask for a new one.",
    code_malformed: "Enter the six digits of the code.",
    code_none: "No code? Check the address that you gave, look into the spam folder, or ask for another after a minute.",
    resend: "Send a new code",
    resent: "A new code is on its way. The old one no longer works.",
    other_way: "Send it another way:",
    start_over: "Start again",
    confirm: "Continue",
    sign_up_lead: "It takes two minutes. First we confirm that the phone or the mailbox is yours.",
    contact: "Phone or e-mail",
    contact_hint: "A code will be sent there; later you sign in with it",
    name: "Your name",
    name_hint: "As we should address you",
    terms: "I accept the terms of use and the processing of my data",
    get_code: "Get a code",
    choose_password: "Choose a password",
    new_password: "New password",
    rules_title: "A password that is:",
    finish: "Finish registration",
    welcome_new: "You are registered and signed in.",
    hello: "Hello",
    account_title: "Your account",
    login_names: "You sign in with",
    member_since: "Registered",
    level: "Level of the account",
    levels: [
        "Simplified: a contact is confirmed",
        "Standard: documents are checked",
        "Confirmed: identity is proven",
    ],
    this_session: "This session",
    session_ends: "Ends at the latest",
    proven_by: "Proven by",
    sessions_tile: "See where you are signed in, and end what is not yours.",
    history_tile: "Who came in or tried to, when and from where.",
    password_tile: "Change it when somebody might know it.",
    sessions_lead: "Each line is a browser in which you are signed in. If you do not recognise one, end it and change your password.",
    here: "This browser",
    began: "Signed in",
    seen: "last active",
    address: "address",
    end: "End",
    end_others: "End all other sessions",
    only_session: "You are signed in only here.",
    session_ended: "The session has ended.",
    others_ended: "All other sessions have ended.",
    no_such_session: "That session had ended already.",
    unknown_device: "Unknown device",
    in_app: "Application",
    history_lead: "Everything that happened around your sign-in, the newest first.",
    nothing_yet: "Nothing here yet.",
    older: "Older",
    newest: "Back to the newest",
    done: "Done",
    refused: "Refused",
    not_you: "If something here was not you, change your password: all other sessions end with it.",
    password_lead: "All other sessions will end. You stay signed in here.",
    current_password: "Current password",
    current_wrong: "That is not your current password. Try again.",
    current_proven: "Your current password is right. Now choose another new one.",
    change_password: "Change the password",
    password_changed: "The password is changed. All other sessions have ended.",
    outbox_lead: "What this demonstration would have sent, the newest first. A real portal has no such page.",
    outbox_empty: "Nothing has been sent yet.",
    refresh: "Refresh",
    sms: "SMS",
    email: "E-mail",
    signed_out: "You have signed out.",
    not_found: "There is no such page",
    not_found_lead: "Check the address, or start from the front page.",
    form_refused: "The form is too old",
    form_refused_lead: "It was opened too long ago or on another site, so nothing was done. Go back, reload the page and send it again.",
    broken: "This does not work right now",
    broken_lead: "The fault is ours and is written down. Nothing was lost; try again in a few minutes.",
    to_front: "To the front page",
};

pub(super) fn event(name: &str, refused: bool) -> Option<&'static str> {
    Some(match (name, refused) {
        ("sign-up", false) => "Registration",
        ("sign-up", true) => "Registration: code refused",
        ("sign-in", false) => "Sign-in",
        ("sign-in", true) => "Sign-in refused",
        ("factor-proven", _) => "First step of a sign-in",
        ("credential-changed", false) => "Password changed",
        ("credential-changed", true) => "Change of password refused",
        ("sign-out", _) => "Sign-out",
        ("session-ended", _) => "Another session was ended",
        ("other-sessions-ended", _) => "All other sessions were ended",
        ("level-set", _) => "Level of the account set",
        ("account-disabled", _) => "Account switched off",
        ("account-enabled", _) => "Account switched on",
        _ => return None,
    })
}

pub(super) fn reason(code: &str) -> Option<&'static str> {
    Some(match code {
        "wrong" => "wrong answer",
        "malformed" => "not in the right form",
        "expired" => "the code was too old",
        "used_up" => "the code was tried too often",
        "replayed" => "used already",
        "held" => "held after too many wrong answers",
        "spent" => "too many wrong answers from unknown browsers",
        _ => return None,
    })
}

pub(super) fn rule(name: &str, number: impl Fn(&str) -> u64) -> Option<String> {
    Some(match name {
        "too_short" => format!("at least {}", count(number("least"), "character")),
        "too_long" => {
            format!("no longer than {} (as many Latin letters)", count(number("most_bytes"), "byte"))
        }
        "common" => "not one of the passwords that are used most: those are tried first".into(),
        "context" => "not made of your name, your phone or address, or the name of this site".into(),
        "not_text" => "plain text".into(),
        "no_upper" => "with a capital letter".into(),
        "no_lower" => "with a small letter".into(),
        "no_digit" => "with a digit".into(),
        "no_special" => "with another sign: a space, a dash, a comma".into(),
        "keyboard" => {
            format!("without {} in a row on the keyboard, such as qwerty", count(number("run"), "key"))
        }
        "sequence" => {
            format!("without {} in the order of the alphabet, such as abcde", count(number("run"), "sign"))
        }
        "repeated" => format!("without the same sign {} in a row", count(number("run"), "time")),
        "same" => "not your present one".into(),
        "reused" => format!("none of your last {}", number("last")),
        "breached" => "not known from a leak elsewhere".into(),
        "weak" => "harder to guess".into(),
        _ => return None,
    })
}

pub(super) fn span(number: u64, unit: Unit) -> String {
    count(
        number,
        match unit {
            Unit::Second => "second",
            Unit::Minute => "minute",
            Unit::Hour => "hour",
        },
    )
}

fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
