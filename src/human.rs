//! A check that whoever begins a registration, a sign-in or a recovery spends more than a request on it. Asked for by
//! [`Profile::human`](crate::policy::Profile::human).
//!
//! The built-in one, [`ProofOfWork`], needs no third party and asks nothing of a person: their browser computes for a
//! second or two, and without scripts they wait some seconds, which are counted here. It makes a flood dear; it does not tell
//! people from programs, nor does any other that people with any disability can pass.

use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use ring::digest::{self, SHA256};
use serde::{Deserialize, Serialize};

use crate::auth::Inner;
use crate::clock::{Entropy, Timestamp};
use crate::error::Broken;
use crate::factor::Prompt;
use crate::flow::{Code, Going, Refusal, Visit, edge};
use crate::policy::Check;
use crate::secret::{Keys, Purpose, same};
use crate::store::{Committed, OnceKey, Passed, ThrottleKey, Write};

/// What a check is asked for: a puzzle for one is of no use for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HumanFor {
    /// A registration.
    SignUp,
    /// A sign-in.
    SignIn,
    /// A recovery.
    Recover,
}

/// How a client wants to be checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HumanWay {
    /// As the check prefers.
    #[default]
    Script,
    /// Without scripts.
    Plain,
}

/// Poses puzzles and judges answers. A puzzle is stateless: what must be remembered of it, it carries, signed.
pub trait HumanCheck: Debug + Send + Sync + 'static {
    /// A puzzle, as JSON for the client; `None` where there is none for this way.
    ///
    /// # Errors
    /// When something does not work.
    fn pose(&self, cx: &HumanContext<'_>, way: HumanWay) -> Result<Option<Prompt>, Broken>;

    /// Whether this answer, of at most 4 KiB, solves a puzzle that was posed for the same purpose and client. Bounded in
    /// what it computes, whatever stands in the answer.
    ///
    /// # Errors
    /// When that cannot be found out. The step is broken then: an outage opens no door.
    fn judge<'a>(&'a self, cx: HumanContext<'a>, answer: &'a str) -> Judging<'a>;
}

/// What [`HumanCheck::judge`] gives.
pub type Judging<'a> = Pin<Box<dyn Future<Output = Result<Judged, Broken>> + Send + 'a>>;

/// A check's judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Judged {
    /// Right, unless it was used before.
    Right {
        /// What tells this puzzle from all others.
        puzzle: Vec<u8>,
        /// No answer to it is right after this.
        until: Timestamp,
    },
    /// Right, but so much too early. It may be sent again.
    Early {
        /// How much.
        by: Duration,
    },
    /// Wrong, too late, of another client or for another purpose.
    Wrong,
}

/// What a check may know and use.
pub struct HumanContext<'a> {
    /// The present moment.
    pub now: Timestamp,
    /// What for.
    pub purpose: HumanFor,
    client: [u8; 32],
    keys: &'a Keys,
    entropy: &'a dyn Entropy,
}

/// A puzzle, as it was posed or why not.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Puzzle {
    /// JSON for the client.
    Posed(Prompt),
    /// None, and why.
    Refused(Box<Refusal>),
}

/// Many small puzzles of the hashcash kind, so that luck evens out, and for clients without scripts a ticket that is good
/// after some seconds.
///
/// The puzzle is `{"kind": "work", "token", "bits", "count", "expires_in"}`. For each number `n` below `count` the client
/// finds a number `x`, both 32 bits long and big-endian, for which SHA-256 of the last 32 bytes of the token (base64url),
/// `n` and `x` begins with `bits` zero bits. The answer is `token.numbers`, the second part the `x` in their order as base64url
/// without padding; [`solve`] does so. Or `{"kind": "wait", "token", "ready_in", "expires_in"}`: the answer is the token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProofOfWork {
    /// Zero bits of each: 13 takes 8,192 hashes on average.
    pub bits: u8,
    /// How many: 32 of 13 bits are 262,144 hashes, a second or two of a phone's script, and 32 to check.
    pub count: u8,
    /// How long a puzzle is good.
    pub life: Duration,
    /// How long who has no scripts waits.
    pub wait: Duration,
}

impl Default for ProofOfWork {
    fn default() -> Self {
        Self { bits: 13, count: 32, life: Duration::from_secs(600), wait: Duration::from_secs(10) }
    }
}

impl HumanFor {
    /// The name in addresses and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::SignIn => "sign-in",
            Self::Recover => "recover",
        }
    }

    /// The purpose of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::SignUp, Self::SignIn, Self::Recover].into_iter().find(|one| one.as_str() == name)
    }
}

impl HumanContext<'_> {
    /// A keyed hash of these parts for this purpose and client, in this realm.
    #[must_use]
    pub fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut all = vec![self.purpose.as_str().as_bytes(), &self.client];
        all.extend_from_slice(parts);
        self.keys.lookup(Purpose::Puzzle, &all)
    }

    /// Bytes that nobody can guess.
    ///
    /// # Errors
    /// When the generator is broken.
    pub fn random(&self) -> Result<[u8; 16], Broken> {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes)?;
        Ok(bytes)
    }
}

