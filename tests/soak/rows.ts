/** The rows of the acceptance table: what each wants, and the tests whose long form shows it. */

/** A row, and how it is run. */
export interface Row {
  readonly number: number;
  readonly fault: string;
  readonly wanted: string;
  /** Test files below `tests/`; `filter` is that of `deno test`. */
  readonly files: readonly string[];
  readonly filter?: string;
  /** How long all of it may take on one engine, in minutes. */
  readonly limitMinutes: number;
  /** It has nothing to do with an engine, and is run once. */
  readonly engineless?: true;
  /** It lasts as long as `--minutes` says, on top of which come its `limitMinutes`. */
  readonly lasting?: true;
}

/** In the order of the table. */
export const rows: readonly Row[] = [
  {
    number: 1,
    fault: "none, bulk",
    wanted: "100 × 100 MB each way, sha256 equal",
    files: ["scenarios/bulk_both_ways_arrives_whole_test.ts"],
    limitMinutes: 20,
  },
  {
    number: 2,
    fault: "random lives",
    wanted: "200,000 sessions, fixed seed, 0 mismatches, drift 0",
    files: ["scenarios/random_lives_leave_nothing_behind_test.ts"],
    limitMinutes: 30,
  },
  {
    number: 3,
    fault: "idle sessions",
    wanted:
      "8,000 for 10 min: at most 60 MB + 8 kB each (linux), 40 kB each (portable); p99 ≤ 2 × P0; CPU ≤ 5 %",
    files: ["scenarios/idle_sessions_stay_alive_and_cost_little_test.ts"],
    limitMinutes: 20,
  },
  {
    number: 4,
    fault: "client half-closes first",
    wanted: "1000 × 10 MiB up, then the sha back",
    files: ["scenarios/half_close_by_the_client_keeps_the_answer_test.ts"],
    limitMinutes: 20,
  },
  {
    number: 5,
    fault: "target half-closes first",
    wanted: "mirror of 4",
    files: ["scenarios/half_close_by_the_target_keeps_the_upload_test.ts"],
    limitMinutes: 20,
  },
  {
    number: 6,
    fault: "both close at once",
    wanted: "10,000, flat",
    files: ["scenarios/both_sides_closing_at_once_leave_nothing_behind_test.ts"],
    limitMinutes: 10,
  },
  {
    number: 7,
    fault: "target RST after 200 kB",
    wanted: "1000, slow and fast readers: ECONNRESET behind a prefix",
    files: ["scenarios/a_reset_is_passed_on_test.ts"],
    filter: "readers whose target resets",
    limitMinutes: 10,
  },
  {
    number: 8,
    fault: "client RST in mid-transfer",
    wanted: "1000: the target sees it; flat",
    files: ["scenarios/a_reset_is_passed_on_test.ts"],
    filter: "a target whose client resets",
    limitMinutes: 15,
  },
  {
    number: 10,
    fault: "target closes while the client still uploads",
    wanted: "2,000,000 of 2,000,000 bytes, 100 ×",
    files: ["scenarios/a_target_that_closes_early_loses_nothing_it_sent_test.ts"],
    limitMinutes: 15,
  },
  {
    number: 11,
    fault: "client reads nothing",
    wanted: "100 stalled × 1 GB: growth ≤ 1 MB each; others do not notice",
    files: ["scenarios/a_peer_that_reads_nothing_stops_its_sender_alone_test.ts"],
    filter: "clients that read nothing",
    limitMinutes: 15,
  },
  {
    number: 12,
    fault: "target reads nothing",
    wanted: "mirror of 11",
    files: ["scenarios/a_peer_that_reads_nothing_stops_its_sender_alone_test.ts"],
    filter: "targets that read nothing",
    limitMinutes: 15,
  },
  {
    number: 13,
    fault: "target refuses",
    wanted: "10,000 probes, 0 failed, ≤ 5 ms added",
    files: ["scenarios/a_refusing_target_costs_no_client_test.ts"],
    limitMinutes: 10,
  },
  {
    number: 14,
    fault: "target black-holed",
    wanted: "first ones ≤ connect timeout + 50 ms; 0 failed; ejected after the configured failures",
    files: ["scenarios/a_black_holed_target_costs_only_the_connect_timeout_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 15,
    fault: "unreachable (ICMP)",
    wanted: "10,000 probes, 0 failed, ≤ 5 ms added",
    files: ["scenarios/an_unreachable_target_costs_no_client_test.ts"],
    limitMinutes: 10,
  },
  {
    number: 16,
    fault: "every target down",
    wanted: "dials ≤ attempts for each client; CPU ≤ 20 % at 500 connections/s",
    files: ["scenarios/with_every_target_down_a_client_is_refused_at_once_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 17,
    fault: "target killed with 500 open sessions",
    wanted: "all end within 1 s; 0 errors for new ones",
    files: ["scenarios/a_killed_target_ends_its_sessions_at_once_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 18,
    fault: "target stopped (SIGSTOP) 30 s",
    wanted: "sessions intact; down ≤ fall × interval + timeout; back ≤ rise × interval",
    files: ["scenarios/a_stopped_target_keeps_its_sessions_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 19,
    fault: "cable pulled in mid-session",
    wanted: "ends at the stall or idle limit + 10 %",
    files: ["scenarios/a_pulled_cable_ends_a_session_at_its_limit_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 20,
    fault: "1, 5, 20 % packet loss",
    wanted: "50 × 5 MB (at 20 %: 0.5 MB), sha; health does not flap at ≤ 5 %",
    files: ["scenarios/packet_loss_costs_time_and_nothing_else_test.ts"],
    limitMinutes: 20,
  },
  {
    number: 22,
    fault: "1 Mbit/s client",
    wanted: "≤ 2 MB for each such client",
    files: ["scenarios/a_slow_client_costs_little_memory_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 23,
    fault: "target flaps",
    wanted: "≤ 1 change for each fall × interval; no client fails",
    files: ["scenarios/a_flapping_target_costs_no_client_test.ts"],
    limitMinutes: 15,
  },
  {
    number: 24,
    fault: "every target fails passively",
    wanted: "never the last, never more than maxShare",
    files: ["scenarios/a_target_that_fails_its_clients_is_ejected_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 25,
    fault: "200 targets, 1 s probes",
    wanted: "most in 50 ms ≤ 3 × mean; CPU ≤ 15 %",
    files: ["scenarios/probes_of_many_targets_are_spread_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 26,
    fault: "probe answered partly, endlessly, with endless headers or 1 GB",
    wanted: "6 nasty servers: fails at timeout, capped, closed, flat",
    files: ["scenarios/a_nasty_health_server_harms_only_itself_test.ts"],
    limitMinutes: 10,
  },
  {
    number: 27,
    fault: "RST before accept",
    wanted: "10,000; next connect < 50 ms; ≤ 10 log lines/s",
    files: ["scenarios/resetting_clients_do_not_stop_a_listener_test.ts"],
    limitMinutes: 10,
  },
  {
    number: 28,
    fault: "nofile 256, 1,000 clients",
    wanted: "CPU ≤ 10 %; recovery ≤ 200 ms; process alive",
    files: ["scenarios/a_low_descriptor_limit_holds_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 29,
    fault: "maxConnections reached",
    wanted: "cap 100: 100 served, the 101st refused < 100 ms",
    files: ["scenarios/a_limit_that_is_reached_refuses_only_the_excess_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 30,
    fault: "2,000 connects in one burst",
    wanted: "slowest < 900 ms; ListenOverflows +0",
    files: ["scenarios/a_burst_of_connects_loses_none_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 37,
    fault: "fuzz of the configuration",
    wanted: "1,000,000 inputs offline: no crash, no hang",
    files: ["config/fuzz_test.ts"],
    limitMinutes: 60,
    engineless: true,
  },
  {
    number: 40,
    fault: "100 reloads under 500 connections/s and 200 bulk transfers",
    wanted: "0 errors, 0 resets, sha equal; p99 ≤ P0 + 20 ms; memory after ≤ +10 %",
    files: [
      "scenarios/reloads_under_load_cost_no_client_test.ts",
      "scenarios/a_listener_that_stays_is_never_closed_test.ts",
    ],
    limitMinutes: 15,
  },
  {
    number: 41,
    fault: "reload of a broken file",
    wanted: "20 bad files; each ≤ 500 ms",
    files: ["scenarios/a_broken_file_stops_nothing_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 42,
    fault: "reload removes a target with sessions",
    wanted: "no new ones; the old live until they end or drain.deadline",
    files: ["scenarios/what_a_reload_removes_keeps_its_sessions_until_the_deadline_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 43,
    fault: "reload adds a listener on a taken port",
    wanted: "all or nothing; the error says which port",
    files: ["scenarios/a_reload_that_cannot_bind_changes_nothing_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 44,
    fault: "SIGTERM with 50 × 100 MB and 500 idle",
    wanted: "sha equal; exit ≤ deadline + closeSpread + 1 s; second SIGTERM = now",
    files: ["scenarios/a_drain_lets_bulk_finish_and_cuts_what_is_idle_test.ts"],
    limitMinutes: 10,
  },
  {
    number: 45,
    fault: "1,000 HUP, PIPE, USR1 signals",
    wanted: "lives",
    files: ["scenarios/signals_and_crashes_do_no_harm_test.ts"],
    filter: "again and again",
    limitMinutes: 5,
  },
  {
    number: 46,
    fault: "kill -9 and restart",
    wanted: "50 ×: listening again ≤ 1 s, no stale socket file in the way",
    files: ["scenarios/signals_and_crashes_do_no_harm_test.ts"],
    filter: "after a kill -9",
    limitMinutes: 10,
  },
  {
    number: 51,
    fault: "log pipe closed, stdout blocked, disk full",
    wanted: "probe 0 failures, memory flat, lost lines counted",
    files: [
      "scenarios/a_log_that_nobody_reads_stops_no_traffic_test.ts",
      "scenarios/a_log_loses_only_what_it_must_test.ts",
    ],
    limitMinutes: 15,
  },
  {
    number: 52,
    fault: "clock jumps",
    wanted: "timers are monotonic",
    files: ["architecture/wall_clock_test.ts", "health/monitor_test.ts"],
    limitMinutes: 5,
    engineless: true,
  },
  {
    number: 53,
    fault: "target name NXDOMAIN, slow, changes, empty",
    wanted: "last good kept, nothing blocks",
    files: [
      "scenarios/a_name_keeps_its_last_good_answer_test.ts",
      "scenarios/a_name_that_stands_for_nothing_is_a_target_that_is_down_test.ts",
      "scenarios/a_silent_name_server_holds_up_only_its_names_test.ts",
    ],
    limitMinutes: 10,
  },
  {
    number: 54,
    fault: "soak",
    wanted: "≤ 1 MB/h once warm, 0 mismatches, descriptors flat",
    files: ["scenarios/a_long_run_drifts_nowhere_test.ts"],
    limitMinutes: 5,
    lasting: true,
  },
  {
    number: 55,
    fault: "CPU starved",
    wanted: "0 changes of a verdict",
    files: ["scenarios/a_starved_lb_blames_no_target_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 101,
    fault: "the only target restarts, with hold",
    wanted: "no client sees an error; the slowest waits as long as the restart and a second",
    files: ["scenarios/a_held_pool_costs_no_client_test.ts"],
    limitMinutes: 5,
  },
  {
    number: 102,
    fault: "the only server is killed and back 2 s later, real clients",
    wanted: "no more failures than behind HAProxy; with hold only whom it had inside",
    files: ["real_servers/a_restarted_server_test.ts"],
    limitMinutes: 10,
  },
  {
    number: 103,
    fault: "1,000 clients in line on two threads",
    wanted: "≤ 1 MB, CPU ≤ 1 %",
    files: ["scenarios/a_long_line_costs_little_test.ts"],
    limitMinutes: 5,
  },
];

/** The rows that are not run, with the reason. */
export const omitted: readonly { readonly numbers: string; readonly why: string }[] = [
  { numbers: "31, 47, 50", why: "later" },
  { numbers: "32 to 36, 38, 39", why: "no first bytes, TLS, PROXY, access lists or rate limits yet" },
  { numbers: "48, 49", why: "no admin yet" },
];
