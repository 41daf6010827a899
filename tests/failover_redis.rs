//! A master of the cluster is killed under load, and a replica is promoted that had heard nothing for a while: flows
//! come back that were taken, sessions that were ended, and nothing is accepted twice.
//!
//! Each kill: fifty answers with one right code, through two nodes over one ledger; the replica of the flow's master is
//! cut off before, the master is killed at the start, at the first acceptance, or after all. When the replica has taken
//! over, the same fifty answers again. Meanwhile people who are signed in are looked at all the time, at the kill by
//! a crowd; once the survivors agree on the new master, looks must soon succeed again, and go on to.
#![cfg(all(feature = "sqlite", feature = "postgres", feature = "redis", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "common/portal.rs"]
mod portal;
#[path = "common/wide.rs"]
mod wide;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use portal::{Hands, Outbox, WORD, pending, register};
use propusk::clock::Clock;
use propusk::id::{FactorName, Realm};
use propusk::secret::{Purpose, TokenScope};
use propusk::store::postgres::{PostgresSettings, PostgresStore};
use propusk::store::redis::{RedisSettings, RedisStore};
use propusk::store::split::Split;
use propusk::store::sqlite::{SqliteSettings, SqliteStore};
use propusk::store::{AnyStore, FlowStore};
use propusk::{Auth, Client, Code, Password, Profile, Session, Step, Token};
use tokio::sync::{Barrier, mpsc};
use tokio::task::JoinSet;
use wide::{Nap, Wide};

const SMS: FactorName = FactorName::new("sms-code");
const ANSWERS: usize = 50;
const PEOPLE: usize = 9;
/// Enough to use up tokio's budget for the driver's task, which then stood still for good (src/store/redis/cluster.rs).
const CROWD: usize = 200;
/// A try that is not answered, a new connection, and another try; on a machine that is slow.
const OUTAGE: Duration = Duration::from_secs(4);

type Counts = BTreeMap<String, usize>;

