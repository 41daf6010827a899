//! Stores that are wrong on purpose, each in one way that a real library was wrong in: the shipped adapter with one
//! method replaced. A contract suite that passes any of them is worth nothing.

mod flaws;
mod gap;
mod stores;

pub use stores::BrokenStore;

/// What is wrong with a [`BrokenStore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flaw {
    /// Takes a flow by reading it, then removing it (ATTACKS 33: CVE-2026-22751).
    TakeReadsThenRemoves,
    /// Swaps a flow by reading its version, then writing (ATTACKS 94).
    SwapReadsThenWrites,
    /// Looks whether the once-row is there, then adds it (ATTACKS 6: CVE-2026-20779).
    OnceReadsThenAdds,
    /// Adds the once-row over the one that is there, and counts a row found as a row added (ATTACKS 7: CVE-2026-90997).
    OnceCountsRowsFound,
    /// Writes a touched session whether it is there or not (ATTACKS 40: CVE-2025-46336).
    TouchUpserts,
    /// Reads a session, and writes it back touched though it ended meanwhile (ATTACKS 97).
    TouchWritesBack,
    /// Counts an attempt in the transaction that is rolled back when the step fails (ATTACKS 8: CVE-2026-35597).
    CountRolledBack,
    /// Adds one to what it read, so that counts are lost (ATTACKS 9: CVE-2019-5421).
    CountReadsThenWrites,
    /// Forgets the oldest guards when there are many (ATTACKS 14: CVE-2024-21652).
    GuardsArePushedOut,
    /// Drops guards in a purge though they still count (ATTACKS 14).
    PurgeDropsLiveGuards,
    /// Counts on the first keys though a later one refuses.
    ReserveCountsSome,
    /// Swaps whatever version was read.
    SwapIgnoresVersion,
    /// Applies a batch write by write until one is lost.
    BatchStopsHalfWay,
    /// Judges all preconditions of a batch on what was there before it.
    BatchJudgesBefore,
    /// Finds a session by the first half of its token's hash (ATTACKS 61: CVE-2022-39263).
    FindIgnoresToken,
    /// Ends a session by its id, whoever asks (ATTACKS 21).
    EndIgnoresAccount,
    /// Adds a session of whatever epoch (ATTACKS 50).
    SessionIgnoresEpoch,
    /// Gives a name that is taken to whoever asks last (ATTACKS 58).
    IdentifierOverwrites,
    /// Gives a name that was given up to whoever asks, before its time (ATTACKS 58).
    NameIsFreeAtOnce,
    /// Gives a name up for whoever asks (ATTACKS 21).
    GivingUpIgnoresAccount,
    /// Removes a contact by looking at its version, then removing it (ATTACKS 94).
    RemoveReadsThenRemoves,
    /// Hands a message out without keeping it from the next.
    ClaimTakesNoLease,
    /// Hands out what is not to be delivered: a decoy's code is sent.
    ClaimIgnoresDeliver,
    /// Gives a flow at the moment of its end still.
    ExpiryOffByOne,
    /// Drops old events of whichever realm they are.
    DropIgnoresRealm,
    /// Drops with old events also those that last.
    DropTakesWhatLasts,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::TakeReadsThenRemoves,
        Self::SwapReadsThenWrites,
        Self::OnceReadsThenAdds,
        Self::OnceCountsRowsFound,
        Self::TouchUpserts,
        Self::TouchWritesBack,
        Self::CountRolledBack,
        Self::CountReadsThenWrites,
        Self::GuardsArePushedOut,
        Self::PurgeDropsLiveGuards,
        Self::ReserveCountsSome,
        Self::SwapIgnoresVersion,
        Self::BatchStopsHalfWay,
        Self::BatchJudgesBefore,
        Self::FindIgnoresToken,
        Self::EndIgnoresAccount,
        Self::SessionIgnoresEpoch,
        Self::IdentifierOverwrites,
        Self::NameIsFreeAtOnce,
        Self::GivingUpIgnoresAccount,
        Self::RemoveReadsThenRemoves,
        Self::ClaimTakesNoLease,
        Self::ClaimIgnoresDeliver,
        Self::ExpiryOffByOne,
        Self::DropIgnoresRealm,
        Self::DropTakesWhatLasts,
    ];

    /// The check that kills it.
    #[must_use]
    pub const fn killed_by(self) -> &'static str {
        match self {
            Self::TakeReadsThenRemoves => "races::take_flow",
            Self::SwapReadsThenWrites => "races::swap_flow",
            Self::OnceReadsThenAdds => "races::once",
            Self::OnceCountsRowsFound => "flows::once_is_once",
            Self::TouchUpserts => "sessions::touch_never_revives",
            Self::TouchWritesBack => "races::logout_against_touch",
            Self::CountRolledBack => "guards::survive_a_lost_batch_and_reopening",
            Self::CountReadsThenWrites => "races::reserve_counts_every_guess",
            Self::GuardsArePushedOut => "guards::are_not_pushed_out_by_others",
            Self::PurgeDropsLiveGuards => "purge::drops_guards_when_they_may_be_forgotten",
            Self::ReserveCountsSome => "guards::reserve_all_or_none",
            Self::SwapIgnoresVersion => "flows::swap_needs_the_version_that_was_read",
            Self::BatchStopsHalfWay => "batches::lost_leaves_nothing_of_any_kind",
            Self::BatchJudgesBefore => "batches::are_judged_in_order",
            Self::FindIgnoresToken => "sessions::is_found_by_its_own_token_only",
            Self::EndIgnoresAccount => "sessions::end_is_for_the_owner_only",
            Self::SessionIgnoresEpoch => "sessions::add_needs_the_epoch_of_the_account",
            Self::IdentifierOverwrites => "accounts::identifiers_are_unique_and_find_their_account",
            Self::NameIsFreeAtOnce | Self::GivingUpIgnoresAccount => {
                "accounts::a_name_that_was_given_up_stays_taken_until_a_purge_at_its_time"
            }
            Self::RemoveReadsThenRemoves => "races::remove_contact",
            Self::ClaimTakesNoLease => "outbox::leases_to_one_until_the_lease_ends",
            Self::ClaimIgnoresDeliver => "outbox::never_hands_out_what_is_not_to_be_delivered",
            Self::ExpiryOffByOne => "flows::is_gone_at_its_end",
            Self::DropIgnoresRealm | Self::DropTakesWhatLasts => {
                "events::dropping_takes_one_realm_and_one_kind"
            }
        }
    }
}
