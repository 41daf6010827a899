//! The outbox under kills: three workers in processes of their own on one ledger, each killed (SIGKILL) at random over and
//! over, and a mail server that refuses every fifth attempt. Every message arrives. Twice only what the server acknowledged
//! to a worker that died before it wrote that down, which nobody can tell from what was never sent: at most one message for
//! each kill, and the test knows which.
//!
//! ```text
//! tests/with smtp postgres -- cargo test --features full --test outbox -- --test-threads 1
//! ```
//!
//! Time stands still in all processes and is moved on when no worker finds anything due: so no lease runs out under a
//! message that is on its way, however slow the machine.
#![cfg(all(feature = "email", feature = "sqlite", feature = "postgres", feature = "testing"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

#[path = "common/portal.rs"]
mod portal;
#[path = "common/postgres.rs"]
mod postgres;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use portal::{WORD, pending};
use propusk::account::Contact;
use propusk::account::identifier::{Identifier, IdentifierKind};
use propusk::clock::{Clock, SystemClock, Timestamp};
use propusk::error::FactorError;
use propusk::factor::{Begun, Context, Credential, Outgoing, Prompt, Reason, Source, Verdict};
use propusk::id::{FactorName, TemplateName};
use propusk::message::email::{EmailSender, Smtp};
use propusk::message::{Message, Sender, Sending, Sent};
use propusk::proof::{Channel, Proves};
use propusk::store::postgres::PostgresStore;
use propusk::store::sqlite::SqliteStore;
use propusk::store::{Store, Throttle};
use propusk::testing::SeededEntropy;
use propusk::{Auth, Client, Factor, Password, Profile};

const WORKERS: usize = 3;
/// What one call of `tend` takes.
const BUDGET: usize = 20;

/// A message that is of use for three days, as a notice is: a code would die while the retries wait.
#[derive(Debug)]
struct Ticket;

impl Factor for Ticket {
    type Data = Contact;
    type State = ();
    type Answer = serde_json::Value;

    fn name(&self) -> FactorName {
        FactorName::new("ticket")
    }

    fn source(&self) -> Source {
        Source::Contacts(IdentifierKind::Email)
    }

    fn could_prove(&self, _: Option<&Contact>) -> Proves {
        Proves::by(Channel::Email).possession().replay_resistant()
    }

    async fn begin(
        &self,
        _: &Context<'_>,
        mine: &[Credential<Contact>],
        _: Option<()>,
    ) -> Result<Begun<()>, FactorError> {
        let letter =
            Outgoing::new(mine[0].id, TemplateName::new("ticket"), Duration::from_secs(3 * 24 * 3600));
        Ok(Begun::Started { state: (), prompt: Prompt::empty(), deliver: Some(letter.with("word", WORD)) })
    }

    async fn answer(
        &self,
        _: &Context<'_>,
        _: &[Credential<Contact>],
        (): (),
        _: serde_json::Value,
    ) -> Result<Verdict<Contact>, FactorError> {
        Ok(Verdict::refuse(Reason::Wrong))
    }
}

/// The time that all processes read: a file, replaced whole.
#[derive(Clone, Debug)]
struct Shared(PathBuf);

impl Shared {
    fn set(&self, at: Timestamp) {
        let next = self.0.with_extension("next");
        std::fs::write(&next, at.as_millis().to_string()).unwrap();
        std::fs::rename(next, &self.0).unwrap();
    }
}

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(std::fs::read_to_string(&self.0).unwrap().parse().unwrap())
    }
}

/// Says what it is about to do, and what came of it.
#[derive(Debug)]
struct Telling(EmailSender);

impl Sender for Telling {
    fn takes(&self, address: &Identifier) -> bool {
        self.0.takes(address)
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(async {
            let to = message.to.as_str();
            say(&format!("sending {to}"));
            let sent = self.0.send(message).await;
            say(&format!(
                "{} {to}",
                if matches!(sent, Ok(Sent::Delivered)) { "acknowledged" } else { "refused" }
            ));
            sent
        })
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let said = out.write_all(format!("\n@ {line}\n").as_bytes()).and_then(|()| out.flush());
    if said.is_err() {
        // Nobody listens any more.
        std::process::exit(1);
    }
}

fn node<S: Store + Throttle + Clone>(store: &S, clock: &Shared) -> Auth {
    let server: SocketAddr = std::env::var("PROPUSK_SMTP")
        .expect("tests/with smtp postgres -- cargo test --features full --test outbox -- --test-threads 1")
        .parse()
        .unwrap();
    let smtp = Smtp::local(server.ip()).unwrap().port(server.port());
    let sender = EmailSender::smtp(smtp, "Portal", "no-reply@portal.example").unwrap();
    portal::portal(store, Profile::nist_aal1())
        .clock(clock.clone())
        .sender(Telling(sender))
        .factor(Password::default())
        .factor(Ticket)
        .build()
        .unwrap()
}

/// Where the messages lie.
#[derive(Clone, Debug)]
enum Ledger {
    File(PathBuf),
    Schema(String),
}

impl Ledger {
    async fn open(&self, clock: &Shared) -> Auth {
        match self {
            Self::File(file) => node(&SqliteStore::open(file).unwrap(), clock),
            Self::Schema(name) => {
                let settings = postgres::settings(name).connections(4);
                node(&PostgresStore::connect_with(&postgres::url(), settings).await.unwrap(), clock)
            }
        }
    }

