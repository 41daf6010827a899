//! A loss and what comes after it: access restored, a recovery that waits and is stopped, contacts changed and undone, and
//! the page behind a link by which an owner objects.

use propusk::flow::Closing;

use super::*;

const PHONE: &str = "+79160000021";
const MAIL: &str = "anna@example.org";
const OTHER: &str = "anna.other@example.net";
const NEW: &str = "Совсем другие слова 9";
const HOURS_72: Duration = Duration::from_secs(72 * 3600);

#[tokio::test]
async fn a_forgotten_password_is_replaced_after_a_code() {
    let portal = Portal::new();
    let (owner, _) = portal.register(MAIL).await;
    let (mut anna, page) = forgets(&portal, MAIL, "password").await;
    assert!(page.at() == STEP && page.says("We have sent a message to") && page.says(MAIL), "{}", page.text);
    let wrong = portal.steps(&mut anna, STEP, STEP, "code=000000").await;
    assert!(wrong.at() == STEP && wrong.says("aria-invalid"), "{}", wrong.text);
    let choice = answers(&portal, &mut anna).await;
    assert!(
        choice.at() == CHOOSE && choice.says("data-check") && choice.says("of your last"),
        "{}",
        choice.text
    );
    let weak = portal.steps(&mut anna, CHOOSE, CHOOSE, "new_password=qwerty").await;
    assert!(weak.at() == CHOOSE && weak.says("at least 8 characters"), "{}", weak.text);
    let home = portal.steps(&mut anna, CHOOSE, CHOOSE, &format!("new_password={}", typed(NEW))).await;
    assert!(home.at() == "/home" && home.says("Access is restored"), "{}", home.text);
    let out = portal.get(&owner, "/home").await;
    assert_eq!(out.location().as_deref(), Some("/sign-in?next=/home"), "all other sessions have ended");
    assert!(portal.get(&anna, "/history").await.says("Access restored"));
    // Nothing is left of it to be used a second time.
    portal.steps(&mut anna, "/home", "/sign-out", "").await;
    assert_eq!(portal.get(&anna, CHOOSE).await.location().as_deref(), Some("/forgot"));
}

/// Who forgot the password of an account that is being closed is asked whether it shall be open again, and is in.
#[tokio::test]
async fn access_to_a_closed_account_is_restored_and_it_is_opened() {
    let portal = Portal::new();
    let (owner, session) = portal.register(MAIL).await;
    portal.clock.advance(Duration::from_secs(3600));
    let visit = portal.auth.visit(Client::unknown());
    let Closing::Prove(step) = visit.close(&session.token).await.unwrap() else {
        panic!("nothing is proven")
    };
    let next = pending(visit.answer(&pending(step).flow, Password::word(WORD)).await.unwrap());
    let email = propusk::Factor::name(&Code::email());
    let next = pending(visit.begin(&next.flow, &email).await.unwrap());
    let code = Code::typed(email, &portal.code().await);
    let proven = done(visit.answer(&next.flow, code).await.unwrap());
    assert!(!matches!(visit.close(&proven.token).await.unwrap(), Closing::Prove(_)));
    assert!(portal.get(&owner, "/home").await.location().is_some());

    portal.clock.advance(Duration::from_secs(3600));
    let (mut anna, page) = forgets(&portal, MAIL, "password").await;
    assert_eq!(page.at(), STEP);
    let choice = answers(&portal, &mut anna).await;
    assert_eq!(choice.at(), CHOOSE, "{}", choice.text);
    let asked = portal.steps(&mut anna, CHOOSE, CHOOSE, &format!("new_password={}", typed(NEW))).await;
    assert!(asked.at() == "/sign-in/reopen" && asked.says("Open the account again?"), "{}", asked.text);
    let home = portal.steps(&mut anna, "/sign-in/reopen", "/sign-in/reopen", "").await;
    assert!(home.at() == "/home" && home.says("The account is open again"), "{} {}", home.at(), home.text);
}

