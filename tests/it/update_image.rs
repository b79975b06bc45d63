//! `update_image` and `check_hub` against everything that can go wrong, as the operator sees it.

use crate::program::{Place, Ran, rehearsed};

fn rehearse(flags: &str) -> Ran {
    Place::empty().run(&format!("rehearse {flags} --speed max"))
}

/// With two warm nodes.
macro_rules! updated {
    ($name:literal, $flags:expr, $exit:literal) => {
        rehearsed!(
            $name,
            &format!("update_image --scenario warm {}", $flags),
            $exit
        )
    };
}

const NEW: &str = "--image callysto/2i2c:0.1.5";

#[test]
fn a_new_image_is_checked_shown_set_pulled_and_worked_with() {
    let ran = updated!("new", NEW, 0);
    assert!(
        ran.out.contains("One can log in and work"),
        "{}",
        ran.whole()
    );
}

#[test]
fn both_generations_of_the_configurator_are_understood() {
    rehearsed!(
        "main_generation",
        &format!("update_image --scenario configurator-main {NEW}"),
        0
    );
}

#[test]
fn a_tag_nobody_has_is_told_with_what_there_is() {
    let ran = updated!("missing_tag", "--image callysto/2i2c:0.15", 1);
    assert!(ran.err.contains("0.1.5"), "{}", ran.whole());
    let ran = updated!("missing_repository", "--image callysto/2i2d:0.1.5", 1);
    assert!(ran.out.contains("nothing was changed"), "{}", ran.whole());
}

#[test]
fn a_name_that_is_none_is_refused_before_anybody_is_asked() {
    for (flags, wrong) in [
        ("--image callysto/2i2c", "tag"),
        ("--image https://hub.docker.com/r/callysto/2i2c", "https"),
        ("--image Callysto/2i2c:0.1.5", "lower"),
    ] {
        let ran = rehearse(&format!("update_image --scenario warm {flags}"));
        assert!(ran.exit != 0 && ran.err.contains(wrong), "{}", ran.whole());
        assert!(ran.out.contains("nothing was changed"), "{}", ran.whole());
    }
}

#[test]
fn an_image_for_other_machines_is_not_set() {
    updated!("wrong_arch", &format!("{NEW} --fault wrong-arch"), 1);
    updated!("arm", "--image callysto/2i2c:0.1.5-arm", 1);
}

#[test]
fn a_registry_that_cannot_tell_stops_it_unless_overridden() {
    updated!(
        "registry_unreachable",
        &format!("{NEW} --fault registry-unreachable"),
        1
    );
    updated!(
        "registry_unreachable_unproven",
        &format!("{NEW} --fault registry-unreachable --unproven"),
        0
    );
    updated!(
        "registry_rate_limit",
        &format!("{NEW} --fault registry-rate-limit"),
        1
    );
}

#[test]
fn a_hub_that_does_not_answer_is_named() {
    updated!("hub_down", &format!("{NEW} --fault hub-down"), 1);
    updated!("token_expired", &format!("{NEW} --fault token-expired"), 1);
    updated!(
        "token_too_narrow",
        &format!("{NEW} --fault token-too-narrow"),
        1
    );
}

#[test]
fn a_hub_that_restarts_is_waited_for() {
    // An image the nodes hold already: the check begins while the hub is away.
    let ran = updated!(
        "hub_restarting",
        "--image callysto/2i2c:0.1.4 --fault hub-restarting",
        0
    );
    assert!(ran.out.contains("again in"), "{}", ran.whole());
}

#[test]
fn somebody_else_who_saves_is_not_overwritten() {
    updated!("config_raced", &format!("{NEW} --fault config-raced"), 1);
}

#[test]
fn a_broken_configuration_is_named_and_mended() {
    let ran = updated!(
        "config_double_encoded",
        &format!("{NEW} --fault config-double-encoded"),
        0
    );
    assert!(
        ran.out.contains("no server can be started"),
        "{}",
        ran.whole()
    );
    let ran = rehearsed!(
        "check_hub_double_encoded",
        "check_hub --scenario warm --fault config-double-encoded",
        1
    );
    assert!(ran.err.contains("update_image"), "{}", ran.whole());
}

#[test]
fn an_image_that_does_not_work_is_taken_back() {
    for (name, fault) in [
        ("image_typo", "--fault image-typo"),
        ("spawn_timeout", "--fault spawn-timeout"),
        ("kernel_dies", "--fault kernel-dies"),
    ] {
        let ran = rehearse(&format!("update_image --scenario warm {NEW} {fault}"));
        insta::assert_snapshot!(name, ran.whole());
        assert_eq!(ran.exit, 1, "{}", ran.whole());
    }
    let ran = updated!("no_server", "--image busybox:1.37", 1);
    assert!(
        ran.out.contains("Put the chart's own image back?"),
        "{}",
        ran.whole()
    );
    updated!(
        "kept_though_broken",
        "--image busybox:1.37 --answer put_back=no",
        1
    );
}

#[test]
fn without_a_warm_node_it_says_what_was_not_checked() {
    rehearsed!("no_nodes", &format!("update_image {NEW}"), 0);
    updated!("no_check", &format!("{NEW} --no-check"), 0);
}

#[test]
fn the_old_image_comes_back() {
    let place = Place::empty();
    let run = |line: &str| place.run(&format!("{line} --speed max"));
    assert_eq!(run("run warm_up --nodes 1").exit, 0);
    let ran = run(&format!("run update_image {NEW} --answer event=no"));
    assert_eq!(ran.exit, 4, "{}", ran.whole());
    assert!(ran.out.contains("An event is on"), "{}", ran.whole());
    assert_eq!(run(&format!("run update_image {NEW}")).exit, 0);
    let again = run(&format!("run update_image {NEW}"));
    assert!(again.out.contains("Already set"), "{}", again.whole());
    let back = run("run update_image --rollback");
    assert_eq!(back.exit, 0, "{}", back.whole());
    assert!(
        back.out
            .contains("callysto/2i2c:0.1.5 -> the chart's own image"),
        "{}",
        back.whole()
    );
    let twice = run("run update_image --rollback");
    assert_eq!(twice.exit, 0, "{}", twice.whole());
    let both = run(&format!("run update_image --rollback {NEW}"));
    assert_eq!(both.exit, 1, "{}", both.whole());
}

#[test]
fn what_is_not_checked_is_remembered_until_it_is() {
    let place = Place::empty();
    let run = |line: &str| place.run(&format!("{line} --speed max"));
    assert_eq!(run(&format!("run update_image {NEW}")).exit, 0);
    let status = place.run("status");
    assert!(status.out.contains("not checked"), "{}", status.whole());
    assert_eq!(run("run warm_up --nodes 1").exit, 0);
    let status = place.run("status");
    assert!(!status.out.contains("not checked"), "{}", status.whole());
}

#[test]
fn a_hub_is_checked_and_left_as_it_was() {
    let ran = rehearsed!("check_hub", "check_hub --scenario warm", 0);
    assert!(
        ran.out.contains("One can log in and work"),
        "{}",
        ran.whole()
    );
    rehearsed!("check_hub_no_nodes", "check_hub", 1);
    for fault in [
        "hub-down",
        "spawn-timeout",
        "kernel-dies",
        "token-too-narrow",
    ] {
        let ran = rehearse(&format!("check_hub --scenario warm --fault {fault}"));
        insta::assert_snapshot!(format!("check_hub_{fault}"), ran.whole());
        assert_eq!(ran.exit, 1, "{}", ran.whole());
    }
}
