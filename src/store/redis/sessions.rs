//! Sessions: one hash for each account, led by its route.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;

use super::{HOLD, LOOK, Patience, RedisStore, STEP, life};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::error::StoreError;
use crate::id::{AccountId, Epoch, SessionId};
use crate::proof::Packed;
use crate::secret::{Route, TokenHash};
use crate::store::split::{Change, Hold, Ticket};
use crate::store::{FoundSession, SessionRow};

pub(super) async fn find(store: &RedisStore, key: TokenHash) -> Result<Option<FoundSession>, StoreError> {
    let name = hash(store, key.route());
    let mut cmd = redis::cmd("HMGET");
    cmd.arg(&name).arg("e").arg(field(b"s", &key)).arg(field(b"x", &key));
    let mut patience = Patience::new(LOOK);
    let mut before = None;
    loop {
        let (epoch, row, hidden): (Option<String>, Option<Vec<u8>>, Option<Vec<u8>>) =
            store.0.link.run(&cmd).await?;
        // Without an epoch nobody can tell whether the session lives: it does not.
        let Some(epoch) = epoch else { return Ok(None) };
        if row.is_none()
            && let Some(hidden) = hidden.as_deref().and_then(|hidden| undecided(hidden, &epoch))
        {
            // Told "not there" at once, whoever would end it leaves it alone, and it lives on when it is let go.
            before = Some(read(key, hidden)?);
            patience.pause(HELD).await?;
            continue;
        }
        let row = match (row, before) {
            (Some(row), _) => Some(read(key, &row)?),
            // Renewed while this waited, it lives under a token that a person who signs out has yet to hear of. So this
            // look comes before that, as one does over one home that was a moment sooner: it finds what was there, and
            // the end by its id reaches what came of it. A token that had been replaced when it was shown waits for
            // nobody, and finds nothing.
            (None, Some(before)) => goes_on(store, &before, &epoch).await?.then_some(before),
            (None, None) => None,
        };
        let epoch = undigits(epoch.as_bytes()).map(Epoch).ok_or(DAMAGED)?;
        return Ok(row.map(|row| FoundSession { row, epoch }));
    }
}

/// Whether this session is there under another token.
async fn goes_on(store: &RedisStore, before: &SessionRow, epoch: &str) -> Result<bool, StoreError> {
    Ok(fields(store, before.key.route()).await?.iter().any(|(field, value)| {
        let row = match field.first() {
            Some(b's') => Some(value.as_slice()),
            Some(b'x') => undecided(value, epoch),
            _ => None,
        };
        row.and_then(|row| read(before.key, row).ok())
            .is_some_and(|row| (row.id, row.account, row.epoch) == (before.id, before.account, before.epoch))
    }))
}

/// What is hidden and may be found again: who holds it is about to end it, or to let it go.
fn undecided<'a>(hidden: &'a [u8], epoch: &str) -> Option<&'a [u8]> {
    let (ticket, row) = hidden.split_first_chunk()?;
    Some(row).filter(|row| standing().contains(&Ticket(*ticket).at()) && row.starts_with(epoch.as_bytes()))
}

/// When the commits have begun whose holds stand. What is older has run out. So has what begins later than clocks are
/// apart: it is of a node whose clock was wrong, or whose tickets told no time, and would stand until then.
fn standing() -> RangeInclusive<Timestamp> {
    let now = SystemClock.now();
    now.before(HOLD)..=now.after(HOLD)
}

async fn fields(store: &RedisStore, route: Route) -> Result<HashMap<Vec<u8>, Vec<u8>>, StoreError> {
    store.0.link.run(redis::cmd("HGETALL").arg(hash(store, route))).await
}

pub(super) async fn of(
    store: &RedisStore,
    account: AccountId,
    route: Route,
) -> Result<Vec<SessionRow>, StoreError> {
    let mut rows = vec![];
    for (field, row) in fields(store, route).await? {
        let Some((b's', rest)) = field.split_first() else { continue };
        let key: [u8; 32] = [route.as_bytes().as_slice(), rest].concat().try_into().map_err(|_| DAMAGED)?;
        let row = read(TokenHash::from_bytes(key), &row)?;
        rows.extend(Some(row).filter(|row| row.account == account));
    }
    Ok(rows)
}

