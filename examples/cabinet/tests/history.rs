//! The history: its filters, pages, table, and what it says of each event.

use super::*;

/// 2026-11-25, 23:50 in Moscow.
const LATE: i64 = 1_795_639_800_000;
const PHONE: &str = "Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";

#[tokio::test]
async fn the_history_is_filtered_by_day_device_and_result() {
    let portal = Portal::new();
    portal.clock.set(Timestamp::from_millis(LATE));
    let (anna, session) = portal.register("anna@example.org").await;
    let account = session.session.account();
    portal.record(account, FIREFOX, "before midnight", Outcome::Done).await;
    portal.clock.advance(Duration::from_secs(15 * 60));
    portal.record(account, PHONE, "after midnight", Outcome::Refused).await;
    for (query, lines, says) in [
        ("", 3, "after midnight"),
        ("?from=2026-11-26", 1, "after midnight"),
        ("?to=2026-11-25", 2, "before midnight"),
        ("?from=2026-11-25&to=2026-11-25&result=done", 2, "before midnight"),
        ("?result=refused", 1, "after midnight"),
        ("?result=done", 2, "before midnight"),
        ("?device=Firefox%2C%20Android", 1, "after midnight"),
        ("?device=Firefox%2C%20Windows&to=2026-11-25", 2, "before midnight"),
        ("?device=Firefox%2C%20Windows&result=refused", 0, "Nothing was found"),
        ("?device=%3Cscript%3E", 0, "Nothing was found"),
        ("?from=2026-11-27", 0, "Nothing was found"),
        ("?from=yesterday", 0, "Enter a date"),
        ("?from=2026-11-27&to=2026-11-26", 0, "swap them"),
        // What only links write, and is not understood, asks for nothing.
        ("?before=x&result=x", 3, "after midnight"),
    ] {
        let page = portal.get(&anna, &format!("/history{query}")).await;
        assert_eq!((page.status, page.lines()), (StatusCode::OK, lines), "{query}");
        assert!(page.says(says) && !page.says("<script>"), "{query}: {}", page.text);
    }
    let page = portal.get(&anna, "/history?from=2026-11-25&result=done").await;
    // The switch of language stays where it stands, with its filter.
    assert!(page.says("name=\"next\" value=\"/history?from=2026-11-25&#38;result=done\""), "{}", page.text);
}

#[tokio::test]
async fn pages_of_a_filtered_history_neither_skip_nor_repeat() {
    let portal = Portal::new();
    let (anna, session) = portal.register("anna@example.org").await;
    for nth in 0..50 {
        let (agent, outcome) =
            if nth % 2 == 0 { (FIREFOX, Outcome::Done) } else { (PHONE, Outcome::Refused) };
        portal.record(session.session.account(), agent, &format!("<{nth}>"), outcome).await;
    }
    let (mut path, mut pages, mut seen) =
        (String::from("/history?device=Firefox%2C%20Android"), 0, Vec::new());
    loop {
        let page = portal.get(&anna, &path).await;
        pages += 1;
        seen.extend((0..50).rev().filter(|nth| page.says(&format!("&#60;{nth}&#62;"))));
        // Whoever looks at an older page while something happens loses nothing.
        portal.record(session.session.account(), PHONE, "new", Outcome::Done).await;
        match page.link("Older") {
            Some(older) => path = older,
            None => break,
        }
    }
    assert_eq!(seen, (0..50).rev().filter(|nth| nth % 2 == 1).collect::<Vec<_>>());
    assert_eq!(pages, 3, "ten on a page");
}

#[tokio::test]
async fn the_table_has_all_that_was_asked_for_and_no_formula() {
    let portal = Portal::new();
    let (mut anna, session) = portal.register("anna@example.org").await;
    let account = session.session.account();
    for nth in 0..1200 {
        portal.record(account, FIREFOX, &format!("number {nth}"), Outcome::Done).await;
    }
    portal.record(account, PHONE, "=HYPERLINK(\"http://evil.example\")\r\n@x", Outcome::Refused).await;
    let table = portal.get(&anna, "/history.csv?before=x").await;
    assert_eq!(table.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8; header=present");
    let name = table.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert!(name.starts_with("attachment; filename=\"history-2001-09-09.csv\""), "{name}");
    assert_eq!(table.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(table.headers[header::CACHE_CONTROL], "no-store");
    let lines: Vec<_> = table.text.split("\r\n").collect();
    assert!(lines[0].starts_with("\u{feff}\"Time\",\"Event\",\"Result\""), "{}", lines[0]);
    assert_eq!(lines.len(), 1 + 1202 + 1, "the head, all events, the end of the last line");
    assert!(lines[1].contains("\"'=HYPERLINK(\"\"http://evil.example\"\")  @x\""), "{}", lines[1]);
    assert!(
        (0..1200).all(|nth| lines[1201 - nth].ends_with(&format!("\"number {nth}\""))),
        "in order, each once"
    );
    let table = portal.get(&anna, "/history.csv?result=refused").await;
    assert_eq!(table.text.matches("\r\n").count(), 2, "{}", table.text);
    anna.language = "ru";
    let table = portal.get(&anna, "/history.csv?result=refused").await;
    assert!(table.says("\"Время\";\"Событие\"") && table.says("\"Отказано\""), "{}", table.text);
    let nobody = portal.get(&Browser::stranger("en"), "/history.csv?result=done").await;
    assert_eq!(nobody.headers[header::LOCATION], "/sign-in?next=/history.csv%3Fresult%3Ddone");
}

#[tokio::test]
async fn proofs_given_to_add_something_are_told_as_such() {
    let portal = Portal::new();
    let (_, session) = portal.register("anna@example.org").await;
    let visit = portal.auth.visit(Client::unknown().with_user_agent(FIREFOX));
    // What was proven at the registration is no longer recent.
    portal.clock.advance(Duration::from_secs(6 * 60));
    let next = pending(visit.enrol(&session.token, BackupCodes::NAME).await.unwrap());
    let next = pending(visit.answer(&next.flow, Password::word(WORD)).await.unwrap());
    let code = propusk::Factor::name(&Code::email());
    let next = pending(visit.begin(&next.flow, &code).await.unwrap());
    let typed = Code::typed(code, &portal.code().await);
    let next = pending(visit.answer(&next.flow, typed).await.unwrap());
    let next = pending(visit.begin(&next.flow, &BackupCodes::NAME).await.unwrap());
    let ended = done(visit.answer(&next.flow, BackupCodes::saved()).await.unwrap());
    let mut anna = portal.browser(&ended.token, "");
    let page = portal.get(&anna, "/history").await;
    assert!(
        page.says("A way to sign in was added") && !page.says("First step of a sign-in"),
        "{}",
        page.text
    );
    assert_eq!(page.text.matches("Proof before a way to sign in was added").count(), 2);
    anna.language = "ru";
    let page = portal.get(&anna, "/history").await;
    assert_eq!(page.text.matches("Подтверждение перед добавлением способа входа").count(), 2);
}
