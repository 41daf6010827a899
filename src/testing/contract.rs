//! Which store a suite runs on, and the list of its checks.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::store::Store;
use crate::testing::lab::Lab;

/// A store under test: how to make a fresh one, how to open it again, what its futures need around them.
#[derive(Clone)]
pub struct StoreContract {
    pub(super) make: Arc<dyn Fn() -> Opened + Send + Sync>,
    pub(super) within: Within,
    pub(super) rounds: usize,
    pub(super) purges_hot: bool,
}

pub(super) type Within = Arc<dyn Fn(&mut dyn FnMut()) + Send + Sync>;

/// A fresh store, and how to open the same rows again.
pub struct Opened {
    pub(super) store: Arc<dyn Store>,
    pub(super) again: Option<Again>,
}

pub(super) type Again = Box<dyn Fn() -> Arc<dyn Store> + Send + Sync>;

impl Opened {
    /// A store that is gone with its last handle.
    pub fn fleeting(store: impl Store) -> Self {
        Self { store: Arc::new(store), again: None }
    }

    /// A store that `again` opens anew, with all its rows, after the first handle was dropped. What `again` holds
    /// (a temporary folder) lives until the check is over.
    pub fn durable<S: Store>(store: S, again: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self { store: Arc::new(store), again: Some(Box::new(move || Arc::new(again()))) }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("store", &self.store).finish_non_exhaustive()
    }
}

impl StoreContract {
    /// The contract of the stores that `make` makes, a fresh one at each call.
    pub fn new<S: Store>(make: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self::opened(move || Opened::fleeting(make()))
    }

    /// The same for stores that can be opened again ([`Opened::durable`]).
    pub fn opened(make: impl Fn() -> Opened + Send + Sync + 'static) -> Self {
        let rounds = std::env::var("PROPUSK_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(50);
        Self { make: Arc::new(make), within: Arc::new(|run| run()), rounds, purges_hot: true }
    }

    /// Runs each check, and each thread of a race, inside of this. For futures that need a runtime around them:
    /// `.within(move |run| { let _inside = handle.enter(); run() })`, with a runtime that has threads of its own.
    #[must_use]
    pub fn within(mut self, around: impl Fn(&mut dyn FnMut()) + Send + Sync + 'static) -> Self {
        self.within = Arc::new(around);
        self
    }

    /// So many rounds in each race, whatever `PROPUSK_ROUNDS` says.
    #[must_use]
    pub const fn rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    /// Flows and sessions are dropped by their server some time after their end, not by `purge`, which leaves them out
    /// of its count: three checks of `purge` then ask for no more than that such a row is found by nobody.
    #[must_use]
    pub const fn drops_hot_rows_itself(mut self) -> Self {
        self.purges_hot = false;
        self
    }

    /// Runs one check by its full name, `suite::check`.
    ///
    /// # Panics
    /// When the store does not keep the contract there, or when there is no such check.
    pub fn check(&self, name: &str) {
        let check = Check::all().into_iter().find(|check| check.name == name);
        self.run(&check.unwrap_or_else(|| panic!("there is no check {name}")));
    }

    /// Runs one check, and tells what it found wrong, if anything.
    #[must_use]
    pub fn finding(&self, check: &Check) -> Option<String> {
        let panic = catch_unwind(AssertUnwindSafe(|| self.run(check))).err()?;
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .or_else(|| Some(String::new()))
    }

    fn run(&self, check: &Check) {
        (self.within)(&mut || {
            (check.run)(Lab::new(self.clone()));
        });
    }
}

impl fmt::Debug for StoreContract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreContract").field("rounds", &self.rounds).finish_non_exhaustive()
    }
}

/// One check of the contract.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its full name, `suite::check`.
    pub name: &'static str,
    run: fn(Lab),
}

impl Check {
    /// All checks, in the order of the suites.
    #[must_use]
    pub fn all() -> Vec<Self> {
        macro_rules! table {
            ($($suite:ident { $($check:ident)* })*) => {
                vec![$($(Self {
                    name: concat!(stringify!($suite), "::", stringify!($check)),
                    run: crate::testing::suite::$suite::$check,
                }),*),*]
            };
        }
        crate::__store_checks! { table }
    }
}

