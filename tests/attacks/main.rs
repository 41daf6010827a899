//! Failures that other systems had, each tried here through the public API or over HTTP, on a store in memory and,
//! where state matters, on one in a file with two nodes over it. Each test also shows that the right secret still
//! works. `weaken/` holds patches that take a protection away; `tests/weaken` demands that the named test turns red.
//!
//! | ATTACKS | test |
//! |---|---|
//! | 1, 2 | `second_factors::a_used_code_is_burned`, `second_factors::a_code_is_not_good_again_in_the_trailing_step` |
//! | 3 | `tests/second_factors.rs`: `every_spelling_of_a_code_is_that_code`; at once: `tests/codes_sent.rs`: `the_right_code_in_ten_spellings_at_once_signs_in_once` |
//! | 4 | `second_factors::every_door_to_an_authenticator_has_the_guard` |
//! | 5 | no check of a code is public but an answer to a flow, which has its store |
//! | 6, 98 | `second_factors::one_code_answered_fifty_times_at_once_is_accepted_once` |
//! | 7, 33 to 36 | `flows::a_code_answered_eight_times_at_once_is_accepted_once`, `links::a_link_is_used_once`; a puzzle: `tests/human.rs`: `one_answer_at_fifty_doors_opens_one` |
//! | 8 | `counting::a_guess_whose_commit_fails_stays_counted`; resends: `tests/codes_sent.rs`: `ten_thousand_resends_bring_no_guess_and_no_message_more` |
//! | 9 | `counting::parallel_guesses_lose_no_count` |
//! | 10 | `counting::a_hold_that_is_over_begins_again` |
//! | 12 | `counting::guesses_inside_a_session_are_saved` |
//! | 13 | `counting::two_nodes_share_a_guard` |
//! | 14 | `counting::a_flood_of_names_evicts_no_guard` |
//! | 15 | `counting::a_new_address_in_the_same_64_is_no_new_client`, `counting::spellings_of_a_name_share_one_count`, `browser::a_forwarded_header_makes_no_new_client` |
//! | 17 | `second_factors::an_authenticators_key_has_160_bits` |
//! | 18 | `flows::an_account_switched_off_half_way_gets_no_session`; `tests/account_life`: `lock::a_lock_between_any_two_steps_of_a_sign_in_leaves_no_session`, `closing::a_closing_between_any_two_steps_of_a_sign_in_leaves_no_session`; `tests/recovery`: `stories::a_lock_of_the_desk_between_two_steps_stands` |
//! | 19 | `src/factor/totp/tests.rs`: `an_address_of_another_system_is_read_within_bounds` |
//! | 20 | `second_factors::one_code_answered_fifty_times_at_once_is_accepted_once` |
//! | 21 | `second_factors::a_code_of_one_person_opens_no_other_account` |
//! | 22 | `second_factors::backup_codes_take_two_factors_and_leave_no_older_ones`; `tests/stepping`: `change::adding_takes_the_lower_of_what_there_is_and_what_comes` |
//! | 23, 26 | `flows::one_of_two_factors_is_no_session` |
//! | 37, 54 | `flows::a_code_of_one_flow_opens_no_other`, `sessions::every_secret_expires_at_its_own_time`, `links::a_link_is_of_one_challenge_and_ends_with_it`; kinds of mailbox: `tests/links.rs`: `a_mailbox_is_of_one_kind`; recovery: `tests/recovery`: `stories::the_first_recovery_that_ends_is_the_last` |
//! | 38 | `tests/races_refresh.rs`, over servers `tests/refresh_servers.rs`; used later: `tests/refresh.rs`: `a_lost_reply_is_asked_for_again_at_once_and_no_later` |
//! | 39 | `tests/recovery`: `contacts::each_change_carries_the_address_that_it_proves` |
//! | 40, 97 | `sessions::a_late_touch_does_not_revive_a_session`, `browser::a_slow_handler_does_not_revive_a_session` |
//! | 41, 42 | `passkeys::an_enrolment_is_good_once_and_in_its_session`; at once: `tests/one_secret.rs` |
//! | 44, 46 | `enumeration::every_name_costs_one_hash_and_the_same_calls`; a stored hash of another cost: `imports::an_older_cheaper_hash_costs_what_a_decoy_costs`, `imports::a_dearer_hash_of_another_system_does_not_show` |
//! | 45, 93 | `passwords::an_over_long_password_tells_nothing_of_the_name` |
//! | 47 | `browser::replies_are_the_same_for_every_name`, `enumeration::a_registration_sends_one_message_and_shows_the_same`; forgotten passwords and addresses added: `tests/enumeration` |
//! | 48 | `enumeration::no_secret_lies_in_the_file` |
//! | 49 | `sessions::a_token_from_before_opens_nothing_after`, `browser::a_planted_cookie_is_not_signed_in` |
//! | 24 | `tests/assurance.rs`: every set of proofs; `tests/stepping`: `step_up::what_is_lacking_is_asked_for_and_no_more`; after a loss: `tests/recovery`: `table::what_recovery_asks_and_what_follows` |
//! | 25 | `tests/stepping`: `model::no_mixing_of_flows_ends_in_what_was_not_proven`; `tests/recovery`: `stories::only_what_was_proven_in_this_flow_counts` |
//! | 27, 28 | `tests/stepping`: `step_up::what_is_stale_is_proven_again_and_the_token_changes`, `approve::an_approval_proves_nothing_else`; the number of times that fifty use one proof: `tests/one_secret.rs` |
//! | 29 | `doors::every_door_to_a_password_has_the_guard`, `counting::spellings_of_a_name_share_one_count`; `tests/stepping`: `wire::a_door_says_what_to_prove_and_opens_then` |
//! | 30 | `tests/stepping`: `trust::a_trusted_browser_skips_the_second_step_for_a_time`, `trust::trust_is_asked_for_and_allowed` |
//! | 31 | `tests/canary.rs` |
//! | 50, 101 | `tests/recovery`: `stories::an_address_is_enough_where_the_account_reaches_no_more`; `tests/account_life`: `lock::an_owner_locks_the_account_and_everything_ends`; `tests/refresh.rs`: `it_ends_with_its_session`, `a_session_that_is_renewed_has_another`; `tests/stepping`: `trust::trust_ends_with_what_it_was_given_on`, `links::a_link_dies_with_what_it_was_begun_on`, `sessions::a_changed_password_ends_everything_that_the_old_one_opened`, `flows::a_password_changed_under_a_sign_in_lets_nobody_in`, `browser::another_browser_is_signed_out_by_a_change` |
//! | 51 | `sessions::a_token_is_dead_after_sign_out`, `browser::cookies_replayed_after_sign_out_are_nothing` |
//! | 52 | `flows::a_damaged_or_foreign_seal_is_an_error` |
//! | 53 | `sessions::a_known_browser_is_one_browser_of_one_account`; `tests/stepping`: `trust::a_copied_cookie_is_good_once` |
//! | 55 | `sessions::blank_secrets_match_nothing`, `http::row_55_a_blank_token_opens_nothing` |
//! | 58 | `accounts::an_address_registered_by_another_first_is_its_owners`; an address added to an account: `tests/recovery`: `contacts::an_address_of_another_account_is_told_only_to_who_holds_it` |
//! | 59 | `accounts::a_code_goes_to_the_stored_address_only`, `links::a_link_goes_to_the_stored_address_only`; recovery: `tests/recovery`: `stories::an_address_that_nobody_has_looks_the_same` |
//! | 60 | `accounts::a_list_of_addresses_gets_no_mail`, `links::a_link_goes_to_the_stored_address_only` |
//! | 61, 64 | the contract of stores, and each kind of secret at each door: `src/secret/tests/scope.rs` |
//! | 62 | `flows::a_flow_is_of_no_use_in_another_browser` |
//! | 63, 69, 70, 71, 73 | `http::row_63` and so on; 63 and 69 for links `links::over_http::row_63` and so on; 73 also `passwords::ten_megabytes_of_password_are_not_hashed` |
//! | 72 | `links::a_click_elsewhere_lets_no_stranger_in`, `links::over_http::row_72_fetching_a_link_changes_nothing_and_signs_nobody_in` |
//! | 74 | `passwords::a_flood_of_sign_ins_is_queued_or_told_to_come_again`, `passwords::who_finds_no_seat_is_told_before_the_store_is_asked`, `passwords::a_crowd_at_one_guard_leaves_seats_to_others` |
//! | 75 | `passwords::what_stands_after_72_bytes_counts`; imports: `imports::what_stands_after_72_bytes_counts_from_the_first_sign_in_on` |
//! | 76 | `passwords::a_nul_does_not_end_a_password` |
//! | 77 | `passwords::a_hostile_stored_hash_costs_nothing`; imports: `imports::a_hostile_hash_does_not_come_in` |
//! | 78 | `accounts::a_huge_name_is_refused_unread` |
//! | 79 | `passwords::an_empty_password_is_nobodys` |
//! | 80 | `passkeys::a_key_is_no_second_factor_of_another_account` |
//! | 81, 85 | `passkeys::a_key_with_anothers_handle_signs_nobody_in` |
//! | 82 | `passkeys::a_key_without_its_users_verification_is_no_sign_in` |
//! | 83 | `passkeys::an_enrolment_against_the_policy_is_refused_by_the_server` |
//! | 84 | `passkeys::a_counter_that_goes_back_disables_the_key` (under a race: `tests/passkeys`) |
//! | 86 | `passkeys::an_origin_that_only_looks_like_the_sites_is_refused` |
//! | 87 | `passkeys::public_values_are_no_answer` |
//! | 88 | `approvals::looking_at_a_request_approves_nothing`, `approvals::a_scan_signs_in_whoever_looked_first` |
//! | 89 | `approvals::the_first_to_look_is_the_only_one_to_answer`, `approvals::a_session_approves_no_more_than_it_has_proven` |
//! | 91 | `approvals::nothing_but_the_number_on_the_other_screen_approves` |
//! | 90 | an approval by a code that a person scans is not called resistant to phishing: `propusk::manual` |
//! | 92 | `tests/codes_sent.rs`: `a_barred_number_gets_no_code_whoever_has_it`; `tests/recovery`: `stories::one_confirmation_waits_where_two_are_asked_for`, `contacts::a_change_of_the_phone_lowers_no_bar` |
//! | 94 | `browser::a_losers_cookie_is_never_signed_in` |
//! | 95 | `flows::parallel_right_passwords_are_all_let_in` |
//! | 96 | `second_factors::fifty_submits_of_a_right_code_hold_nobody_out` |
//! | 99, 11 | `doors::every_door_to_a_password_has_the_guard`, `doors::every_door_to_a_code_has_the_guard`, `doors::a_new_registration_brings_no_new_guesses`, `second_factors::every_door_to_an_authenticator_has_the_guard` |
//! | 100 | `passwords::sixteen_sign_ins_do_not_stop_the_clock` (how late a timer is: the benches) |
//!
//! What cannot be tried yet, and where it belongs:
//!
//! | ATTACKS | with |
//! |---|---|
//! | 46, the statistics | the benches: a nightly comparison of times |
//! | 32 (who may reset whose credentials) | the service desk |
//! | 16, the statistics | the benches; every comparison of secrets is `subtle`'s |
//! | 65 to 68 | electronic signature and providers |
//! | 43, 56, 57, 58 (federated accounts) | providers |
//! | 54 (invitations) | organisations |
//! | 91 (how many pushes, one pending for each account) | push: what the mailbox's address is sent by |
#![cfg(all(feature = "testing", feature = "sqlite"))]
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test"
)]

#[cfg(feature = "passkey")]
#[path = "../common/authenticator.rs"]
mod authenticator;
#[cfg(feature = "openapi")]
#[path = "../common/described.rs"]
mod described;
#[path = "../common/links.rs"]
mod links_of;
#[path = "../common/otp.rs"]
mod otp;
#[path = "../common/site.rs"]
mod portal;
#[cfg(feature = "axum")]
#[path = "../common/web.rs"]
mod web;

mod accounts;
mod approvals;
#[cfg(feature = "axum")]
mod browser;
mod counting;
mod doors;
mod enumeration;
mod flows;
#[cfg(feature = "axum")]
mod http;
#[cfg(feature = "legacy-hashes")]
mod imports;
mod links;
#[cfg(feature = "passkey")]
mod passkeys;
mod passwords;
mod second_factors;
mod sessions;
mod world;
