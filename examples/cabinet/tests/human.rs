//! The check before a registration and a recovery, as a browser meets it: with a script that solves the puzzle on the page, and without.

use propusk::human::solve;
use propusk::policy::Check;

use super::*;

fn checking() -> Portal {
    let mut profile = Profile::public_portal();
    (profile.human.sign_up, profile.human.recover) = (Check::Always, Check::Always);
    Portal::with(profile)
}

/// What stands in an attribute or the value of a hidden field.
fn found(page: &str, before: &str) -> String {
    let text = page
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {page}"))
        .1
        .split('"')
        .next()
        .unwrap();
    text.replace("&#34;", "\"").replace("&quot;", "\"").replace("&amp;", "&")
}

/// Both forms, and what stands in each.
const FORMS: [(&str, &str); 2] = [
    ("/sign-up", "name=Anna&contact=anna%40example.org&terms=yes"),
    ("/forgot", "contact=anna%40example.org"),
];

async fn posts(portal: &Portal, guest: &Browser, page: &str, human: &str) -> String {
    let (path, fields) =
        FORMS.into_iter().find(|(path, _)| page.contains(&format!(r#"action="{path}""#))).unwrap();
    let form = page.split_once(&format!(r#"action="{path}""#)).unwrap().1;
    let token = found(form, r#"name="form_token" value=""#);
    let body = format!("form_token={token}&{fields}&human={human}");
    let answer = portal.send(guest, "POST", path, Some(body)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    answer.headers[header::LOCATION].to_str().unwrap().to_owned()
}

fn guest(portal: &Portal, language: &'static str) -> Browser {
    let flow = portal.auth.random_token().unwrap().expose().to_string();
    Browser { cookies: format!("propusk-flow={flow}"), language }
}

#[tokio::test]
async fn a_script_solves_the_puzzle_of_the_page() {
    let portal = checking();
    let guest = guest(&portal, "en");
    for (path, _) in FORMS {
        let page = portal.get(&guest, path).await.text;
        assert!(!page.contains("noscript"), "nobody waits before it is needed");
        assert!(found(&page, r#"<script src="/human"#).starts_with(".js?"));
        assert!(found(&page, r#"data-solver=""#).starts_with("/solver.js?"));
        let answer = solve(&found(&page, r#"data-puzzle=""#)).unwrap();
        assert_eq!(posts(&portal, &guest, &page, &answer).await, format!("{path}/code"));
        let page = portal.get(&guest, path).await.text;
        assert_eq!(posts(&portal, &guest, &page, &answer).await, path, "used up");
    }
    let policy = portal.get(&guest, "/solver.js").await;
    assert_eq!(policy.headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
    let policy = policy.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("worker-src 'self'") && !policy.contains("unsafe"));
}

/// A puzzle of one form opens the other to nobody.
#[tokio::test]
async fn a_puzzle_is_good_for_the_form_that_it_stands_in() {
    let portal = checking();
    let guest = guest(&portal, "en");
    for (of, path) in [("/sign-up", "/forgot"), ("/forgot", "/sign-up")] {
        let other = portal.get(&guest, of).await.text;
        let answer = solve(&found(&other, r#"data-puzzle=""#)).unwrap();
        let page = portal.get(&guest, path).await.text;
        assert_eq!(posts(&portal, &guest, &page, &answer).await, path);
    }
}

#[tokio::test]
async fn without_scripts_one_waits_ten_seconds_and_reads_why() {
    for (language, why, told) in [
        ("en", "Scripts (JavaScript) are off", "is not done yet"),
        ("ru", "отключены сценарии (JavaScript)", "ещё не закончена"),
    ] {
        for (path, _) in FORMS {
            let portal = checking();
            let guest = guest(&portal, language);
            let page = portal.get(&guest, path).await.text;
            assert_eq!(found(&page, r#"name="human" value=""#), "");
            assert_eq!(posts(&portal, &guest, &page, "").await, path);
            let page = portal.get(&guest, path).await.text;
            assert!(page.contains(why) && page.contains(told), "{page}");
            assert!(page.contains("anna@example.org"), "what was typed is there again");
            let ticket = found(&page, r#"name="human" value=""#);
            portal.clock.advance(Duration::from_secs(9));
            assert_eq!(posts(&portal, &guest, &page, &ticket).await, path);
            // Too early, and not back to the end of the queue.
            let page = portal.get(&guest, path).await.text;
            assert_eq!(found(&page, r#"name="human" value=""#), ticket);
            portal.clock.advance(Duration::from_secs(1));
            assert_eq!(posts(&portal, &guest, &page, &ticket).await, format!("{path}/code"));
        }
    }
}
