//! One secret, two nodes: fifty uses at once of one code, one challenge or one approval, half through each of two nodes
//! over one store, half over HTTP and half without. One is accepted, no more and no fewer, whatever the store.
//!
//! All uses of a round meet inside the step, in the factor: each has read what it needs, none has written. The test
//! profile has no limits (a guard of five would make the race five wide), hashes cost nothing and queue for all.
//!
//! What is used is a [`things::Thing`], where it is used an [`entries::Entry`]: a new one is one `impl` and its lines in
//! [`run`]. `PROPUSK_ROUNDS` says how many rounds, `PROPUSK_ONLY` which cells, by a part of their names.

#[path = "one_secret/course.rs"]
mod course;
#[path = "one_secret/door.rs"]
mod door;
#[path = "one_secret/entries.rs"]
mod entries;
#[path = "one_secret/meeting.rs"]
mod meeting;
#[path = "one_secret/nodes.rs"]
mod nodes;
#[path = "one_secret/things.rs"]
mod things;

use std::sync::Arc;

use propusk::human::HumanFor;
use propusk::policy::{Check, HumanPolicy};
use propusk::store::{Store, Throttle};

use course::Course;
use entries::{Confirmation, Enrolment, Entry, SignIn, StepUp};
use nodes::Nodes;
use things::{AnApproval, AppCode, BackupCode, LinkElsewhere, PasskeyChallenge, SentCode, Thing, TokenCode};

/// Uses of one secret at once.
const USES: usize = 50;
/// Where a secret can be used in many flows at once, each is answered through both nodes.
const FLOWS: usize = USES / 2;

/// So many rounds, unless PROPUSK_ROUNDS says how many.
pub fn rounds(else_so_many: usize) -> usize {
    let given = std::env::var("PROPUSK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    given.unwrap_or(else_so_many)
}

/// Every kind of secret at every entry that takes it, so many rounds of each.
pub async fn run<S: Store + Throttle + Clone>(over: &str, stores: [S; 2], rounds: usize) {
    let again = stores.clone();
    let nodes = Arc::new(Nodes::over(stores).await);
    let table = Table { nodes: &nodes, over, rounds };
    // ATTACKS 33 to 36.
    table.entries(SentCode::sms).await;
    table.entries(SentCode::email).await;
    // ATTACKS 1 to 6, 98.
    table.entries(AppCode::default).await;
    table.entries(TokenCode::default).await;
    table.entries(BackupCode::default).await;
    table.entries(PasskeyChallenge::new).await;
    // Followed in the browser that asked, which takes the mailbox before the factor is asked: `races_links`.
    table.entries(|| LinkElsewhere).await;
    // No factor is added by the word of another device.
    table.cell(AnApproval, SignIn).await;
    table.cell(AnApproval, StepUp).await;
    table.confirmations(AppCode::default).await;
    if let Some(course) = table.course("the cookie of a trusted browser at sign-in".to_owned()) {
        entries::trusted(&nodes, course).await;
    }
    // ATTACKS 7: a puzzle is no flow's.
    for (nth, purpose) in [HumanFor::SignUp, HumanFor::SignIn, HumanFor::Recover].into_iter().enumerate() {
        let Some(course) = table.course(format!("the answer to a puzzle at {}", purpose.as_str())) else {
            continue;
        };
        let mut human = HumanPolicy::NONE;
        match purpose {
            HumanFor::SignUp => human.sign_up = Check::Always,
            HumanFor::Recover => human.recover = Check::Always,
            _ => human.sign_in = Check::Always,
        }
        let nodes = Arc::new(nodes.that_ask(again.clone(), human).await);
        nodes.counts_from(1_000_000 * (1 + nth));
        entries::puzzle(&nodes, purpose, course).await;
    }
}

struct Table<'a> {
    nodes: &'a Arc<Nodes>,
    over: &'a str,
    rounds: usize,
}

impl Table<'_> {
    /// A kind of secret at each entry where something old is proven.
    async fn entries<T: Thing>(&self, thing: impl Fn() -> T) {
        self.cell(thing(), SignIn).await;
        self.cell(thing(), Enrolment).await;
        self.cell(thing(), StepUp).await;
    }

    async fn cell<T: Thing>(&self, thing: T, entry: impl Entry) {
        let name = format!("{} at {}", thing.what(), entry.what());
        if let Some(course) = self.course(name) {
            entries::prove(self.nodes, thing, entry, course).await;
        }
    }

    /// What is made by a first code, which is nothing else then.
    async fn confirmations<T: Confirmation>(&self, thing: impl Fn() -> T) {
        if let Some(course) = self.course(format!("{} at its confirmation", thing().what())) {
            entries::confirm(self.nodes, thing(), course).await;
        }
    }

    fn course(&self, name: String) -> Option<Course> {
        let only = std::env::var("PROPUSK_ONLY").unwrap_or_default();
        name.contains(&only).then(|| Course::new(name, self.over, self.rounds))
    }
}
