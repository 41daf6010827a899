//! kill -9 under 64 sign-ins at once, on a SQLite file: whatever was acknowledged is there, with its event, and no
//! code is accepted again. (It says nothing of power failures: the page cache outlives the process. That a reply
//! waits for the disk is shown by `tests/durability`.)
//!
//! The test runs itself as the process to be killed. Five times, fifty at `PROPUSK_SIZE=long`.
#![cfg(all(feature = "sqlite", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portal::{WORD, pending, register};
use propusk::account::identifier::Identifier;
use propusk::clock::{Clock, SystemClock, Timestamp};
use propusk::event::{EventPage, Outcome};
use propusk::id::{AccountId, FactorName, SessionId};
use propusk::message::{Message, Sender, Sending, Sent};
use propusk::store::EventStore;
use propusk::store::sqlite::SqliteStore;
use propusk::testing::SeededEntropy;
use propusk::{Auth, Client, Code, Password, Profile, Step, Token};

const BY_WORD: usize = 8;
const BY_CODE: usize = 32;
const TASKS: usize = 64;
const SMS: FactorName = FactorName::new("sms-code");

/// Each round twenty minutes after the one before: what was under way at a kill is counted as refused, and held, by
/// its own clock, which must not stop the next round.
#[derive(Debug)]
struct Later(u64);

impl Clock for Later {
    fn now(&self) -> Timestamp {
        SystemClock.now().after(Duration::from_secs(self.0 * 20 * 60))
    }
}

/// The last code to each address.
#[derive(Clone, Debug, Default)]
struct Codes(Arc<Mutex<HashMap<String, String>>>);

impl Sender for Codes {
    fn takes(&self, _: &Identifier) -> bool {
        true
    }
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        if let Some(code) = message.param("code") {
            self.0.lock().unwrap().insert(message.to.as_str().to_owned(), code.to_owned());
        }
        Box::pin(async { Ok(Sent::Delivered) })
    }
}

fn phone(nth: usize) -> String {
    format!("+7916{:07}", 1_000_000 + nth)
}

fn node(file: &Path, round: u64, codes: &Codes) -> (Auth, SqliteStore) {
    let store = SqliteStore::open(file).unwrap();
    let mut profile = Profile::nist_aal1();
    profile.sessions.at_most = 1_000_000;
    profile.recipient_rate.uses = 1_000_000;
    let auth = portal::portal(&store, profile)
        .clock(Later(round))
        .sender(codes.clone())
        .factor(Password::default())
        .factor(Code::sms())
        .build()
        .unwrap();
    (auth, store)
}

/// One whole line at a time, and only after the library has answered.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let said = out.write_all(format!("\n@ {line}\n").as_bytes()).and_then(|()| out.flush());
    if said.is_err() {
        // Nobody listens any more.
        std::process::exit(1);
    }
}