    fn text(&self) -> String {
        match self {
            Self::File(file) => format!("file {}", file.display()),
            Self::Schema(name) => format!("schema {name}"),
        }
    }

    fn read(text: &str) -> Self {
        match text.split_once(' ').unwrap() {
            ("file", file) => Self::File(file.into()),
            (_, name) => Self::Schema(name.to_owned()),
        }
    }
}

/// The process that is killed. Does nothing unless a test below runs it.
#[test]
fn works_until_it_is_killed() {
    let Ok(ledger) = std::env::var("PROPUSK_OUTBOX_LEDGER") else { return };
    let clock = Shared(std::env::var("PROPUSK_OUTBOX_CLOCK").unwrap().into());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let auth = Ledger::read(&ledger).open(&clock).await;
        loop {
            let now = clock.now();
            let tended = auth.tend(BUDGET).await.unwrap();
            if tended.given_up > 0 {
                say("gave up");
            }
            if tended.delivered + tended.postponed + tended.given_up == 0 {
                say(&format!("idle {}", now.as_millis()));
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    });
}

/// What is known of a worker from what it says.
#[derive(Default)]
struct Worker {
    process: Option<Child>,
    /// Nothing was due when this was the time.
    idle: Option<Timestamp>,
    kills: usize,
}

#[derive(Default)]
struct Seen {
    workers: Vec<Worker>,
    acknowledged: BTreeSet<String>,
    refused: usize,
    /// To whom the message went that a worker had in hand when it was killed.
    in_hand: BTreeMap<String, usize>,
    gave_up: usize,
    over: bool,
}

struct Run {
    ledger: Ledger,
    clock: Shared,
    kills: usize,
    /// So many lines pass between two kills of a worker, in the mean.
    pace: u64,
    seen: Mutex<Seen>,
}

impl Run {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// A worker's life: begun again after each kill, and left alone after the last.
    fn keep(&self, nth: usize, luck: &SeededEntropy) {
        loop {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "works_until_it_is_killed", "--nocapture"])
                .env("PROPUSK_OUTBOX_LEDGER", self.ledger.text())
                .env("PROPUSK_OUTBOX_CLOCK", &self.clock.0)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            {
                let mut seen = self.seen();
                if seen.over {
                    let _ = child.kill();
                }
                seen.workers[nth].process = Some(child);
            }
            let dies = self.seen().workers[nth].kills < self.kills;
            let mut left = if dies { 1 + luck.below(2 * self.pace - 1) } else { u64::MAX };
            let mut in_hand = None;
            while let Some(Ok(line)) = lines.next() {
                let Some(line) = line.strip_prefix("@ ") else { continue };
                let (what, whom) = line.split_once(' ').unwrap();
                let mut seen = self.seen();
                match what {
                    "idle" => {
                        seen.workers[nth].idle = Some(Timestamp::from_millis(whom.parse().unwrap()));
                        in_hand = None;
                        continue;
                    }
                    "gave" => seen.gave_up += 1,
                    "sending" => in_hand = Some(whom.to_owned()),
                    // Still in hand: what follows is the write.
                    "acknowledged" => drop(seen.acknowledged.insert(whom.to_owned())),
                    "refused" => {
                        seen.refused += 1;
                        in_hand = None;
                    }
                    other => panic!("{other}"),
                }
                seen.workers[nth].idle = None;
                drop(seen);
                left = left.saturating_sub(1);
                if left == 0 {
                    // Anywhere in the next message, or in the write of this one.
                    std::thread::sleep(Duration::from_micros(luck.below(4000)));
                    self.seen().workers[nth].process.as_mut().unwrap().kill().unwrap();
                    left = u64::MAX;
                }
            }
            let mut seen = self.seen();
            seen.workers[nth].idle = None;
            let mut child = seen.workers[nth].process.take().unwrap();
            let over = seen.over;
            drop(seen);
            let status = child.wait().unwrap();
            if over {
                return;
            }
            assert!(!status.success() && dies, "a worker ended by itself: {status}");
            let mut seen = self.seen();
            seen.workers[nth].kills += 1;
            if let Some(whom) = in_hand {
                *seen.in_hand.entry(whom).or_default() += 1;
            }
        }
    }

    /// Moves time on whenever nobody finds anything due; until all is delivered and nothing is left for an hour.
    fn tick(&self, messages: usize) {
        let (mut step, mut quiet) = (FIRST_STEP, Duration::ZERO);
        let (mut moved, mut delivered) = (Instant::now(), 0);
        loop {
            std::thread::sleep(Duration::from_millis(1));
            let now = self.clock.now();
            let mut seen = self.seen();
            if seen.workers.iter().all(|worker| worker.idle == Some(now)) {
                if seen.acknowledged.len() != delivered {
                    (step, quiet, delivered) = (FIRST_STEP, Duration::ZERO, seen.acknowledged.len());
                }
                if delivered == messages && quiet >= Duration::from_secs(3600) {
                    seen.over = true;
                    seen.workers.iter_mut().filter_map(|worker| worker.process.as_mut()).for_each(|child| {
                        let _ = child.kill();
                    });
                    return;
                }
                self.clock.set(now.after(step));
                quiet += step;
                step = (step * 2).min(Duration::from_secs(1800));
                moved = Instant::now();
            }
            let stuck = moved.elapsed() > Duration::from_secs(300) && seen.gave_up > 0;
            if stuck || quiet > Duration::from_secs(24 * 3600) {
                seen.over = true;
                seen.workers.iter_mut().filter_map(|worker| worker.process.as_mut()).for_each(|child| {
                    let _ = child.kill();
                });
                drop(seen);
                panic!("not all arrive: {delivered} of {messages}");
            }
        }
    }
}

