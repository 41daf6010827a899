//! What becomes of a batch over two homes when one of them fails, dies, forgets, or is raced for: a SQLite ledger with
//! flows and sessions in Redis, on one node and on a cluster.
#![cfg(all(feature = "sqlite", feature = "redis", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test")]

#[path = "../common/portal.rs"]
mod portal;

mod ending;
mod failures;
mod holds;
mod mixtures;
mod races;
mod world;

macro_rules! on_both {
    ($($module:ident: $($name:ident)*;)*) => {
        mod one {$($(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                crate::$module::$name(crate::world::World::new("PROPUSK_REDIS").await).await;
            }
        )*)*}
        mod cluster {$($(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                crate::$module::$name(crate::world::World::new("PROPUSK_CLUSTER").await).await;
            }
        )*)*}
    };
}

on_both! {
    failures:
        a_ledger_that_fails_takes_away
        a_process_that_dies_after_the_record_has_revoked
        a_lost_batch_is_let_go
        a_store_that_forgets_revokes_again
        a_try_that_failed_is_no_repetition
        a_job_that_is_done_early_leaves_the_batch_to_settle
        what_a_job_has_revoked_nobody_brings_back
        what_a_job_has_revoked_nobody_takes_over
        a_store_that_forgets_accepts_once
        a_command_sent_twice_is_one
        thousands_of_sessions_end_at_once
        rows_are_dropped_after_their_end;
    holds:
        a_ledger_that_another_process_holds_signs_nobody_out
        a_full_ledger_signs_nobody_out
        a_hold_that_nobody_settles_runs_out
        a_hold_of_a_moment_to_come_has_run_out
        what_ran_out_is_not_renewed
        a_hold_that_comes_late_holds_nothing
        what_cannot_be_let_go_keeps_nothing_else_held
        who_looks_waits_for_who_holds
        what_is_over_goes_before_what_lives;
    ending:
        a_sign_out_waits_for_a_refresh
        a_sign_out_during_a_refresh_ends_what_comes_of_it
        a_lock_waits_for_a_refresh;
    races:
        fifty_consume_one_flow
        some_of_fifty_are_lost_in_the_ledger
        fifty_end_one_session
        fifty_renew_one_session;
    mixtures:
        another_ledger_is_refused
        a_ledger_is_used_with_its_own_hot_stores
        what_a_ledger_keeps_is_not_kept_here;
}
