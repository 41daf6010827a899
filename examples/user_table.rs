//! An application's own table of people, joined to their accounts by [`AccountId`]: `shop.db` says what they bought,
//! `auth.db` who they are and how they sign in.
//!
//! Two files have no common commit, and one file would not help: the library's commits are its own. None is needed.
//! Nothing of an account is copied, a name is asked for. A row is made by an insert that may come twice, at the first
//! request after `Done`; made in a handler at `Done`, it could still be lost in between. Rows of closed accounts are swept.
//!
//! ```text
//! cargo run --example user_table --features axum,sqlite
//! ask() { curl -b jar -c jar -H origin:http://localhost:8080 -H content-type:application/json "localhost:8080$@"; }
//! ask /auth/sign-up -d '{"contact":"ivan@example.org","name":"Ivan","terms":"1"}'    # FLOW, and a code is printed
//! ask /auth/flow/answer -d '{"flow":"FLOW","factor":"email-code","answer":{"code":"CODE"}}'
//! ask /auth/flow/answer -d '{"flow":"FLOW","factor":"password","answer":{"password":"a horse, a battery"}}'
//! ask /orders -d '{"what":"tea"}'
//! ask /me                                                                      # {"name":"Ivan","orders":["tea"]}
//! ```

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{error::Error, net::SocketAddr, time::Duration};

use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::{StatusCode, request::Parts};
use axum::{Json, Router, routing::get, routing::post};
use propusk::axum::{AuthHttp, Problem, SameOrigin, Signed, tend};
use propusk::clock::Timestamp;
use propusk::error::{Broken, StoreError};
use propusk::id::AccountId;
use propusk::message::{Locale, Sender};
use propusk::secret::{FileKeys, KeySource};
use propusk::store::sqlite::SqliteStore;
use propusk::{Auth, Code, Password, Profile, Site, danger};
use rusqlite::{Connection, Params, types::FromSql};
use serde::Deserialize;
use serde_json::{Value, json};

/// An order outlives its customer, without a name on it: somebody has to pay taxes for it.
const TABLES: &str = "
    PRAGMA foreign_keys = ON;
    CREATE TABLE IF NOT EXISTS customers (account BLOB PRIMARY KEY, gone INTEGER) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS orders (
        id INTEGER PRIMARY KEY, what TEXT NOT NULL,
        account BLOB REFERENCES customers ON DELETE SET NULL) STRICT;
    CREATE INDEX IF NOT EXISTS orders_of ON orders (account);";

#[derive(Clone)]
pub(crate) struct Shop {
    http: AuthHttp,
    db: Arc<Mutex<Connection>>,
}

/// Whoever is signed in, and has a row from here on. Each handler takes this, so none has to think of people without one.
struct Customer(AccountId);

impl FromRequestParts<Shop> for Customer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Problem> {
        let Signed(session) = Signed::from_request_parts(parts, shop).await?;
        let account = session.account();
        let made =
            shop.db().execute("INSERT OR IGNORE INTO customers (account) VALUES (?1)", [account.as_bytes()]);
        made.map_err(|error| shop.broken(error))?;
        Ok(Self(account))
    }
}

#[derive(Deserialize)]
struct Order {
    what: String,
}

async fn order(
    _: SameOrigin,
    Customer(account): Customer,
    State(shop): State<Shop>,
    Json(order): Json<Order>,
) -> Result<StatusCode, Problem> {
    let insert = "INSERT INTO orders (what, account) VALUES (?1, ?2)";
    shop.db().execute(insert, (order.what, account.as_bytes())).map_err(|error| shop.broken(error))?;
    Ok(StatusCode::CREATED)
}

async fn me(Customer(account): Customer, State(shop): State<Shop>) -> Result<Json<Value>, Problem> {
    let person = shop.auth().account(account).await.map_err(|broken| shop.problem(&broken))?;
    let orders = shop.orders(Some(account)).map_err(|error| shop.broken(error))?;
    Ok(Json(json!({ "name": person.map(|person| person.name), "orders": orders })))
}

impl Shop {
    pub(crate) fn open(folder: &Path, origin: &str, sender: impl Sender) -> Result<Self, Box<dyn Error>> {
        let keys = FileKeys::at(folder.join("propusk.keys"));
        keys.create()?;
        let store = SqliteStore::open(folder.join("auth.db"))?;
        let auth = Auth::builder(Profile::nist_aal1(), store, keys.load()?)
            .site(Site::new("Shop", origin))
            .factor(Password::default())
            .factor(Code::email())
            .sender(sender)
            .build()?;
        let db = Connection::open(folder.join("shop.db"))?;
        db.execute_batch(TABLES)?;
        let http = AuthHttp::builder(auth).danger(danger::Http::insecure_cookies_on_localhost()).build()?;
        Ok(Self { http, db: Arc::new(Mutex::new(db)) })
    }

    pub(crate) fn auth(&self) -> &Auth {
        self.http.auth()
    }

    pub(crate) fn app(&self) -> Router {
        let own = Router::new().route("/me", get(me)).route("/orders", post(order));
        own.with_state(self.clone()).merge(self.http.router())
    }

    /// Forgets customers whose account has been gone for a month: closed, or never there. Not sooner: if `auth.db` came
    /// back from an older copy, or a wrong one was opened, everybody newer looks gone, and there is time to notice.
    /// A store that does not answer ends the sweep: an outage is never taken for "gone". Nor is a new account: it is
    /// written before there is a session to come here with.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<usize, Box<dyn Error>> {
        let all: Vec<[u8; 16]> = self.column("SELECT account FROM customers", ())?;
        for account in all {
            let there = self.auth().account(AccountId::from_bytes(account)).await?.is_some();
            let gone = "UPDATE customers SET gone = iif(?2, NULL, coalesce(gone, ?3)) WHERE account = ?1";
            self.db().execute(gone, (account, there, now.as_millis()))?;
        }
        let month = now.before(Duration::from_secs(30 * 24 * 3600)).as_millis();
        Ok(self.db().execute("DELETE FROM customers WHERE gone < ?1", [month])?)
    }

    /// What this person ordered, or what nobody did.
    pub(crate) fn orders(&self, of: Option<AccountId>) -> rusqlite::Result<Vec<String>> {
        let orders = "SELECT what FROM orders WHERE account IS ?1 ORDER BY id";
        self.column(orders, [of.map(|id| *id.as_bytes())])
    }

    fn column<T: FromSql>(&self, query: &str, of: impl Params) -> rusqlite::Result<Vec<T>> {
        self.db().prepare(query)?.query_map(of, |row| row.get(0))?.collect()
    }

    /// Statements of microseconds. Longer ones belong on a thread of their own.
    pub(crate) fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn broken(&self, error: rusqlite::Error) -> Problem {
        self.problem(&Broken::Store(StoreError::driver(error)))
    }

    fn problem(&self, broken: &Broken) -> Problem {
        Problem::broken(&self.http, broken, Locale::En)
    }
}

impl FromRef<Shop> for AuthHttp {
    fn from_ref(shop: &Shop) -> Self {
        shop.http.clone()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Codes are printed: put your mail server here.
    let shop = Shop::open(Path::new("."), "http://localhost:8080", danger::print_messages())?;
    let _tending = tend(shop.auth().clone());
    let sweeper = shop.clone();
    tokio::spawn(async move {
        loop {
            if let Err(error) = sweeper.sweep(sweeper.auth().now()).await {
                eprintln!("customers were not swept: {error}");
            }
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!("http://localhost:8080, codes are printed here");
    let app = shop.app().into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, app).await?)
}
