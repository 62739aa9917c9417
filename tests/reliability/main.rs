//! Faults and what survives them: the real process is killed, its files are harmed, its clients are slow or too many.
//! Every test ends by asserting the promises of [`kefu::invariants`]; each prints its seed (`KEFU_TEST_SEED` has it
//! again) and its figures, and judges no times: those depend on the machine.
//!
//! The models are stand-ins (`models.stand_ins`, [`kefu::inference::fake`]); database, index, files, parser children,
//! connections and processes are real.
//!
//! | fault | test |
//! |---|---|
//! | F1 killed while it reads documents | `nothing_acknowledged_is_lost_when_the_process_is_killed_at_random_moments` |
//! | F2 killed while it answers | `nothing_acknowledged_is_lost_when_the_process_is_killed_at_random_moments` |
//! | F3 killed between the commit and the page | `nothing_acknowledged_is_lost_when_the_process_is_killed_at_random_moments` |
//! | F5 index files cut short, flipped, deleted | `a_harmed_index_is_noticed_and_rebuilt` |
//! | F5 index damaged in use | `an_index_that_breaks_in_use_is_rebuilt_and_meanwhile_nothing_is_guessed` |
//! | F6 database damaged | `a_damaged_database_is_not_started_on_and_the_way_back_is_named` |
//! | F7 disk full | `on_a_full_disk_people_still_chat_and_uploads_go_on_afterwards` |
//! | F7 disk nearly full, injected | `without_room_uploads_wait_and_go_on_by_themselves` |
//! | F8, F9 vector server gone, or hung | `without_the_vector_server_a_person_answers` |
//! | F15 many open chats | `a_crowd_of_open_chats_hears_every_message_once` |
//! | F16 slow clients | `slow_clients_are_let_go_and_the_others_notice_nothing` |
//! | F17 overload, one moment | `with_every_seat_taken_the_next_is_told_at_once_to_come_again` |
//! | F17 overload, 50 times | `fifty_times_the_capacity_is_turned_away_in_part_and_nothing_is_lost` |
//! | F17 overload, a while | `however_many_ask_nearly_as_much_is_done_as_can_be` |
//! | F18 nobody waits any more | `work_that_nobody_waits_for_is_dropped_and_frees_the_generator` |
//! | F18 a page leaves | `a_page_that_leaves_leaves_nothing_behind` |
//! | F19 poison job | `a_question_that_kills_its_workers_goes_to_a_person_and_the_others_are_answered` |
//! | F19 poison file | `a_file_that_kills_its_reader_fails_with_a_reason_and_the_chat_goes_on` |
//! | F20 the same request many times | `a_hundred_at_once_with_one_key_are_one_message` |
//! | F21 repeated, mixed up, lost | `over_a_bad_network_every_message_arrives_once` |
//! | F22 accept against auto-send | `of_an_agent_and_the_assistant_exactly_one_replies` |
//! | F23 clock jumps | `clocks_that_jump_a_day_keep_order_and_make_nobody_wait` |
//! | F25 two processes | `a_second_process_on_one_data_directory_ends` |
//! | F26 upgrade | `the_data_of_every_release_migrates` |
//! | F27 backup and restore | `a_backup_under_load_brings_everything_back` |
//! | F27 a backup on a machine without its key | `a_backup_is_served_elsewhere_only_with_the_key_of_its_secrets` |
//! | F27 a backup that was touched | `a_backup_that_was_touched_is_not_restored` |
//! | stop | `a_request_to_stop_lets_an_answer_be_finished` |
//! | all sending stopped in the middle of an answer | `what_ops_stop_is_not_sent_although_it_was_begun` |
//! | all sending stopped at the moment an answer is ready | `what_is_not_sent_when_ops_have_stopped_everything_is_never_sent` |
//! | stop at once | `a_second_request_to_stop_is_obeyed_and_the_answer_is_given_after_the_next_start` |
//! | restart with a large index | `a_large_index_is_ready_again_soon` |
//!
//! Elsewhere: F4 (every commit is synced) `storage`, F11 `inference::weights`, F13 and F14 `tests/hostile_documents.rs`
//! and `ingest`. Not tested yet: F4 with a power switch, F10 (Postgres fails over), F24 (webhooks, which do not exist),
//! F28 (out of memory), F29 (a log that nobody reads; one on a full disk is part of F7).
//!
//! # How much
//!
//! Everyday runs are small. `.ci/run` sets the numbers of a release, and more may be asked for:
//! `KEFU_TEST_CRASH_ROUNDS`, `KEFU_TEST_HARM_ROUNDS`, `KEFU_TEST_CHUNKS`, `KEFU_TEST_RACE_ROUNDS`,
//! `KEFU_TEST_OVERLOAD_ROUNDS`, `KEFU_TEST_OVERLOAD_SECONDS` (of each phase), `KEFU_TEST_SLOW_CLIENTS` (of each kind),
//! `KEFU_TEST_CHAT_CONNECTIONS`, `KEFU_TEST_CHAT_SECONDS`; `KEFU_TEST_MUST_MOUNT` makes it a failure that no small disk
//! can be mounted, and `KEFU_TEST_JUDGE` that figures of an overload are worse than promised, on a machine of its own.
//! Ten thousand chats for five minutes: `KEFU_TEST_CHAT_CONNECTIONS=10000 KEFU_TEST_CHAT_SECONDS=300`; both sides need a
//! few more open files than that, which the system may have to be asked for (`ulimit -n 12000`).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod backups;
mod crash;
mod exactly_once;
mod house;
mod lives;
mod overload;
mod slow;
mod support;

/// The table above cannot name a test that is not there, nor leave one out.
#[test]
fn every_fault_in_the_table_has_its_test_and_every_test_its_fault() {
    let table = include_str!("main.rs").lines().filter_map(|line| line.strip_prefix("//! |"));
    let mut named: Vec<&str> = table.filter_map(|row| row.split('`').nth(1)).collect();
    named.sort_unstable();
    named.dedup();
    let sources = [
        include_str!("backups.rs"),
        include_str!("crash.rs"),
        include_str!("exactly_once.rs"),
        include_str!("lives.rs"),
        include_str!("overload.rs"),
        include_str!("slow.rs"),
    ];
    let mut there: Vec<&str> = Vec::new();
    for source in sources {
        for block in source.split("#[test]\n").chain(source.split("#[tokio::test")).skip(1) {
            let function = block.split_once("fn ").and_then(|(_, rest)| rest.split_once('(')).map(|(name, _)| name);
            there.extend(function.filter(|name| name.matches('_').count() > 3));
        }
    }
    there.sort_unstable();
    there.dedup();
    assert_eq!(named, there);
}