/// The process that is killed. Does nothing unless the test below runs it.
#[test]
fn signs_in_until_it_is_killed() {
    let Ok(file) = std::env::var("PROPUSK_CRASH_FILE") else { return };
    let round = std::env::var("PROPUSK_CRASH_ROUND").unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let codes = Codes::default();
        let (auth, _store) = node(Path::new(&file), round, &codes);
        // What the process before this one left undelivered is of no use to anybody here.
        while auth.tend(200).await.unwrap().delivered > 0 {}
        for nth in 0..TASKS {
            let (auth, codes) = (auth.clone(), codes.clone());
            tokio::spawn(async move {
                loop {
                    if nth < BY_CODE { by_code(&auth, &codes, nth).await } else { by_word(&auth, nth).await }
                }
            });
        }
        loop {
            let _ = auth.tend(200).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
}

async fn by_word(auth: &Auth, nth: usize) {
    let nth = BY_CODE + nth % BY_WORD;
    tell(nth, auth.visit(Client::unknown()).sign_in().with(&phone(nth), Password::word(WORD)).await.unwrap());
}

async fn by_code(auth: &Auth, codes: &Codes, nth: usize) {
    let visit = auth.visit(Client::unknown());
    codes.0.lock().unwrap().remove(&phone(nth));
    let next = pending(visit.sign_in().start(&phone(nth)).await.unwrap());
    let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
    let code = loop {
        let code = codes.0.lock().unwrap().remove(&phone(nth));
        if let Some(code) = code {
            break code;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    say(&format!("try {nth} {} {code}", *next.flow.expose()));
    tell(nth, visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap());
}

fn tell(nth: usize, step: Step) {
    match step {
        Step::Done(end) => {
            let id: String = end.session.id().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            say(&format!("in {nth} {} {id}", *end.token.expose()));
        }
        other => say(&format!("no {nth} {other:?}")),
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the process said before it was killed.
#[derive(Default)]
struct Said {
    signed_in: Vec<(usize, Token, SessionId)>,
    /// The last code that each task answered with.
    tried: BTreeMap<usize, (Token, String)>,
}

impl Said {
    fn line(&mut self, line: &str) {
        let Some(line) = line.strip_prefix("@ ") else { return };
        let words: Vec<&str> = line.split(' ').collect();
        let nth = words[1].parse().unwrap();
        match words[0] {
            "in" => {
                let byte = |at: usize| u8::from_str_radix(&words[3][2 * at..2 * at + 2], 16).unwrap();
                let id = SessionId::from_bytes(std::array::from_fn(byte));
                self.signed_in.push((nth, Token::parse(words[2]).unwrap(), id));
            }
            "try" => drop(self.tried.insert(nth, (Token::parse(words[2]).unwrap(), words[3].to_owned()))),
            _ => panic!("a right secret was refused: {line}"),
        }
    }
}

/// Leaves no process behind, whatever fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run_and_kill(file: &Path, round: u64, after: u64) -> Said {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "signs_in_until_it_is_killed", "--nocapture"])
        .env("PROPUSK_CRASH_FILE", file)
        .env("PROPUSK_CRASH_ROUND", round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Said::default();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut child = Killed(child);
    let mut killed = false;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap() == 0 {
            break;
        }
        // A line that the kill cut in two was not said.
        if let Some(line) = line.strip_suffix('\n') {
            said.line(line);
        }
        if !killed && said.signed_in.len() as u64 >= after {
            killed = true;
            child.0.kill().unwrap();
        }
    }
    let status = child.0.wait().unwrap();
    assert!(killed && !status.success(), "it ended by itself: {status}");
    said
}

async fn check(file: &Path, round: u64, said: &Said, accounts: &[AccountId]) {
    let db = rusqlite::Connection::open(file).unwrap();
    let sound: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    drop(db);
    let (auth, store) = node(file, round, &Codes::default());
    for (nth, token, id) in &said.signed_in {
        let session = auth.session(token).await.unwrap();
        let session =
            session.unwrap_or_else(|| panic!("round {round}: {nth}'s session was acknowledged and is gone"));
        assert_eq!((session.id(), session.account()), (*id, accounts[*nth]));
    }
    for some in said.signed_in.chunks(100) {
        let events = store.beginnings(some.iter().map(|(_, _, id)| *id).collect()).await.unwrap();
        assert_eq!(events.len(), some.len(), "round {round}: a sign-in that was acknowledged has no event");
        assert!(events.iter().all(|event| event.outcome == Outcome::Done && event.account.is_some()));
    }
    // The last code of each task once more, by two visitors at once: in flight at the kill, it may now be accepted
    // if it was not; acknowledged, never.
    for (nth, (flow, code)) in &said.tried {
        let of_task = said.signed_in.iter().filter(|(by, ..)| by == nth).count();
        let since = auth.now().before(Duration::from_secs(19 * 60));
        let (one, two) = (auth.visit(Client::unknown()), auth.visit(Client::unknown()));
        let (one, two) =
            tokio::join!(one.answer(flow, Code::typed(SMS, code)), two.answer(flow, Code::typed(SMS, code)));
        let again = [one, two].map(|step| usize::from(matches!(step.unwrap(), Step::Done(_))));
        let again: usize = again.iter().sum();
        let mut page = EventPage::newest(1000);
        page.since = Some(since);
        let events = auth.history(accounts[*nth], page).await.unwrap();
        let accepted = events.iter().filter(|event| event.name.as_str() == "sign-in");
        let accepted = accepted.filter(|event| event.outcome == Outcome::Done).count();
        assert!(again <= 1, "round {round}: a code was accepted twice");
        assert!(
            accepted == of_task || accepted == of_task + 1,
            "round {round}: task {nth}: {accepted} accepted, {of_task} acknowledged, {again} again"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_under_64_sign_ins_loses_nothing_that_was_acknowledged() {
    let rounds = if std::env::var("PROPUSK_SIZE").is_ok_and(|size| size == "long") { 50 } else { 5 };
    let seed = u64::from(std::process::id());
    let luck = SeededEntropy::new(seed);
    let folder = Folder(std::env::temp_dir().join(format!("propusk-crash-{}", std::process::id())));
    std::fs::create_dir(&folder.0).unwrap();
    let file = folder.0.join("auth.db");

    let mut accounts = Vec::new();
    {
        let outbox = portal::Outbox::default();
        let store = SqliteStore::open(&file).unwrap();
        let auth = portal::portal(&store, Profile::nist_aal1())
            .sender(outbox.clone())
            .factor(Password::default())
            .factor(Code::sms())
            .build()
            .unwrap();
        let visit = auth.visit(Client::unknown());
        for nth in 0..BY_CODE + BY_WORD {
            let end = register(&auth, &outbox, &visit, &phone(nth), Password::word(WORD)).await;
            accounts.push(end.session.account());
        }
    }
    let (mut acknowledged, mut in_flight) = (0, 0);
    for round in 1..=rounds {
        let after = 1 + luck.below(400);
        let path = file.clone();
        let said = tokio::task::spawn_blocking(move || run_and_kill(&path, round, after)).await.unwrap();
        acknowledged += said.signed_in.len();
        in_flight += said.tried.len();
        check(&file, round, &said, &accounts).await;
    }
    println!(
        "counted: kills under {TASKS} sign-ins ({acknowledged} acknowledged, {in_flight} codes tried again), seed {seed}, count {rounds}"
    );
    assert!(acknowledged > 0 && in_flight > 0);
}