/// The sessions that were caught, or `None` where there is none.
pub(super) async fn hold(
    store: &RedisStore,
    ticket: Ticket,
    hold: &Hold,
) -> Result<Option<Vec<SessionId>>, StoreError> {
    let (account, route, id, except) = match hold {
        Hold::Flow { .. } => return Ok(Some(vec![])),
        Hold::Session { account, route, id } => (account, route, Some(id), None),
        Hold::Sessions { account, route, except } => (account, route, None, except.as_ref()),
    };
    let bytes = |id: Option<&SessionId>| id.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
    let args = vec![b"hold".to_vec(), account.as_bytes().to_vec(), bytes(id), bytes(except)];
    let mut patience = Patience::new(STEP);
    let answer = loop {
        let answer = run(store, *route, ticket, false, &args).await?;
        match answer.first().ok_or(DAMAGED)?.as_slice() {
            b"0" => break answer,
            b"held" => patience.pause(HELD).await?,
            _ => return Ok(None),
        }
    };
    let ids = answer.iter().skip(1);
    let id = |bytes: &Vec<u8>| bytes.as_slice().try_into().map(SessionId::from_bytes).map_err(|_| DAMAGED);
    ids.map(id).collect::<Result<_, _>>().map(Some)
}

pub(super) async fn release(store: &RedisStore, ticket: Ticket, hold: &Hold) -> Result<(), StoreError> {
    let (Hold::Session { route, .. } | Hold::Sessions { route, .. }) = hold else { return Ok(()) };
    run(store, *route, ticket, false, &[b"free".to_vec()]).await.map(|_| ())
}

/// What is settled of one account.
struct Part {
    route: Route,
    places: Vec<usize>,
    args: Vec<Vec<u8>>,
    /// Touches alone leave no mark behind.
    marks: bool,
}

/// The changes of each account in one script; gives the first that is lost.
pub(super) async fn settle(
    store: &RedisStore,
    ticket: Ticket,
    changes: &[Change],
) -> Result<Option<usize>, StoreError> {
    let mut parts: Vec<Part> = vec![];
    for (at, change) in changes.iter().enumerate() {
        let Some((route, args)) = operation(change) else { continue };
        let marks = !matches!(change, Change::Touch { .. });
        match parts.iter_mut().find(|part| part.route == route) {
            Some(part) => {
                part.places.push(at);
                part.args.extend(args);
                part.marks |= marks;
            }
            None => parts.push(Part { route, places: vec![at], args, marks }),
        }
    }
    let mut first = None;
    for Part { route, places, args, marks } in parts {
        let answer = run(store, route, ticket, marks, &args).await?;
        let nth = answer.first().and_then(|text| std::str::from_utf8(text).ok()?.parse::<usize>().ok());
        if let Some(lost) = nth.ok_or(DAMAGED)?.checked_sub(1) {
            first = first.or(places.get(lost).copied());
        }
    }
    Ok(first)
}

fn operation(change: &Change) -> Option<(Route, Vec<Vec<u8>>)> {
    let named = |name: &str, account: &AccountId, rest: Vec<u8>| {
        vec![name.as_bytes().to_vec(), account.as_bytes().to_vec(), rest]
    };
    Some(match change {
        Change::Flow { .. } => return None,
        Change::Raise { account, route, to, spares } => {
            let mut args = named("raise", account, digits(to.0));
            args.extend([REVOKED.as_millis().to_string().into_bytes(), flag(*spares)]);
            (*route, args)
        }
        Change::End { account, route, id } => (*route, named("finish", account, id.as_bytes().to_vec())),
        Change::Drop { account, route, id, spares } => {
            let mut args = named("drop", account, id.as_bytes().to_vec());
            args.push(flag(*spares));
            (*route, args)
        }
        Change::EndAll { account, route, except } => {
            let stays = except.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
            (*route, named("clear", account, stays))
        }
        Change::Add { row, keep } => {
            // One that goes on under another token was made long ago, and is used now.
            let now = digits(row.created.max(row.seen).as_millis());
            let keep = keep.to_string().into_bytes();
            let life = life(row.expires).to_string().into_bytes();
            let (_, rest) = row.key.as_bytes().split_at(ROUTE);
            (row.key.route(), vec![b"add".to_vec(), rest.to_vec(), write(row), now, keep, life])
        }
        Change::Touch { key, seen } => {
            let (_, rest) = key.as_bytes().split_at(ROUTE);
            (key.route(), vec![b"touch".to_vec(), rest.to_vec(), digits(seen.as_millis())])
        }
    })
}

