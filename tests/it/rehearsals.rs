//! Every shipped runbook against every scenario and fault, as the operator sees it.

use crate::program::{Place, Ran, rehearsed};

fn rehearse(flags: &str) -> Ran {
    Place::empty().run(&format!("rehearse warm_up --speed max {flags}"))
}

#[test]
fn a_quiet_pool_is_warmed_up() {
    let ran = rehearsed!("quiet", "--nodes 2", 0);
    assert!(ran.out.contains("2 nodes of nb-user warm after"));
}

#[test]
fn a_warm_pool_is_left_alone() {
    let ran = rehearsed!("warm", "--nodes 2 --scenario warm", 0);
    assert!(ran.out.contains("Already warm"));
}

#[test]
fn autoscaling_found_off_is_turned_on() {
    rehearsed!("autoscaling_off", "--nodes 2 --scenario autoscaling-off", 0);
}

#[test]
fn people_at_work_are_seen_and_kept() {
    rehearsed!("users", "--nodes 2 --scenario users", 0);
}

#[test]
fn a_cordoned_node_does_not_count_and_can_be_uncordoned() {
    rehearsed!("cordoned_yes", "--nodes 2 --scenario cordoned", 0);
    rehearsed!(
        "cordoned_no",
        "--nodes 2 --scenario cordoned --answer uncordon=no",
        0
    );
}

#[test]
fn a_pool_in_three_zones_is_told_in_totals() {
    rehearsed!("three_zones", "--nodes 4 --scenario three-zones", 0);
}

#[test]
fn people_are_turned_into_nodes_with_the_arithmetic_shown() {
    let ran = rehearsed!("people", "--users 130", 0);
    assert!(ran.out.contains("taking 3"), "{}", ran.out);
}

#[test]
fn another_operation_is_waited_for_by_name() {
    rehearsed!("busy", "--nodes 2 --fault busy", 0);
}

#[test]
fn a_stockout_says_what_did_change() {
    rehearsed!("stockout", "--nodes 2 --fault stockout", 1);
}

#[test]
fn a_missing_permission_names_the_role() {
    let ran = rehearsed!("denied", "--nodes 2 --fault denied", 1);
    assert!(ran.err.contains("roles/"), "{}", ran.err);
}

#[test]
fn a_slow_image_is_waited_for() {
    rehearsed!("slow_image", "--nodes 2 --fault slow-image", 0);
}

#[test]
fn a_missing_image_fails_long_before_the_limit() {
    rehearsed!("image_missing", "--nodes 2 --fault image-missing", 1);
}

#[test]
fn a_node_that_never_gets_ready_is_named() {
    rehearsed!("node_never_ready", "--nodes 2 --fault node-never-ready", 1);
}

#[test]
fn an_operation_that_ends_with_an_error_only_is_a_failure() {
    rehearsed!("op_error_only", "--nodes 2 --fault op-error-only", 1);
}

#[test]
fn too_many_requests_are_sent_again() {
    rehearsed!("rate_limited", "--nodes 2 --fault rate-limited", 0);
}

#[test]
fn an_expired_token_is_renewed() {
    rehearsed!("expired_token", "--nodes 2 --fault expired-token", 0);
}

#[test]
fn a_laptop_that_slept_is_noticed_and_its_sleep_does_not_count() {
    let ran = rehearsed!("laptop_asleep", "--nodes 2 --fault laptop-asleep", 0);
    assert!(ran.out.contains("asleep for 2 h 00 min"), "{}", ran.out);
    let warm = ran.out.lines().find(|line| line.contains("warm after"));
    assert!(!warm.unwrap().contains(" h "), "{}", ran.out);
    // In the middle of a change, what is sent next is sent with new credentials.
    let ran = rehearse("--nodes 2 --fault laptop-asleep@10s");
    assert_eq!(ran.exit, 0, "{}", ran.whole());
}

#[test]
fn a_cluster_that_somebody_else_holds_is_left_alone_or_waited_for() {
    let ran = rehearsed!("held", "--nodes 2 --fault held-by-another", 5);
    for part in ["bob@desk", "Grow the pool", "--wait"] {
        assert!(ran.err.contains(part), "{part}: {}", ran.whole());
    }
    assert!(ran.out.contains("nothing was changed"), "{}", ran.out);
    rehearsed!("held_wait", "--nodes 2 --fault held-by-another --wait", 0);
}

