//! P7: what a step reads does not grow with the number of accounts.

use propusk::clock::Timestamp;
use propusk::event::EventPage;
use propusk::flow::{Done, Effect};
use propusk::id::{FactorName, Realm};
use propusk::store::postgres::PostgresStore;
use propusk::store::{Commit, EventStore};
use propusk::{Auth, Client, Code, Password, Profile, Step, Visit};
use tokio_postgres::NoTls;

use crate::portal::{
    EMAIL, Hands, NEW_WORD, Outbox, PHONE, WORD, done, every_factor, pending, portal, register,
};
use crate::server::{fresh, settings, url};

/// Of others.
const ACCOUNTS: i64 = 5_000;
/// Nothing ends before.
const FAR: i64 = 4_000_000_000_000;
const MAIL: FactorName = FactorName::new("email-code");

/// Rows of other accounts, all over the keys, that end from then on.
fn others(schema: &str, far: i64) -> String {
    let all = format!("generate_series(1, {ACCOUNTS}) n");
    let id = "decode(md5('account' || n), 'hex')";
    let key = |of: &str| format!("decode(md5('{of}' || n) || md5('{of}' || -n), 'hex')");
    let sealed = "decode(repeat('00', 100), 'hex')";
    let rows = [
        format!(
            "accounts SELECT {id}, 1, 1, 0, 'portal', '\\x0102030405060708', n, '\\x00', {sealed} FROM {all}"
        ),
        format!("identifiers SELECT {}, {id}, {sealed} FROM {all}", key("name")),
        format!("contacts SELECT decode(md5('contact' || n), 'hex'), {id}, 1, n, {sealed} FROM {all}"),
        format!(
            "credentials SELECT decode(md5('own' || n), 'hex'), {id}, 1, 'password', n, '{{}}', {sealed} FROM {all}"
        ),
        format!("handles SELECT {}, {id}, decode(md5('own' || n), 'hex') FROM {all}", key("handle")),
        format!(
            "browsers SELECT decode(md5('browser' || n), 'hex'), {id}, {}, n, {far} + n FROM {all}",
            key("browser")
        ),
        format!("flows SELECT {}, 1, {far} + n, {sealed} FROM {all}", key("flow")),
        format!(
            "sessions SELECT {}, {id}, decode(md5('session' || n), 'hex'), 1, n, {far} + n, 900, {far} + n, '\\x00' FROM {all}",
            key("session")
        ),
        format!("once SELECT {}, {far} + n FROM {all}", key("once")),
        format!("guards SELECT {}, 1, 0, 0, 0, {far} + n FROM {all}", key("guard")),
        format!("throttles SELECT {}, {far} * 1000 + n FROM {all}", key("throttle")),
        format!(
            "events SELECT decode(md5('event' || n), 'hex'), {id}, {far} + n, 0, 'portal', 'sign-in', {sealed} FROM {all}"
        ),
        format!(
            "messages SELECT decode(md5('message' || n), 'hex'), 'portal', {id}, TRUE, n, n, 1, {far} + n, TRUE, '\\x' \
             FROM {all}"
        ),
    ];
    let inserts = rows.map(|rows| format!("INSERT INTO {schema}.{rows};")).concat();
    let tables = "accounts identifiers contacts credentials handles browsers flows sessions once guards throttles events \
                  messages";
    let judged = tables.split_whitespace().map(|table| format!("ANALYZE {schema}.{table};"));
    inserts + &judged.collect::<String>()
}

/// What people do, each kind of batch among it.
async fn a_day(auth: &Auth, hands: &Hands, outbox: &Outbox) {
    let visit = |browser: Option<&Done>| -> Visit {
        let known = browser.and_then(|end| end.browser.clone());
        auth.visit(known.into_iter().fold(Client::unknown(), Client::with_browser))
    };
    let first = register(auth, outbox, &visit(None), EMAIL, Password::word(WORD)).await;
    let _ = register(auth, outbox, &visit(None), PHONE, Password::word(WORD)).await;
    let by_word = async |word: &str| -> Step {
        hands.advance(600);
        visit(Some(&first)).sign_in().with(EMAIL, Password::word(word)).await.unwrap()
    };
    for _ in 0..3 {
        assert!(matches!(by_word("another word entirely").await, Step::Refused(_)));
        let end = done(by_word(WORD).await);
        assert!(auth.session(&end.token).await.unwrap().is_some());
        let _ = visit(Some(&first)).browsers(&end.session).await.unwrap();
        let _ = auth.history(end.session.account(), EventPage::newest(20)).await.unwrap();
        visit(None).sign_out(&end.token).await.unwrap();
        // By a code: what it proves is a contact.
        hands.advance(600);
        let by_code = visit(None);
        let next = pending(by_code.sign_in().start(EMAIL).await.unwrap());
        let next = pending(by_code.begin(&next.flow, &MAIL).await.unwrap());
        let code = outbox.code(auth).await;
        let _ = by_code.answer(&next.flow, Code::typed(MAIL, &code)).await.unwrap();
        let _ = auth.tend(100).await.unwrap();
    }
    let end = done(by_word(WORD).await);
    let browser = visit(Some(&first)).browsers(&end.session).await.unwrap().remove(0);
    assert!(visit(None).forget_browser(&end.session, browser.id).await.unwrap().is_done());
    let next = pending(visit(None).change(&end.token, Password::NAME).await.unwrap());
    let next = pending(visit(None).answer(&next.flow, Password::word(WORD)).await.unwrap());
    let end = done(visit(None).answer(&next.flow, Password::word(NEW_WORD)).await.unwrap());
    assert_ne!(visit(None).end_other_sessions(&end.session).await.unwrap(), Effect::NoSession);
}