/// The contract of a store that keeps everything, each check as a `#[test]`.
///
/// `store_contract!(MyStore::new())` for a store that needs nothing; `store_contract!(contract = ...)` with a
/// [`StoreContract`](crate::testing::StoreContract) for one that can be opened again or needs a runtime.
/// Once in a module: the suites become modules inside it.
#[macro_export]
macro_rules! store_contract {
    (contract = $contract:expr) => {
        fn store_contract_under_test() -> $crate::testing::StoreContract {
            $contract
        }
        $crate::__store_checks! { $crate::__store_tests }
    };
    ($make:expr) => {
        $crate::store_contract! { contract = $crate::testing::StoreContract::new(|| $make) }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_tests {
    ($($suite:ident { $($check:ident)* })*) => {$(
        mod $suite {$(
            #[test]
            fn $check() {
                super::store_contract_under_test().check(concat!(stringify!($suite), "::", stringify!($check)));
            }
        )*}
    )*};
}

/// The one list of checks: a function of a suite that is missing here is dead code, and the compiler says so.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_checks {
    ($($with:tt)+) => {
        $($with)+! {
            accounts {
                is_found_by_its_id_only
                add_is_lost_when_the_id_exists
                swap_needs_the_version_that_was_read
                swap_never_changes_the_epoch
                keep_needs_the_version_that_was_read
                raise_epoch_needs_the_epoch_that_was_read
                keep_epoch_needs_the_epoch_that_was_read
                identifiers_are_unique_and_find_their_account
                contacts_are_unique_and_kept_by_version
                a_contact_is_removed_at_the_version_that_was_read
                a_name_that_was_given_up_stays_taken_until_a_purge_at_its_time
                a_subject_is_all_of_one_account_and_nothing_else
                nothing_belongs_to_an_account_that_is_not_there
                bytes_and_numbers_come_back_as_they_were
            }
            credentials {
                handles_find_them_and_are_unique_across_accounts
                add_is_lost_when_the_id_exists
                swap_needs_the_version_that_was_read
                swap_is_lost_for_another_account
                swap_moves_handles_and_takes_none_from_another
                keep_and_remove_need_the_version_that_was_read
                remove_frees_the_handles
                browsers_are_unique_and_the_least_recently_seen_go
                touching_a_browser_never_revives_it
                browsers_are_forgotten_but_for_one
            }
            flows {
                is_found_by_its_own_key_only
                is_gone_at_its_end
                add_is_lost_when_the_key_exists
                swap_needs_the_version_that_was_read
                take_needs_the_version_and_happens_once
                a_taken_flow_is_not_swapped_back
                once_is_once
                keys_of_different_kinds_do_not_meet
                a_realm_has_one_canary
                two_stores_are_two_homes
            }
            sessions {
                is_found_by_its_own_token_only
                add_needs_the_epoch_of_the_account
                add_is_lost_when_the_key_exists
                a_list_is_of_one_account
                the_least_recently_used_go_beyond_the_limit
                what_is_over_takes_no_place_from_what_lives
                touch_moves_seen_forward_only
                touch_never_revives
                end_is_for_the_owner_only
                end_all_but_one
                raising_the_epoch_kills_all
                one_goes_on_under_another_token
            }
            batches {
                an_empty_batch_is_won
                are_judged_in_order
                lost_tells_the_place
                lost_leaves_nothing_of_any_kind
            }
            guards {
                count_before_anything_is_verified
                follow_the_arithmetic
                reserve_all_or_none
                the_same_key_twice_counts_twice
                hold_spend_and_re_arm_at_the_moment
                a_lease_that_ran_out_counts_as_refused
                what_ran_out_stays_counted_by_a_refusal
                survive_a_lost_batch_and_reopening
                a_settlement_in_a_lost_batch_is_none
                are_not_pushed_out_by_others
            }
            events {
                newest_first_of_one_account
                pages_neither_skip_nor_repeat
                filters_hold_at_the_boundary
                a_page_has_a_longest_length
                an_id_is_used_once
                beginnings_are_found_by_session
                old_ones_are_dropped_oldest_first_and_so_many
                dropping_takes_one_realm_and_one_kind
                pages_go_on_while_old_ones_are_dropped
                two_at_once_drop_each_once
            }
            outbox {
                hands_out_what_is_due_longest_due_first
                leases_to_one_until_the_lease_ends
                what_was_leased_keeps_its_place
                never_hands_out_what_is_not_to_be_delivered
                keeps_realms_apart
                a_closed_message_is_never_handed_out
                a_retry_waits_until_it_is_due
                what_was_not_tried_is_no_attempt
                an_id_is_used_once
            }
            purge {
                drops_flows_at_their_end
                drops_once_rows_at_their_end
                drops_sessions_at_their_end_or_idle
                drops_guards_when_they_may_be_forgotten
                drops_browsers_at_their_end
                drops_messages_that_are_done
                frees_names_at_their_time
                stops_at_its_limit
            }
            reopened {
                everything_is_still_there
            }
            races {
                take_flow
                swap_flow
                once
                swap_account
                raise_epoch
                add_identifier
                take_a_name_that_was_given_up
                remove_contact
                swap_credential
                add_credential_handle
                reserve_counts_every_guess
                claim_hands_out_once
                session_against_epoch
                logout_against_touch
                add_canary
            }
        }
    };
}