/// A stranger learns nothing from the pages: not from their words, their forms or their errors.
#[tokio::test]
async fn an_address_that_nobody_has_gets_the_same_pages() {
    let portal = Portal::new();
    portal.register(MAIL).await;
    portal.register(PHONE).await;
    for (known, unknown) in [(MAIL, "nobody@example.org"), (PHONE, "+79160000029")] {
        for lost in ["password", "device", "both"] {
            portal.clock.advance(Duration::from_secs(3600));
            let mut pages = Vec::new();
            for contact in [known, unknown] {
                let (mut guest, mut page) = forgets(&portal, contact, lost).await;
                let mut seen = vec![(page.at().to_owned(), bare(&page, contact))];
                for path in [CODE_OTHER, STEP] {
                    let field = if path == STEP { "code=000000" } else { factor_of(contact) };
                    page = portal.steps(&mut guest, STEP, path, field).await;
                    seen.push((page.at().to_owned(), bare(&page, contact)));
                }
                for path in [CHOOSE, "/forgot/wait"] {
                    seen.push((path.to_owned(), format!("{:?}", portal.get(&guest, path).await.location())));
                }
                pages.push(seen);
            }
            assert_eq!(pages[0], pages[1], "{known}, {lost}");
        }
    }
}

/// Who holds the phone number alone waits, and is told until when; the owner sees it and stops it.
#[tokio::test]
async fn a_recovery_waits_until_it_may_and_is_seen_meanwhile() {
    let portal = Portal::new();
    let (owner, _) = portal.register(PHONE).await;
    assert!(!portal.get(&owner, "/home").await.says("Somebody is restoring"));
    let (mut thief, _) = forgets(&portal, PHONE, "password").await;
    let page = answers(&portal, &mut thief).await;
    assert!(page.at() == WAIT && page.says("Wait 72 hours") && page.says("can stop it"), "{}", page.text);
    let waits = portal.steps(&mut thief, WAIT, WAIT, "").await;
    assert!(waits.at() == WAIT && waits.says("The clock is running") && waits.says(PHONE), "{}", waits.text);
    assert!(!waits.says("name=\"form_token\" value=\"\"") && waits.form_token(WAIT).is_none());
    for path in ["/home", "/security"] {
        let page = portal.get(&owner, path).await;
        assert!(page.says("Somebody is restoring access to your account"), "{path}: {}", page.text);
    }
    let mut owner = owner;
    let after = portal.steps(&mut owner, "/home", STOP, "").await;
    assert!(after.at() == "/security" && after.says("The recovery is stopped"), "{}", after.text);
    assert!(!after.says("Somebody is restoring"));
    assert!(portal.get(&owner, "/history").await.says("A recovery was stopped"));
    portal.clock.advance(Duration::from_secs(3600));
    let (mut again, _) = forgets(&portal, PHONE, "password").await;
    let page = answers(&portal, &mut again).await;
    assert!(page.at() == "/forgot" && page.says("stopped by the owner"), "{}", page.text);

    portal.clock.advance(HOURS_72);
    let (mut anna, _) = forgets(&portal, PHONE, "password").await;
    assert!(answers(&portal, &mut anna).await.says("Wait 72 hours"), "another can be begun then");
    portal.steps(&mut anna, WAIT, WAIT, "").await;
    portal.clock.advance(Duration::from_secs(3600));
    let (mut anna, _) = forgets(&portal, PHONE, "password").await;
    let page = answers(&portal, &mut anna).await;
    assert!(page.says("The clock is running"), "asked again it says until when: {}", page.text);
    portal.clock.advance(HOURS_72);
    let (mut anna, _) = forgets(&portal, PHONE, "password").await;
    assert_eq!(answers(&portal, &mut anna).await.at(), CHOOSE, "one code is enough then");
    let home = portal.steps(&mut anna, CHOOSE, CHOOSE, &format!("new_password={}", typed(NEW))).await;
    assert_eq!(home.at(), "/home");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_a_lost_one_is_gone() {
    let portal = Portal::new();
    let (mut owner, _) = portal.register(PHONE).await;
    let page = portal.steps(&mut owner, "/security", "/security/add", "factor=totp").await;
    let key = page.between("translate=\"no\">", "<").to_owned();
    let shown = |portal: &Portal| format!("app_code={}", otp::totp(&key, otp::step(portal.auth.now())));
    portal.steps(&mut owner, "/security/new", "/security/new", &shown(&portal)).await;
    portal.clock.advance(Duration::from_secs(60));
    let (mut anna, _) = forgets(&portal, PHONE, "password").await;
    let page = answers(&portal, &mut anna).await;
    assert!(page.at() == STEP && page.says("app_code") && page.says("I have none of these"), "{}", page.text);
    let wait = portal.get(&anna, WAIT).await;
    assert!(wait.says("Wait 72 hours") && wait.says("Confirm in another way"), "{}", wait.text);
    let page = portal.steps(&mut anna, STEP, STEP, &shown(&portal)).await;
    assert_eq!(page.at(), CHOOSE);
    let home = portal.steps(&mut anna, CHOOSE, CHOOSE, &format!("new_password={}", typed(NEW))).await;
    assert!(home.at() == "/home" && home.says("the password is changed"), "{}", home.text);

    // The device is gone, and the password is known.
    portal.clock.advance(Duration::from_secs(3600));
    let (mut anna, _) = forgets(&portal, PHONE, "device").await;
    let page = answers(&portal, &mut anna).await;
    assert!(page.at() == STEP && page.says("id=\"password\"") && !page.says("app_code"), "{}", page.text);
    let home = portal.steps(&mut anna, STEP, STEP, &format!("password={}", typed(NEW))).await;
    assert!(home.at() == "/home" && home.says("What was lost no longer works"), "{}", home.text);
    let ways = portal.get(&anna, "/security").await;
    assert!(!ways.says("My phone") && ways.says("Add an application"), "{}", ways.text);

    // Both are gone: nothing is left but the wait.
    portal.clock.advance(Duration::from_secs(3600));
    let (mut anna, _) = forgets(&portal, PHONE, "both").await;
    assert_eq!(answers(&portal, &mut anna).await.at(), WAIT);
}

#[tokio::test]
async fn a_link_in_the_notice_stops_a_recovery_and_tells_a_stranger_nothing() {
    let portal = Portal::new();
    let (owner, _) = portal.register(PHONE).await;
    let (mut thief, _) = forgets(&portal, PHONE, "password").await;
    answers(&portal, &mut thief).await;
    portal.steps(&mut thief, WAIT, WAIT, "").await;
    let link = link(&portal, PHONE).await;
    let mut stranger = stranger(&portal).await;
    for _ in 0..3 {
        let page = portal.get(&stranger, &link).await;
        assert!(page.says("Stop the recovery?") && page.says("close this page"), "{}", page.text);
        assert_eq!(page.headers[header::REFERRER_POLICY], "strict-origin");
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
        // The link's own signs may spell anything.
        let said = bare(&page, link.split_once("?o=").unwrap().1);
        let told = [PHONE, "21", "Anna"].into_iter().filter(|word| said.contains(word));
        assert_eq!(told.collect::<Vec<_>>(), [""; 0], "whose account it is");
    }
    assert!(portal.get(&owner, "/home").await.says("Somebody is restoring"), "looking stops nothing");
    let token = link.split_once("?o=").unwrap().1;
    let done = portal.steps(&mut stranger, &link, "/objection", &format!("link={token}")).await;
    assert!(done.at() == "/objection/stopped" && done.says("The recovery is stopped"), "{}", done.text);
    assert!(!portal.get(&owner, "/home").await.says("Somebody is restoring"));
    let again = portal.steps(&mut stranger, &link, "/objection", &format!("link={token}")).await;
    assert!(again.says("This link does not work"), "{}", again.text);
    for wrong in ["", "?o=", "?o=AAAA", "?o=%00", &format!("?o={token}A"), "?o=%D0%B9"] {
        let page = portal.get(&stranger, &format!("/objection{wrong}")).await;
        assert!(page.says("This link does not work"), "{wrong}: {}", page.text);
        assert_eq!(page.headers[header::REFERRER_POLICY], "strict-origin");
    }
    stranger.language = "ru";
    let page = portal.get(&stranger, &link).await;
    assert!(page.says("Остановить восстановление доступа?"), "{}", page.text);
}

#[tokio::test]
async fn a_contact_is_added_replaced_removed_and_undone() {
    let portal = Portal::new();
    let (mut anna, _) = portal.register(PHONE).await;
    let list = portal.get(&anna, "/contacts").await;
    assert!(list.says("the only contact") && list.link("Remove").is_none(), "{}", list.text);
    for (bad, says) in [("nobody@", "aria-invalid=\"true\""), (PHONE, "you have this contact already")] {
        let fields = format!("contact={}&instead=", typed(bad));
        let page = portal.steps(&mut anna, NEW_CONTACT, NEW_CONTACT, &fields).await;
        assert!(page.says(says), "{bad}: {}", page.text);
    }
    let fields = format!("contact={}&instead=", typed(MAIL));
    let page = portal.steps(&mut anna, NEW_CONTACT, NEW_CONTACT, &fields).await;
    assert!(page.at() == CONTACT_PROVE && page.says("is yours") && page.says(MAIL), "{}", page.text);
    let page = portal.steps(&mut anna, CONTACT_PROVE, CONTACT_PROVE, &code_to(&portal, MAIL).await).await;
    assert!(page.at() == "/contacts" && page.says("The contact is added"), "{}", page.text);
    assert!(page.says("can be undone until") && page.says("a***a@example.org"), "{}", page.text);
    assert!(!page.says("the only contact"));

    // Somebody else's is told only to who holds it.
    portal.register("boris@example.org").await;
    let fields = format!("contact={}&instead=", typed("boris@example.org"));
    let page = portal.steps(&mut anna, NEW_CONTACT, NEW_CONTACT, &fields).await;
    assert_eq!(page.at(), CONTACT_PROVE);
    let code = code_to(&portal, "boris@example.org").await;
    let page = portal.steps(&mut anna, CONTACT_PROVE, CONTACT_PROVE, &code).await;
    assert!(page.at() == "/contacts" && page.says("belongs to another account"), "{}", page.text);

    let id = id_of(&page, "a***a@example.org");
    let form = format!("{NEW_CONTACT}?contact={id}");
    let wrong = format!("contact={}&instead={id}", typed("+79160000022"));
    let page = portal.steps(&mut anna, &form, NEW_CONTACT, &wrong).await;
    assert!(page.at() == "/contacts" && page.says("of another kind"), "{}", page.text);
    let page = portal.steps(&mut anna, &form, NEW_CONTACT, &format!("contact=nobody%40&instead={id}")).await;
    assert!(
        page.says("Replace a contact") && page.says("nobody@"),
        "what was typed is there again: {}",
        page.text
    );
    let fields = format!("contact={}&instead={id}", typed(OTHER));
    portal.steps(&mut anna, &form, NEW_CONTACT, &fields).await;
    let page = portal.steps(&mut anna, CONTACT_PROVE, CONTACT_PROVE, &code_to(&portal, OTHER).await).await;
    assert!(page.says("The contact is replaced") && page.says(OTHER) && !page.says(MAIL), "{}", page.text);
    let history = portal.get(&anna, "/history").await;
    assert!(history.says("earlier contact: a***a@example.org") && !history.says(MAIL), "{}", history.text);

    // It was added a moment ago: what is done against it, it does not undo. The phone does.
    let told = letters(&portal, MAIL).await;
    assert!(told.iter().all(|letter| !letter.contains("/objection")), "{told:?}");
    let link = link(&portal, PHONE).await;
    let mut stranger = stranger(&portal).await;
    let page = portal.get(&stranger, &link).await;
    assert!(page.says("Undo the change of contacts?") && !page.says("example"), "{}", page.text);
    let token = link.split_once("?o=").unwrap().1;
    let done = portal.steps(&mut stranger, &link, "/objection", &format!("link={token}")).await;
    assert!(done.at() == "/objection/undone" && done.says("have ended"), "{}", done.text);
    let out = portal.get(&anna, "/contacts").await;
    assert_eq!(out.location().as_deref(), Some("/sign-in?next=/contacts"));
    let mut anna = signs_in(&portal, MAIL).await;
    let list = portal.get(&anna, "/contacts").await;
    assert!(list.says(MAIL) && !list.says(OTHER), "{}", list.text);

    let page = format!("{REMOVE}?contact={}", id_of(&list, "a***a@example.org"));
    let asked = portal.get(&anna, &page).await;
    assert!(
        asked.says("It works for 72 hours") && asked.says("All your other sessions end"),
        "{}",
        asked.text
    );
    let field = page.split_once('?').unwrap().1;
    let gone = portal.steps(&mut anna, &page, REMOVE, field).await;
    let gone = match gone.at() {
        CONTACT_PROVE => {
            let code = code_to(&portal, PHONE).await;
            portal.steps(&mut anna, CONTACT_PROVE, CONTACT_PROVE, &code).await
        }
        _ => gone,
    };
    assert!(gone.says("The contact is removed") && !gone.says(MAIL), "{} {}", gone.at(), gone.text);
}

/// Somebody else's contact is nobody's to look at or to change.
#[tokio::test]
async fn only_ones_own_contacts_are_changed() {
    let portal = Portal::new();
    let (anna, _) = portal.register(MAIL).await;
    let (boris, _) = portal.register("boris@example.org").await;
    let id = id_of(&portal.get(&anna, "/contacts").await, "a***a@example.org");
    for page in [NEW_CONTACT, REMOVE] {
        let page = portal.get(&boris, &format!("{page}?contact={id}")).await;
        assert_eq!(page.location().as_deref(), Some("/contacts"));
    }
    let mut boris = boris;
    let fields = format!("contact={}&instead={id}", typed(OTHER));
    let page = portal.steps(&mut boris, NEW_CONTACT, NEW_CONTACT, &fields).await;
    assert!(page.at() == "/contacts" && page.says("That is not possible"), "{}", page.text);
    assert!(portal.get(&anna, "/contacts").await.says(MAIL));
}

#[tokio::test]
async fn the_pages_are_in_russian_too() {
    let portal = Portal::new();
    let (mut owner, _) = portal.register(PHONE).await;
    owner.language = "ru";
    let mut guest = stranger(&portal).await;
    guest.language = "ru";
    assert!(portal.get(&guest, "/forgot").await.says("Восстановление доступа"));
    let fields = format!("contact={}&lost=password", typed(PHONE));
    let page = portal.steps(&mut guest, "/forgot", "/forgot", &fields).await;
    assert!(page.says("Если с этим контактом есть учётная запись"), "{}", page.text);
    let page = answers(&portal, &mut guest).await;
    assert!(page.says("Подождать 72 часа"), "{}", page.text);
    let page = portal.steps(&mut guest, WAIT, WAIT, "").await;
    assert!(page.says("Не раньше") && page.says(" г., ") && page.says("МСК"), "{}", page.text);
    assert!(portal.get(&owner, "/home").await.says("Кто-то восстанавливает доступ"));
    assert!(portal.get(&owner, "/history").await.says("Восстановление доступа ждёт срока"));
    assert!(portal.get(&owner, "/contacts").await.says("единственный контакт"));
}

pub(super) async fn stranger(portal: &Portal) -> Browser {
    let mut browser = Browser::stranger("en");
    let page = portal.get(&browser, "/").await;
    browser.takes(&page);
    browser
}

/// The first page of a recovery, and where it leads.
async fn forgets(portal: &Portal, contact: &str, lost: &str) -> (Browser, Answer) {
    let mut browser = stranger(portal).await;
    let fields = format!("contact={}&lost={lost}", typed(contact));
    let page = portal.steps(&mut browser, "/forgot", "/forgot", &fields).await;
    (browser, page)
}

/// With the code that has just come.
async fn answers(portal: &Portal, browser: &mut Browser) -> Answer {
    let code = portal.code().await;
    portal.steps(browser, STEP, STEP, &format!("code={code}")).await
}

pub(super) async fn signs_in(portal: &Portal, name: &str) -> Browser {
    let mut browser = stranger(portal).await;
    let fields = format!("identifier={}&password={}", typed(name), typed(WORD));
    let page = portal.steps(&mut browser, "/sign-in", "/sign-in", &fields).await;
    assert_eq!(page.at(), "/sign-in/code", "{}", page.text);
    let code = portal.code().await;
    let page = portal.steps(&mut browser, "/sign-in/code", "/sign-in/code", &format!("code={code}")).await;
    assert_eq!(page.at(), "/home", "{}", page.text);
    browser
}

pub(super) async fn letters(portal: &Portal, to: &str) -> Vec<String> {
    while portal.auth.tend(100).await.unwrap().delivered > 0 {}
    let letters = portal.outbox.letters().into_iter().filter(|letter| letter.to == to);
    letters.map(|letter| letter.body).collect()
}

pub(super) async fn code_to(portal: &Portal, to: &str) -> String {
    let digits = |body: String| {
        let mut parts = body.split(|sign: char| !sign.is_ascii_digit()).map(str::to_owned);
        parts.find(|digits| digits.len() == 6)
    };
    let letters = letters(portal, to).await;
    let code = letters.iter().cloned().find_map(digits);
    format!(
        "code={}",
        code.unwrap_or_else(|| panic!("no code in {letters:?}, {:?}", portal.outbox.letters()))
    )
}

/// The newest link of a notice to this address, as a path.
pub(super) async fn link(portal: &Portal, to: &str) -> String {
    let path = |body: String| {
        let (_, rest) = body.split_once("/objection?o=")?;
        let end = rest.find(|sign: char| !(sign.is_ascii_alphanumeric() || "-_".contains(sign)));
        Some(format!("/objection?o={}", &rest[..end.unwrap_or(rest.len())]))
    };
    letters(portal, to).await.into_iter().find_map(path).unwrap()
}

/// The id of the contact that is masked so.
pub(super) fn id_of(page: &Answer, masked: &str) -> String {
    let row = page.text.split("<li>").find(|row| row.contains(masked)).unwrap();
    row.split_once("?contact=").unwrap().1.split('"').next().unwrap().to_owned()
}

/// What stands in the content of the page, without what was typed and the tokens of its forms.
fn bare(page: &Answer, typed: &str) -> String {
    let content = page.between("<main", "</main>").replace(typed, "");
    ["form_token", "at"].into_iter().fold(content, |content, name| {
        let before = format!("name=\"{name}\" value=\"");
        let mut parts = content.split(&before);
        let mut bare = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            bare.push_str(part.split_once('"').unwrap().1);
        }
        bare
    })
}

fn factor_of(contact: &str) -> &'static str {
    if contact.contains('@') { "factor=email-code" } else { "factor=sms-code" }
}

const STEP: &str = "/forgot/code";
const CODE_OTHER: &str = "/forgot/code/other";
const CHOOSE: &str = "/forgot/password";
const WAIT: &str = "/forgot/wait";
const STOP: &str = "/recovery/stop";
const NEW_CONTACT: &str = "/contacts/new";
const CONTACT_PROVE: &str = "/contacts/prove";
const REMOVE: &str = "/contacts/remove";