/// To whom each letter went that the mail server has.
fn letters(prefix: &str) -> BTreeMap<String, usize> {
    let all = std::fs::read_to_string(std::env::var("PROPUSK_LETTERS").unwrap()).unwrap();
    let mut arrived = BTreeMap::new();
    for line in all.lines() {
        let letter: serde_json::Value = serde_json::from_str(line).unwrap();
        let to = letter["to"][0].as_str().unwrap();
        if to.starts_with(prefix) {
            *arrived.entry(to.to_owned()).or_default() += 1;
        }
    }
    arrived
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn all_arrive(name: &str, ledger: impl FnOnce(&Path) -> Ledger) {
    let long = std::env::var("PROPUSK_SIZE").is_ok_and(|size| size == "long");
    let (messages, kills, pace) = if long { (10_000, 100, 40) } else { (600, 6, 20) };
    let seed =
        std::env::var("PROPUSK_SEED").map_or(u64::from(std::process::id()), |seed| seed.parse().unwrap());
    let folder = Folder(std::env::temp_dir().join(format!("propusk-outbox-{name}-{}", std::process::id())));
    std::fs::create_dir(&folder.0).unwrap();
    let clock = Shared(folder.0.join("clock"));
    clock.set(SystemClock.now());
    let ledger = ledger(&folder.0);
    // The name that the mail server refuses every fifth time.
    let prefix = format!("fifth-{name}-");

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let auth = ledger.open(&clock).await;
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let (auth, prefix) = (auth.clone(), prefix.clone());
                tokio::spawn(async move {
                    for nth in (task..messages).step_by(8) {
                        let visit = auth.visit(Client::unknown());
                        let address = format!("{prefix}{nth}@example.org");
                        drop(pending(visit.sign_up(&address, "Иван Петров", "2026-01").await.unwrap()));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });

    let workers = (0..WORKERS).map(|_| Worker::default()).collect();
    let seen = Mutex::new(Seen { workers, ..Seen::default() });
    let run = Arc::new(Run { ledger: ledger.clone(), clock: clock.clone(), kills, pace, seen });
    std::thread::scope(|scope| {
        for nth in 0..WORKERS {
            let run = run.clone();
            scope.spawn(move || run.keep(nth, &SeededEntropy::new(seed + nth as u64)));
        }
        run.tick(messages);
    });

    if let Ledger::File(file) = &ledger {
        let db = rusqlite::Connection::open(file).unwrap();
        let sound: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
    }
    let (seen, arrived) = (run.seen(), letters(&prefix));
    assert_eq!(arrived.len(), messages, "lost");
    let twice: Vec<_> = arrived.iter().filter(|(_, times)| **times > 1).collect();
    for (to, times) in &twice {
        let kills = seen.in_hand.get(*to).copied().unwrap_or(0);
        assert!(**times - 1 <= kills, "{to} came {times} times, and {kills} workers died with it in hand");
    }
    let again: usize = twice.iter().map(|(_, times)| **times - 1).sum();
    let done: Vec<_> = seen.workers.iter().map(|worker| worker.kills).collect();
    assert_eq!(done, vec![kills; WORKERS]);
    assert_eq!(seen.gave_up, 0);
    assert!(seen.refused * 6 > messages, "the server refused {} only", seen.refused);
    let in_hand: usize = seen.in_hand.values().sum();
    println!(
        "counted: messages through {WORKERS} workers on {name} that were killed {kills} times each ({} attempts refused; \
         {in_hand} kills with a message in hand; {again} came twice, each of these), seed {seed}, count {messages}",
        seen.refused
    );
}

#[test]
fn every_message_of_a_file_arrives_under_kills() {
    all_arrive("sqlite", |folder| Ledger::File(folder.join("auth.db")));
}

#[test]
fn every_message_of_a_server_arrives_under_kills() {
    all_arrive("postgres", |_| Ledger::Schema(postgres::fresh()));
}

const FIRST_STEP: Duration = Duration::from_secs(5);