impl Debug for HumanContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HumanContext").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

impl HumanCheck for ProofOfWork {
    fn pose(&self, cx: &HumanContext<'_>, way: HumanWay) -> Result<Option<Prompt>, Broken> {
        let plain = way == HumanWay::Plain;
        let ticket = Ticket {
            // Another node's clock may be behind.
            from: if plain { cx.now.after(self.wait) } else { Timestamp::from_millis(0) },
            until: cx.now.after(self.life),
            bits: if plain { 0 } else { self.bits.min(MOST_BITS) },
            count: if plain { 0 } else { self.count.clamp(1, MOST_COUNT) },
            nonce: cx.random()?,
        };
        let token = ticket.sign(cx);
        let expires_in = self.life.as_secs();
        let shown = match way {
            HumanWay::Script => Shown::Work { token, bits: ticket.bits, count: ticket.count, expires_in },
            HumanWay::Plain => Shown::Wait { token, ready_in: self.wait.as_secs(), expires_in },
        };
        Ok(Some(Prompt::new(&shown)?))
    }

    fn judge<'a>(&'a self, cx: HumanContext<'a>, answer: &'a str) -> Judging<'a> {
        let judged = Ticket::judge(&cx, answer);
        Box::pin(async move { Ok(judged) })
    }
}

/// The answer to a puzzle of [`ProofOfWork`], for clients that are programs: `None` for another kind, or one that would take
/// more than a few minutes. A ticket to wait with is its own answer.
#[must_use]
pub fn solve(puzzle: &str) -> Option<String> {
    let (token, bits, count) = match serde_json::from_str(puzzle).ok()? {
        Shown::Work { token, bits, count, .. } if bits <= MOST_BITS => (token, bits, count),
        Shown::Wait { token, .. } => return Some(token),
        Shown::Work { .. } => return None,
    };
    let bytes = data_encoding::BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
    let seed = bytes.last_chunk::<32>()?;
    let mut numbers = Vec::new();
    for nth in 0..count {
        let number = (0..=u32::MAX).find(|number| is_zero(seed, nth, number.to_be_bytes(), bits))?;
        numbers.extend_from_slice(&number.to_be_bytes());
    }
    Some(format!("{token}.{}", data_encoding::BASE64URL_NOPAD.encode(&numbers)))
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Shown {
    Work { token: String, bits: u8, count: u8, expires_in: u64 },
    Wait { token: String, ready_in: u64, expires_in: u64 },
}

/// What a token says: when, how hard, which. How hard is signed with the rest, so that no client chooses it.
struct Ticket {
    from: Timestamp,
    until: Timestamp,
    bits: u8,
    count: u8,
    nonce: [u8; 16],
}

impl Ticket {
    fn bytes(&self) -> [u8; PLAIN] {
        let mut bytes = [0; PLAIN];
        let parts: [&[u8]; 4] = [
            &self.from.as_millis().to_be_bytes(),
            &self.until.as_millis().to_be_bytes(),
            &[self.bits, self.count],
            &self.nonce,
        ];
        for (to, from) in bytes.iter_mut().zip(parts.concat()) {
            *to = from;
        }
        bytes
    }

    fn read(plain: &[u8]) -> Option<Self> {
        let (from, rest) = plain.split_first_chunk()?;
        let (until, rest) = rest.split_first_chunk()?;
        let (&[bits, count], nonce) = rest.split_first_chunk()?;
        let moment = |bytes: &[u8; 8]| Timestamp::from_millis(i64::from_be_bytes(*bytes));
        Some(Self { from: moment(from), until: moment(until), bits, count, nonce: nonce.try_into().ok()? })
    }

    fn sign(&self, cx: &HumanContext<'_>) -> String {
        let plain = self.bytes();
        data_encoding::BASE64URL_NOPAD.encode(&[&plain[..], &cx.sign(&[&plain])].concat())
    }

    // One keyed hash; the small ones only after it, so many as were asked for.
    fn judge(cx: &HumanContext<'_>, answer: &str) -> Judged {
        let (token, numbers) = answer.split_once('.').unwrap_or((answer, ""));
        let decode = |text: &str, most: usize| {
            let fits = text.len() <= most.div_ceil(3) * 4;
            data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok().filter(|_| fits)
        };
        let Some(token) = decode(token, PLAIN + 32) else { return Judged::Wrong };
        let Some((plain, seal)) = token.split_first_chunk::<PLAIN>() else { return Judged::Wrong };
        let Ok(seed) = <&[u8; 32]>::try_from(seal) else { return Judged::Wrong };
        if !same(seal, &cx.sign(&[plain])) {
            return Judged::Wrong;
        }
        let Some(Self { from, until, bits, count, .. }) = Self::read(plain) else { return Judged::Wrong };
        if cx.now >= until {
            return Judged::Wrong;
        }
        let wanted = usize::from(count) * 4;
        let Some(numbers) = decode(numbers, wanted).filter(|numbers| numbers.len() == wanted) else {
            return Judged::Wrong;
        };
        let right = (0..count)
            .zip(numbers.chunks_exact(4))
            .all(|(nth, number)| number.try_into().is_ok_and(|number| is_zero(seed, nth, number, bits)));
        match right {
            false => Judged::Wrong,
            true if cx.now < from => Judged::Early { by: from.since(cx.now) },
            true => Judged::Right { puzzle: seal.to_vec(), until },
        }
    }
}

fn is_zero(seed: &[u8; 32], nth: u8, number: [u8; 4], bits: u8) -> bool {
    let mut hash = digest::Context::new(&SHA256);
    hash.update(seed);
    hash.update(&u32::from(nth).to_be_bytes());
    hash.update(&number);
    let hash = hash.finish();
    let first = hash.as_ref().first_chunk().map_or(u32::MAX, |first| u32::from_be_bytes(*first));
    first.leading_zeros() >= u32::from(bits)
}

impl Visit {
    /// A puzzle whose answer, given with [`Client::human`](crate::Client::human), opens one registration,
    /// sign-in or recovery of this client. For any purpose, asked for or not.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn puzzle(&self, purpose: HumanFor, way: HumanWay) -> Result<Puzzle, Broken> {
        let posed = async {
            let inner = &self.auth.0;
            inner.slow_down(self, None).await?;
            if way == HumanWay::Plain {
                // Time is the only price of these, and a program waits for a thousand of them at once.
                if let Some(network) = self.client.network() {
                    let key = ThrottleKey(inner.keys.lookup(Purpose::Throttle, &[b"human-wait", &network]));
                    let rate = inner.profile.human.waits;
                    if let Passed::No { retry_after } =
                        inner.throttle.pass(vec![(key, rate)], inner.clock.now()).await?
                    {
                        return Err(Refusal::new(Code::Throttled).after(retry_after).into());
                    }
                }
            }
            let puzzle = inner.human.pose(&inner.human_context(self, purpose), way)?;
            puzzle.map(Puzzle::Posed).ok_or_else(|| Code::NotOffered.into())
        };
        edge("puzzle", posed, Puzzle::Refused).await
    }
}