/// When a master is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    AtTheStart,
    AtTheFirstAcceptance,
    AfterAll,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_master_lets_nothing_be_accepted_twice() {
    let kills = if std::env::var("PROPUSK_SIZE").as_deref() == Ok("long") { 10 } else { 3 };
    let cluster = Cluster::new();
    let site = Site::new(&cluster).await;
    let mut people = vec![];
    for _ in 0..PEOPLE {
        people.push(site.person().await.0);
    }
    let (over, calm) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let watching = tokio::spawn(watch(site.nodes.clone(), people.clone(), over.clone(), calm.clone()));
    let (mut during, mut after) = (Counts::new(), Counts::new());
    let (mut flows_back, mut sessions_back, mut accepted) = (0, 0, 0);
    let (mut crowds, mut outages) = (Counts::new(), vec![]);
    for kill in 0..kills {
        let moment = [Moment::AfterAll, Moment::AtTheFirstAcceptance, Moment::AtTheStart][kill % 3];
        site.everybody_is_looked_at(&people).await;
        calm.store(false, Ordering::SeqCst);
        let round = site.challenge(kill).await;
        let doomed = cluster.master_of(&round.key).await;
        let leaves = cluster.one_of(&doomed, &site).await;
        cluster.replicated(&doomed).await;
        doomed.cut_off_replica().await;

        // Somebody whose session lies there signs out, and is told so.
        let began = Instant::now();
        let node = &site.nodes[kill % 2];
        node.visit(Client::unknown()).sign_out(&leaves).await.unwrap();
        assert!(node.session(&leaves).await.unwrap().is_none());
        println!("kill {kill} {moment:?}: signed out in {:?}", began.elapsed());

        let (first, mut accepts) = mpsc::unbounded_channel();
        let wave = tokio::spawn(site.clone().wave(round.clone(), first));
        match moment {
            Moment::AtTheStart => {}
            Moment::AtTheFirstAcceptance => drop(accepts.recv().await),
            Moment::AfterAll => while accepts.recv().await.is_some() {},
        }
        doomed.kill_and_wake_replica();
        let crowd = tokio::spawn(site.clone().crowd(people.clone()));
        let one = wave.await.unwrap();
        cluster.taken_over(&doomed, &round.key).await;
        outages.push(site.outage(&people).await);
        calm.store(true, Ordering::SeqCst);
        for (what, count) in crowd.await.unwrap() {
            *crowds.entry(what).or_default() += count;
        }

        flows_back +=
            usize::from(site.store.find_flow(round.hash, site.hands.now()).await.unwrap().is_some());
        sessions_back += usize::from(site.nodes[0].session(&leaves).await.unwrap().is_some());
        let (ignored, _) = mpsc::unbounded_channel();
        let two = site.clone().wave(round.clone(), ignored).await;
        let of = |counts: &Counts| counts.get("done").copied().unwrap_or(0);
        println!("kill {kill} {moment:?}: during {one:?}, after {two:?}");
        assert!(of(&one) + of(&two) <= 1, "accepted twice: {one:?}, then {two:?}");
        accepted += of(&one) + of(&two);

        // The outbox's job ends the session for good.
        site.outbox.deliver(&site.nodes[1]).await;
        assert!(site.nodes[0].session(&leaves).await.unwrap().is_none(), "a session that was ended lives");
        for (total, counts) in [(&mut during, one), (&mut after, two)] {
            counts.into_iter().for_each(|(what, count)| *total.entry(what).or_default() += count);
        }
        cluster.restart(&doomed).await;
        site.challenge_is_accepted_once(kills + kill).await;
    }

    // A machine that vanishes closes no connection: its master stands still.
    site.everybody_is_looked_at(&people).await;
    calm.store(false, Ordering::SeqCst);
    let key = site.sessions_of(&people[0]);
    let doomed = cluster.master_of(&key).await;
    doomed.signal(doomed.port, "-STOP");
    let crowd = tokio::spawn(site.clone().crowd(people.clone()));
    cluster.taken_over(&doomed, &key).await;
    outages.push(site.outage(&people).await);
    calm.store(true, Ordering::SeqCst);
    let vanished = crowd.await.unwrap();
    doomed.signal(doomed.port, "-CONT");
    cluster.comes_back(&doomed).await;
    site.everybody_is_looked_at(&people).await;

    over.store(true, Ordering::SeqCst);
    let (checks, longest) = watching.await.unwrap();
    let ledger = if std::env::var("PROPUSK_POSTGRES").is_ok() { "PostgreSQL" } else { "SQLite" };
    println!("counted: masters killed under {ANSWERS} answers at once over {ledger}, seed -, count {kills}");
    println!("counted: of them, one acceptance in all, seed -, count {accepted}");
    println!("counted: of them, the taken flow came back, seed -, count {flows_back}");
    println!(
        "counted: of them, the ended session came back until the job ran, seed -, count {sessions_back}"
    );
    println!("notice: answers during a kill: {during:?}; after it: {after:?}");
    println!("notice: looks at sessions meanwhile: {checks:?}, the longest took {longest:?}");
    println!("notice: a crowd's looks at the kill: {crowds:?}; when a machine vanished: {vanished:?}");
    println!("notice: after the survivors agreed, looks failed for {:?} at most", outages.iter().max());
    assert!(flows_back > 0 && sessions_back > 0, "no replica had missed anything, which proves nothing");
    assert_eq!(checks.get("signed out by nobody"), None);
    assert_eq!(checks.get("error in a calm"), None, "{checks:?}");
    assert!(accepted > 0);
}

/// Two nodes over one ledger and one cluster.
#[derive(Clone)]
struct Site {
    nodes: Vec<Auth>,
    store: RedisStore,
    hands: Hands,
    outbox: Outbox,
    prefix: String,
    people: Arc<AtomicUsize>,
    _folder: Arc<Folder>,
}

#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A code that was sent, and where its flow lies.
#[derive(Clone)]
struct Round {
    flow: Token,
    hash: propusk::secret::TokenHash,
    key: String,
    code: String,
}