/// A schema whose reads are counted.
struct Counted {
    schema: String,
    client: tokio_postgres::Client,
}

impl Counted {
    async fn beside(others_that_end: Option<i64>) -> Self {
        let (client, connection) = tokio_postgres::connect(&crate::server::url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        let counted = Self { schema: fresh(), client };
        drop(counted.store().await);
        if let Some(far) = others_that_end {
            let (filling, connection) = tokio_postgres::connect(&counted.url(), NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            filling.batch_execute(&others(&counted.schema, far)).await.unwrap();
            drop(filling);
            connection.await.unwrap().unwrap();
        }
        counted
    }

    fn url(&self) -> String {
        format!("{}?application_name={}", url(), self.schema)
    }

    async fn store(&self) -> PostgresStore {
        PostgresStore::connect_with(&self.url(), settings(&self.schema).connections(2)).await.unwrap()
    }

    /// How many rows and entries of indexes were read, in all and of each table.
    async fn reads(&self) -> (i64, Vec<String>) {
        // What a connection has counted is told at its end.
        let open = "SELECT FROM pg_stat_activity WHERE application_name = $1";
        while !self.client.query(open, &[&self.schema]).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let sql = "SELECT relname::TEXT, coalesce(seq_tup_read, 0) + coalesce(i.read, 0)::BIGINT
            FROM pg_stat_user_tables t LEFT JOIN
            (SELECT relid, sum(idx_tup_read) AS read FROM pg_stat_user_indexes GROUP BY relid) i USING (relid)
            WHERE schemaname = $1 ORDER BY relname";
        let rows = self.client.query(sql, &[&self.schema]).await.unwrap();
        let each: Vec<(String, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let all = each.iter().map(|(_, read)| read).sum();
        (all, each.into_iter().map(|(table, read)| format!("{table} {read}")).collect())
    }
}

#[tokio::test]
async fn what_a_step_reads_does_not_grow_with_the_accounts() {
    let mut read = [0, 0];
    for (nth, others) in [None, Some(FAR)].into_iter().enumerate() {
        let counted = Counted::beside(others).await;
        let before = counted.reads().await;
        let (hands, outbox, store) = (Hands::default(), Outbox::default(), counted.store().await);
        let builder = every_factor(portal(&store, Profile::nist_aal1()));
        let auth = builder.clock(hands.clone()).sender(outbox.clone()).build().unwrap();
        a_day(&auth, &hands, &outbox).await;
        drop((store, auth));
        let after = counted.reads().await;
        read[nth] = after.0 - before.0;
        println!("{before:?}\n{after:?}");
    }
    let [alone, beside] = read;
    println!(
        "counted: rows read in a day of two people beside {ACCOUNTS} others ({alone} alone), seed -, count {beside}"
    );
    assert!(alone > 500, "a day reads something: {alone}");
    assert!(beside < alone + ACCOUNTS / 5, "{alone} alone, beside others {beside}");
}

/// Whoever tends does it each second.
#[tokio::test]
async fn what_a_purge_reads_does_not_grow_with_what_is_over() {
    let counted = Counted::beside(Some(1)).await;
    let before = counted.reads().await;
    let store = counted.store().await;
    let (mut gone, now) = (0, Timestamp::from_millis(FAR));
    for _ in 0..8 {
        gone += store.purge(now, 100).await.unwrap();
        gone += store.drop_events(Realm::new("portal"), true, now, 100).await.unwrap();
    }
    drop(store);
    let after = counted.reads().await;
    let read = after.0 - before.0;
    println!("counted: rows read to drop {gone} of {} that are over, seed -, count {read}", 8 * ACCOUNTS);
    assert!(gone >= 8 * 7 * 100, "{gone} gone");
    // From the index, from the key's index, and the row.
    assert!(read < 6 * i64::try_from(gone).unwrap(), "{before:?}\n{after:?}");
}