impl Inner {
    /// Passed before anything is looked up, so that it says nothing of a name; and used up before anything is done.
    pub(crate) async fn pass_human(&self, visit: &Visit, purpose: HumanFor) -> Going<()> {
        let check = self.profile.human.of(purpose);
        if check == Check::Never {
            return Ok(());
        }
        let Some(answer) = &visit.client.human else {
            if let Check::After(rate) = check {
                let Some(network) = visit.client.network() else { return Ok(()) };
                let parts: [&[u8]; 3] = [b"human-free", purpose.as_str().as_bytes(), &network];
                let key = ThrottleKey(self.keys.lookup(Purpose::Throttle, &parts));
                if let Passed::Yes = self.throttle.pass(vec![(key, rate)], self.clock.now()).await? {
                    return Ok(());
                }
            }
            return Err(Code::HumanNeeded.into());
        };
        if answer.len() > MOST_ANSWER {
            return Err(Code::HumanWrong.into());
        }
        match self.human.judge(self.human_context(visit, purpose), answer).await? {
            Judged::Right { puzzle, until } => {
                self.ready().await?;
                let key = OnceKey(self.keys.lookup(Purpose::Once, &[b"human", &puzzle]));
                match self.commit(vec![Write::Once { key, until: until.after(SLACK) }]).await? {
                    Committed::Won => Ok(()),
                    Committed::Lost { .. } => Err(Code::HumanWrong.into()),
                }
            }
            Judged::Early { by } => Err(Refusal::new(Code::HumanNeeded).after(by).into()),
            Judged::Wrong => Err(Code::HumanWrong.into()),
        }
    }

    // The browser, where it brings what binds its flows; else its network.
    fn human_context(&self, visit: &Visit, purpose: HumanFor) -> HumanContext<'_> {
        let client = match (&visit.client.binding, visit.client.network()) {
            (Some(binding), _) => *binding.hash(self.keys.scope(), Purpose::Puzzle).as_bytes(),
            (None, Some(network)) => self.keys.lookup(Purpose::Puzzle, &[b"network", &network]),
            (None, None) => [0; 32],
        };
        let (keys, entropy) = (&self.keys, self.entropy());
        HumanContext { now: self.clock.now(), purpose, client, keys, entropy }
    }
}

/// Of a token: twice a moment, how hard, and what tells it from others.
const PLAIN: usize = 8 + 8 + 2 + 16;
/// More would be minutes of anybody's machine.
const MOST_BITS: u8 = 24;
const MOST_COUNT: u8 = 64;
const MOST_ANSWER: usize = 4096;
/// A once-row outlives its puzzle by this, whatever the clocks of the nodes say.
const SLACK: Duration = Duration::from_secs(3600);