fn flag(set: bool) -> Vec<u8> {
    if set { b"1".to_vec() } else { vec![] }
}

async fn run(
    store: &RedisStore,
    route: Route,
    Ticket(ticket): Ticket,
    settles: bool,
    args: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>, StoreError> {
    let settles: &[u8] = if settles { b"1" } else { b"0" };
    let standing = standing();
    let [oldest, newest] = [standing.start(), standing.end()].map(|at| at.as_millis().to_string());
    let mut all: Vec<&[u8]> = vec![&ticket, settles, oldest.as_bytes(), newest.as_bytes()];
    all.extend(args.iter().map(Vec::as_slice));
    store.0.link.script((&SCRIPT, TEXT), &hash(store, route), &all).await
}

fn hash(store: &RedisStore, route: Route) -> String {
    store.key('s', route.as_bytes())
}

fn field(kind: &[u8], key: &TokenHash) -> Vec<u8> {
    let (_, rest) = key.as_bytes().split_at(ROUTE);
    [kind, rest].concat()
}

/// As the script reads it: three numbers of twenty digits, two ids, and what concerns nobody but us.
fn write(row: &SessionRow) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(160);
    for number in [row.epoch.0, row.seen.as_millis(), row.expires.as_millis()] {
        bytes.extend(digits(number));
    }
    bytes.extend(row.id.as_bytes());
    bytes.extend(row.account.as_bytes());
    bytes.extend(row.created.as_millis().to_be_bytes());
    bytes.extend(row.idle_secs.to_be_bytes());
    bytes.extend(row.proofs.as_bytes());
    bytes
}

fn read(key: TokenHash, bytes: &[u8]) -> Result<SessionRow, StoreError> {
    let parse = || {
        let (numbers, rest) = bytes.split_first_chunk::<60>()?;
        let mut numbers = numbers.chunks_exact(20).map(undigits);
        let (epoch, seen, expires) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let (account, rest) = rest.split_first_chunk::<16>()?;
        let (created, rest) = rest.split_first_chunk::<8>()?;
        let (idle, proofs) = rest.split_first_chunk::<4>()?;
        Some(SessionRow {
            id: SessionId::from_bytes(*id),
            key,
            account: AccountId::from_bytes(*account),
            epoch: Epoch(epoch),
            created: Timestamp::from_millis(i64::from_be_bytes(*created)),
            seen: Timestamp::from_millis(seen),
            idle_secs: u32::from_be_bytes(*idle),
            expires: Timestamp::from_millis(expires),
            proofs: Packed::from_bytes(proofs),
        })
    };
    parse().ok_or(DAMAGED)
}

/// A number that orders as text as it does by value, in any locale: a script compares no whole 64 bits otherwise.
fn digits(number: i64) -> Vec<u8> {
    format!("{:020}", number.cast_unsigned() ^ SIGN).into_bytes()
}

fn undigits(text: &[u8]) -> Option<i64> {
    Some((std::str::from_utf8(text).ok()?.parse::<u64>().ok()? ^ SIGN).cast_signed())
}

const TEXT: &str = include_str!("sessions.lua");
static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(TEXT));
const ROUTE: usize = 8;
const SIGN: u64 = 1 << 63;
const HELD: &str = "another step holds the session";
const DAMAGED: StoreError = StoreError::Corrupt("a session in Redis");
/// How long a raised epoch is remembered for sessions that are still on their way: the ledger has let them pass.
const REVOKED: Duration = Duration::from_secs(86_400);
