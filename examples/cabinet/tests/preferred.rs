//! Of two contacts of a kind one is the main one, and another is made it.

use super::life::{code_to, id_of, letters, signs_in};
use super::*;

const FIRST: &str = "anna@example.org";
const SECOND: &str = "petrova@example.net";
const MASKED: &str = "p***a@example.net";
const PROVE: &str = "/contacts/prove";

#[tokio::test]
async fn an_alternate_is_made_the_main_one_once_it_has_settled() {
    let portal = Portal::new();
    let (mut anna, _) = portal.register(FIRST).await;
    let list = portal.get(&anna, "/contacts").await;
    assert!(!list.says(">Main<") && list.link("Make it the main one").is_none(), "there is no choice yet");
    let fields = format!("contact={}&instead=", typed(SECOND));
    portal.steps(&mut anna, "/contacts/new", "/contacts/new", &fields).await;
    let list = portal.steps(&mut anna, PROVE, PROVE, &code_to(&portal, SECOND).await).await;
    assert_eq!(list.text.matches(">Main<").count(), 1, "{}", list.text);
    assert!(list.link("Make it the main one").is_none(), "it settles: {}", list.text);
    let page = format!("/contacts/main?contact={}", id_of(&list, MASKED));
    let field = page.split_once('?').unwrap().1;
    let early = portal.steps(&mut anna, &page, "/contacts/main", field).await;
    assert!(early.at() == "/contacts" && early.says("That is not possible"), "{}", early.text);

    portal.clock.advance(Duration::from_secs(73 * 3600));
    let mut anna = signs_in(&portal, FIRST).await;
    let list = portal.get(&anna, "/contacts").await;
    assert_eq!(list.link("Make it the main one").as_deref(), Some(&*page), "{}", list.text);
    let asked = portal.get(&anna, &page).await;
    assert!(asked.says("Make this the main contact?") && asked.says("Codes come here"), "{}", asked.text);
    let mut done = portal.steps(&mut anna, &page, "/contacts/main", field).await;
    if done.at() == PROVE {
        done = portal.steps(&mut anna, PROVE, PROVE, &code_to(&portal, FIRST).await).await;
    }
    assert!(done.at() == "/contacts" && done.says("The main contact is another one"), "{}", done.text);
    let (other, main) = (id_of(&done, "a***a@example.org"), done.text.find(">Main<").unwrap());
    assert!(main > done.text.find(MASKED).unwrap(), "the mark is beside the other: {}", done.text);
    assert!(done.link("Make it the main one").unwrap().ends_with(&other), "{}", done.text);
    for to in [FIRST, SECOND] {
        assert!(letters(&portal, to).await[0].contains("p***a@example.net became the main one"));
    }
    let history = portal.get(&anna, "/history").await;
    assert!(
        history.says("The main contact is another one") && history.says("main contact: p***a"),
        "{}",
        history.text
    );
    anna.language = "ru";
    let list = portal.get(&anna, "/contacts").await;
    assert!(list.says(">Основной<") && list.says("Сделать основным"), "{}", list.text);
    assert!(portal.get(&anna, "/messages").await.says("Сменился основной контакт"));

    // Somebody else's contact is nobody's to prefer.
    let (boris, _) = portal.register("boris@example.org").await;
    assert_eq!(portal.get(&boris, &page).await.location().as_deref(), Some("/contacts"));
}
