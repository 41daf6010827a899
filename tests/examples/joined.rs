//! `user_table`: a row for whoever has an account, whatever was lost in between, and none for long for whoever has not.

use std::path::Path;
use std::time::Duration;

use propusk::clock::{Clock, SystemClock, Timestamp};
use propusk::id::AccountId;
use propusk::{Auth, Client};
use serde_json::{Value, json};

use crate::portal::Outbox;
use crate::user_table::Shop;
use crate::web::Web;
use crate::{EMAIL, ORIGIN, answer, browser, confirmed};

struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("propusk-user-table-{name}-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(folder: &Path, outbox: &Outbox) -> (Shop, Auth) {
    let shop = Shop::open(folder, ORIGIN, outbox.clone()).unwrap();
    let auth = shop.auth().clone();
    (shop, auth)
}

async fn registered(shop: &Shop, auth: &Auth, outbox: &Outbox, email: &str) -> (Web, AccountId) {
    let mut browser = browser(&shop.app());
    let flow = confirmed(&mut browser, auth, outbox, email).await;
    let word = json!({ "password": "correct horse battery" });
    let done = answer(&mut browser, &flow, "password", word).await.expect(200).json();
    (browser, done["session"]["account"].as_str().unwrap().parse().unwrap())
}

fn customers(shop: &Shop) -> i64 {
    shop.db().query_row("SELECT count(*) FROM customers", (), |row| row.get(0)).unwrap()
}

fn days(days: u64) -> Timestamp {
    SystemClock.now().after(Duration::from_secs(days * 24 * 3600))
}

#[tokio::test]
async fn each_person_has_a_row_from_their_first_request_on() {
    let (folder, outbox) = (Folder::new("row"), Outbox::default());
    let (shop, auth) = open(&folder.0, &outbox);
    browser(&shop.app()).get("/me").await.problem(401, "no_session");
    let (mut ivan, id) = registered(&shop, &auth, &outbox, EMAIL).await;
    // The process ends between `Done` and the row: the next request of that session makes it, once.
    assert_eq!(customers(&shop), 0);
    drop((shop, auth));
    let (shop, auth) = open(&folder.0, &outbox);
    ivan.router = shop.app();
    let empty = json!({ "name": "Иван", "orders": [] });
    for _ in 0..2 {
        assert_eq!(ivan.get("/me").await.expect(200).json(), empty);
        assert_eq!(customers(&shop), 1);
    }
    let (mut petr, _) = registered(&shop, &auth, &outbox, "petr@example.org").await;
    ivan.post("/orders", json!({ "what": "tea" })).await.expect(201);
    petr.post("/orders", json!({ "what": "salt" })).await.expect(201);
    ivan.clone()
        .with("origin", "https://evil.example")
        .post("/orders", json!({}))
        .await
        .problem(403, "origin");
    assert_eq!(ivan.get("/me").await.expect(200).json()["orders"], json!(["tea"]));
    assert_eq!(shop.orders(Some(id)).unwrap(), ["tea"]);
    // In a file that whoever steals it learns no name from.
    drop((shop, auth));
    let file = std::fs::read(folder.0.join("shop.db")).unwrap();
    for word in ["Иван", "example.org"] {
        assert!(!file.windows(word.len()).any(|part| part == word.as_bytes()), "{word}");
    }
}

#[tokio::test]
async fn whoever_is_gone_is_forgotten_in_time_and_their_orders_are_nobodys() {
    let (folder, outbox) = (Folder::new("gone"), Outbox::default());
    let (shop, auth) = open(&folder.0, &outbox);
    let (mut ivan, id) = registered(&shop, &auth, &outbox, EMAIL).await;
    ivan.post("/orders", json!({ "what": "tea" })).await.expect(201);
    // Somebody whose account is in no database: closed, or this one is an older copy.
    let gone = AccountId::from_bytes([7; 16]);
    for statement in [
        "INSERT INTO customers (account) VALUES (?1)",
        "INSERT INTO orders (what, account) VALUES ('salt', ?1)",
    ] {
        shop.db().execute(statement, [gone.as_bytes()]).unwrap();
    }
    assert_eq!(shop.sweep(days(0)).await.unwrap(), 0);
    assert_eq!(shop.sweep(days(29)).await.unwrap(), 0);
    assert_eq!(shop.orders(Some(gone)).unwrap(), ["salt"]);
    // Switched off is not gone.
    auth.disable(id, &Client::unknown()).await.unwrap();
    assert_eq!(shop.sweep(days(31)).await.unwrap(), 1);
    assert_eq!(
        (shop.orders(Some(gone)).unwrap(), shop.orders(None).unwrap()),
        (vec![], vec!["salt".to_owned()])
    );
    assert_eq!(shop.orders(Some(id)).unwrap(), ["tea"]);
    assert_eq!(shop.sweep(days(365)).await.unwrap(), 0);
    assert_eq!(customers(&shop), 1);
}

/// The wrong `auth.db` is opened for a while: everybody looks gone, and nobody is lost.
#[tokio::test]
async fn who_was_missed_for_a_while_is_kept() {
    let (folder, other, outbox) = (Folder::new("kept"), Folder::new("wrong"), Outbox::default());
    let (shop, auth) = open(&folder.0, &outbox);
    let (mut ivan, _) = registered(&shop, &auth, &outbox, EMAIL).await;
    ivan.get("/me").await.expect(200);
    drop((shop, auth));
    std::fs::copy(folder.0.join("shop.db"), other.0.join("shop.db")).unwrap();
    let (wrong, _) = open(&other.0, &outbox);
    assert_eq!(wrong.sweep(days(0)).await.unwrap(), 0);
    let missed = "SELECT gone IS NOT NULL FROM customers";
    assert!(wrong.db().query_row(missed, (), |row| row.get::<_, bool>(0)).unwrap());
    drop(wrong);
    std::fs::copy(other.0.join("shop.db"), folder.0.join("shop.db")).unwrap();
    let (shop, _) = open(&folder.0, &outbox);
    for day in [29, 60, 300] {
        assert_eq!(shop.sweep(days(day)).await.unwrap(), 0);
    }
    ivan.router = shop.app();
    let me: Value = ivan.get("/me").await.expect(200).json();
    assert_eq!(me["name"], "Иван");
}