#[test]
fn a_lock_that_is_lost_stops_the_run_before_its_next_change() {
    // Taken between the two changes of the run.
    let ran = rehearsed!("lease_lost", "--nodes 2 --fault lease-lost@20s", 5);
    assert!(ran.out.contains("not done: Grow the pool"), "{}", ran.out);
    assert!(!ran.out.contains("size: 0 nodes"), "{}", ran.out);
    // A wait changes nothing.
    let ran = rehearse("--nodes 2 --fault lease-lost");
    assert_eq!(ran.exit, 0, "{}", ran.whole());
}

#[test]
fn an_abandoned_lock_is_taken_over_only_with_the_operator_s_word() {
    let ran = rehearsed!("abandoned", "--nodes 2 --fault lease-abandoned --yes", 3);
    assert!(ran.err.contains("--answer lock=take-over"), "{}", ran.err);
    let flags = "--nodes 2 --fault lease-abandoned --answer lock=take-over";
    let ran = rehearse(flags);
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    let ran = rehearse("--nodes 2 --fault lease-abandoned --no-lock");
    assert_eq!(ran.exit, 0, "{}", ran.whole());
}

#[test]
fn a_cluster_that_nobody_measures_is_warmed_up_all_the_same() {
    rehearsed!("no_metrics", "--nodes 2 --fault no-metrics", 0);
}

#[test]
fn a_hub_that_is_not_well_does_not_keep_its_nodes_from_being_warmed_up() {
    rehearsed!("hub_pod_missing", "--nodes 2 --fault hub-pod-missing", 0);
    rehearsed!("crash_loop", "--nodes 2 --fault crash-loop", 0);
}

#[test]
fn a_class_keeps_its_two_nodes_and_gets_a_third() {
    let ran = rehearsed!(
        "class_in_session",
        "--nodes 3 --scenario class-in-session",
        0
    );
    assert!(ran.out.contains("40 people working"), "{}", ran.out);
}

#[test]
fn three_hundred_people_find_the_nodes_that_were_warmed_for_them() {
    rehearsed!("hackathon", "--users 300 --scenario hackathon-300", 0);
}

#[test]
fn saying_no_changes_nothing() {
    let ran = rehearsed!("declined", "--nodes 2 --answer warm_up=no", 4);
    assert!(ran.out.contains("nothing was changed"));
}

#[test]
fn every_fault_and_scenario_is_rehearsed_above() {
    // Being killed has a test of its own.
    let text = concat!(
        include_str!("rehearsals.rs"),
        include_str!("teardown.rs"),
        include_str!("access.rs"),
        include_str!("update_image.rs"),
        include_str!("allow_domain.rs"),
        include_str!("kills.rs")
    );
    for (name, _) in runbook::sim::FAULTS {
        assert!(text.contains(&format!("--fault {name}")), "{name}");
    }
    for (name, _) in runbook::sim::SCENARIOS {
        assert!(
            *name == "quiet" || text.contains(&format!("--scenario {name}")),
            "{name}"
        );
    }
}

/// What a run leaves: its screen, and its journal without the header (which has the wall clock).
fn traces(rate: &str, seed: &str) -> (String, String) {
    let place = Place::empty();
    let ran = place.run(&format!(
        "rehearse warm_up --nodes 2 -v --output json --seed {seed} --speed {rate} --fault busy --fault rate-limited"
    ));
    let journal = std::fs::read_to_string(&place.journals()[0]).unwrap();
    let (_, records) = journal.split_once('\n').unwrap();
    assert_eq!(ran.exit, 0);
    (ran.whole(), records.to_owned())
}

#[test]
fn the_same_seed_is_the_same_run_to_the_byte_at_any_speed() {
    let first = traces("max", "7");
    assert!(first.0.lines().count() > 20);
    assert_eq!(traces("max", "7"), first);
    assert_eq!(traces("20000", "7"), first);
    assert_ne!(traces("max", "8"), first);
}

#[test]
fn rehearsals_take_twenty_to_twenty_five_minutes_whatever_the_seed() {
    for seed in 1..=10 {
        let ran = rehearse(&format!("--nodes 2 --seed {seed} --output json"));
        let last: serde_json::Value =
            serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
        let took = last["took_seconds"].as_u64().unwrap();
        assert!((20 * 60..=25 * 60).contains(&took), "seed {seed}: {took} s");
    }
}