impl Site {
    async fn new(cluster: &Cluster) -> Self {
        let prefix = format!("propusk-failover-{}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(&prefix));
        std::fs::create_dir(&folder.0).unwrap();
        let (hands, outbox) = (Hands::default(), Outbox::default());
        let (mut nodes, mut last) = (vec![], None);
        for _ in 0..2 {
            let ledger = Self::ledger(&folder, &prefix).await;
            let settings = RedisSettings::default().prefix(&prefix);
            let redis = RedisStore::connect_with(&cluster.urls, settings).await.unwrap();
            let store = AnyStore::of(Split::new(ledger, redis.clone()).unwrap(), redis.clone());
            let node = portal::portal(&store, Profile::nist_aal1())
                .clock(hands.clone())
                .sender(outbox.clone())
                .sleep(Nap)
                .factor(Wide(Password::default()))
                .factor(Wide(Code::sms()));
            nodes.push(node.build().unwrap());
            last = Some(redis);
        }
        Self {
            nodes,
            store: last.unwrap(),
            hands,
            outbox,
            prefix,
            people: Arc::default(),
            _folder: Arc::new(folder),
        }
    }

    /// PostgreSQL where there is a server, else a file.
    async fn ledger(folder: &Folder, schema: &str) -> AnyStore {
        let patience = Duration::from_secs(60);
        let Ok(url) = std::env::var("PROPUSK_POSTGRES") else {
            let patient = SqliteSettings::default().busy_timeout(patience);
            return AnyStore::new(SqliteStore::open_with(folder.0.join("auth.db"), patient).unwrap());
        };
        // A machine that builds beside the test is slow at times.
        let settings = PostgresSettings::default()
            .schema(schema.replace('-', "_"))
            .connect_timeout(patience)
            .answer_timeout(patience);
        AnyStore::new(PostgresStore::connect_with(&url, settings).await.unwrap())
    }

    /// Somebody who is signed in.
    async fn person(&self) -> (Token, Session) {
        let nth = self.people.fetch_add(1, Ordering::SeqCst);
        let visit = self.nodes[nth % 2].visit(Client::unknown());
        let phone = format!("+7916000{nth:04}");
        let end = register(&self.nodes[0], &self.outbox, &visit, &phone, Password::word(WORD)).await;
        (end.token, end.session)
    }

    /// Until every node has noticed the last fail-over for every slot in use.
    async fn everybody_is_looked_at(&self, people: &[Token]) {
        let mut looks = JoinSet::new();
        for node in &self.nodes {
            for token in people {
                let (node, token) = (node.clone(), token.clone());
                looks.spawn(async move { while node.session(&token).await.is_err() {} });
            }
        }
        looks.join_all().await;
    }

    /// How long looks fail on though the survivors agree.
    async fn outage(&self, people: &[Token]) -> Duration {
        let agreed = Instant::now();
        let looks = tokio::time::timeout(OUTAGE, self.everybody_is_looked_at(people)).await;
        assert!(looks.is_ok(), "the cluster serves, and looks fail on for {OUTAGE:?}");
        println!("everybody is looked at {:?} after the survivors agreed", agreed.elapsed());
        agreed.elapsed()
    }

    /// Where a person's sessions lie.
    fn sessions_of(&self, token: &Token) -> String {
        let tag = data_encoding::BASE64URL_NOPAD.encode(token.route().unwrap().as_bytes());
        format!("{}:s:{{{tag}}}", self.prefix)
    }

    /// Many looks at once, through each node.
    async fn crowd(self, people: Vec<Token>) -> Counts {
        let mut looks = JoinSet::new();
        for nth in 0..CROWD * self.nodes.len() {
            let (node, token) = (self.nodes[nth % self.nodes.len()].clone(), people[nth % PEOPLE].clone());
            looks.spawn(async move { how(node.session(&token).await) });
        }
        let mut counts = Counts::new();
        looks.join_all().await.into_iter().for_each(|what| *counts.entry(what.to_owned()).or_default() += 1);
        counts
    }

    async fn challenge(&self, nth: usize) -> Round {
        let phone = format!("+79161111{nth:03}");
        let visit = self.nodes[0].visit(Client::unknown());
        let _ = register(&self.nodes[0], &self.outbox, &visit, &phone, Password::word(WORD)).await;
        self.hands.advance(3600);
        let next = pending(visit.sign_in().start(&phone).await.unwrap());
        let next = pending(visit.begin(&next.flow, &SMS).await.unwrap());
        let code = self.outbox.code(&self.nodes[0]).await;
        let hash = next.flow.hash(&TokenScope::new(&Realm::new("main")), Purpose::Flow);
        let tag = data_encoding::BASE64URL_NOPAD.encode(hash.as_bytes());
        Round { flow: next.flow, hash, key: format!("{}:f:{{{tag}}}", self.prefix), code }
    }

    /// Fifty answers at once, half through each node; how each ended. Each acceptance is told at once.
    async fn wave(self, round: Round, accepted: mpsc::UnboundedSender<()>) -> Counts {
        let gate = Arc::new(Barrier::new(ANSWERS));
        let mut answers = JoinSet::new();
        for nth in 0..ANSWERS {
            let visit = self.nodes[nth % 2].visit(Client::unknown());
            let (round, gate, accepted) = (round.clone(), gate.clone(), accepted.clone());
            answers.spawn(async move {
                gate.wait().await;
                let step = visit.answer(&round.flow, Code::typed(SMS, &round.code)).await;
                match step {
                    Ok(Step::Done(_)) => {
                        let _ = accepted.send(());
                        "done".to_owned()
                    }
                    Ok(Step::Pending(_)) => "pending".to_owned(),
                    Ok(Step::Refused(why)) => format!("refused: {}", why.code.as_str()),
                    Err(broken) => format!("error: {broken}"),
                }
            });
        }
        drop(accepted);
        let mut counts = Counts::new();
        answers.join_all().await.into_iter().for_each(|end| *counts.entry(end).or_default() += 1);
        counts
    }

    /// All is well again.
    async fn challenge_is_accepted_once(&self, nth: usize) {
        let round = self.challenge(nth).await;
        let (ignored, _) = mpsc::unbounded_channel();
        let counts = self.clone().wave(round, ignored).await;
        assert_eq!(counts.get("done"), Some(&1), "{counts:?}");
    }
}

/// Looks at people's sessions until it is over: how it went, and how long the longest look took.
async fn watch(
    nodes: Vec<Auth>,
    people: Vec<Token>,
    over: Arc<AtomicBool>,
    calm: Arc<AtomicBool>,
) -> (BTreeMap<&'static str, usize>, Duration) {
    let (mut counts, mut longest) = (BTreeMap::new(), Duration::ZERO);
    while !over.load(Ordering::SeqCst) {
        for (nth, token) in people.iter().enumerate() {
            let (began, was_calm) = (Instant::now(), calm.load(Ordering::SeqCst));
            let mut what = how(nodes[nth % 2].session(token).await);
            if what == "error" && was_calm {
                what = "error in a calm";
            }
            *counts.entry(what).or_default() += 1;
            longest = longest.max(began.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (counts, longest)
}

fn how<E>(look: Result<Option<Session>, E>) -> &'static str {
    match look {
        Ok(Some(_)) => "signed in",
        Ok(None) => "signed out by nobody",
        Err(_) => "error",
    }
}

/// The six processes that tests/servers/cluster started.
struct Cluster {
    urls: String,
    dir: PathBuf,
}

#[derive(Clone, Debug)]
struct Node {
    port: u16,
    replica: u16,
    dir: PathBuf,
}

impl Cluster {
    fn new() -> Self {
        let of = |variable: &str| {
            std::env::var(variable).unwrap_or_else(|_| {
                panic!("{variable} is not set: tests/with postgres cluster -- cargo test --features full --test failover_redis")
            })
        };
        Self { urls: of("PROPUSK_CLUSTER"), dir: of("PROPUSK_CLUSTER_DIR").into() }
    }

    fn ports(&self) -> Vec<u16> {
        self.urls.split(',').map(|url| url.rsplit(':').next().unwrap().parse().unwrap()).collect()
    }

    /// What the nodes that answer think of the cluster: lines of id, port, flags, master's id, slots. One that stands
    /// still is not asked.
    async fn nodes(&self, still: Option<u16>) -> Vec<Vec<Vec<String>>> {
        let mut views = vec![];
        for port in self.ports().into_iter().filter(|port| Some(*port) != still) {
            let Some(text) = ask::<String>(port, &["CLUSTER", "NODES"]).await else { continue };
            let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
            views.push(text.lines().map(words).collect());
        }
        views
    }

    /// Who owns the key, and who follows; until a node knows both, since news of replicas spread by gossip.
    async fn master_of(&self, key: &str) -> Node {
        let slot: u16 = ask(self.ports()[0], &["CLUSTER", "KEYSLOT", key]).await.unwrap();
        let end = Instant::now() + Duration::from_secs(40);
        while Instant::now() < end {
            let known = self.nodes(None).await.into_iter().find_map(|view| {
                let master = view.iter().find(|line| owns(line, slot))?;
                let replica = view.iter().find(|line| line[3] == master[0])?;
                Some(Node { port: port(master), replica: port(replica), dir: self.dir.clone() })
            });
            if let Some(node) = known {
                return node;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no node knows the owner of slot {slot} and its replica");
    }

    /// What was written until now has reached the replica.
    async fn replicated(&self, node: &Node) {
        for _ in 0..100 {
            let info: String = ask(node.port, &["INFO", "replication"]).await.unwrap();
            let offset = |name: &str| {
                let at = info.find(name).map(|at| at + name.len())?;
                info[at..].split([',', '\r']).next()?.parse::<u64>().ok()
            };
            if let (Some(own), Some(theirs)) = (offset("master_repl_offset:"), offset("offset="))
                && theirs >= own
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the replica does not follow");
    }

    /// Somebody who signs in, and whose sessions lie on that node.
    async fn one_of(&self, node: &Node, site: &Site) -> Token {
        loop {
            let (token, _) = site.person().await;
            if self.master_of(&site.sessions_of(&token)).await.port == node.port {
                return token;
            }
        }
    }

    /// Another node answers for the key, and all survivors know.
    async fn taken_over(&self, dead: &Node, key: &str) {
        let slot: u16 = ask(dead.replica, &["CLUSTER", "KEYSLOT", key]).await.unwrap();
        let end = Instant::now() + Duration::from_secs(40);
        while Instant::now() < end {
            let views = self.nodes(Some(dead.port)).await;
            let agreed = |view: &Vec<Vec<String>>| {
                view.iter()
                    .any(|line| owns(line, slot) && port(line) == dead.replica && !line[2].contains("fail"))
            };
            let info = ask::<String>(dead.replica, &["CLUSTER", "INFO"]).await.unwrap_or_default();
            if views.len() == 5 && views.iter().all(agreed) && info.contains("cluster_state:ok") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("nobody took over from {dead:?}");
    }

    /// The dead node comes back, as a replica.
    async fn restart(&self, dead: &Node) {
        assert!(Command::new(self.dir.join(format!("{}.start", dead.port))).status().unwrap().success());
        self.comes_back(dead).await;
    }

    async fn comes_back(&self, dead: &Node) {
        let end = Instant::now() + Duration::from_secs(40);
        while Instant::now() < end {
            let info: String = ask(dead.port, &["INFO", "replication"]).await.unwrap_or_default();
            if info.contains("role:slave") && info.contains("master_link_status:up") {
                // Everybody must know before the next kill.
                let healthy = |view: &Vec<Vec<String>>| view.iter().all(|line| !line[2].contains("fail"));
                let views = self.nodes(None).await;
                if views.len() == 6 && views.iter().all(healthy) {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{dead:?} does not come back");
    }
}

impl Node {
    fn signal(&self, port: u16, signal: &str) {
        let pid = std::fs::read_to_string(self.dir.join(format!("{port}.pid"))).unwrap();
        assert!(Command::new("kill").args([signal, pid.trim()]).status().unwrap().success());
    }

    /// From here on the replica hears nothing: it stands still, and what the master would send has nowhere to go.
    async fn cut_off_replica(&self) {
        self.signal(self.replica, "-STOP");
        let cut: u32 = ask(self.port, &["CLIENT", "KILL", "TYPE", "replica"]).await.unwrap();
        assert_eq!(cut, 1);
    }

    fn kill_and_wake_replica(&self) {
        self.signal(self.port, "-KILL");
        self.signal(self.replica, "-CONT");
    }
}

fn port(line: &[String]) -> u16 {
    line[1].split('@').next().unwrap().rsplit(':').next().unwrap().parse().unwrap()
}

fn owns(line: &[String], slot: u16) -> bool {
    line[2].contains("master")
        && line[8..].iter().any(|range| {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            let bound = |text: &str| text.parse::<u16>();
            matches!((bound(from), bound(to)), (Ok(from), Ok(to)) if (from..=to).contains(&slot))
        })
}

/// One node, asked past the library; nothing when it does not answer.
async fn ask<T: redis::FromRedisValue>(port: u16, words: &[&str]) -> Option<T> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
    // A machine that builds beside the test is slow at times.
    let patience = Some(Duration::from_secs(10));
    let patient =
        redis::AsyncConnectionConfig::new().set_connection_timeout(patience).set_response_timeout(patience);
    let mut one = client.get_multiplexed_async_connection_with_config(&patient).await.ok()?;
    let mut cmd = redis::cmd(words[0]);
    cmd.arg(&words[1..]);
    cmd.query_async(&mut one).await.ok()
}
