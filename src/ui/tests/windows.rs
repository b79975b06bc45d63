//! Bars, in windows of several widths.

use super::runs::{at, options, run};
use super::screen::Screen;
use crate::event::{Event, What};
use crate::ui::bars::Bars;
use crate::ui::live::Window;
use crate::ui::writer::Face as _;
use crate::ui::{Output, Redactor, streams};

/// What a window of this width shows after `upto` events, drawn after each of them.
fn window(width: u16, upto: usize) -> String {
    let all = run();
    let events = all.get(..upto).unwrap_or(&all);
    drawn(width, events, upto > all.len())
}

/// What a window of this width shows after these events, cleared of what moves or not.
pub(super) fn drawn(width: u16, events: &[Event], cleared: bool) -> String {
    let (mut streams, collected) = streams::Streams::collecting();
    let mut bars = Bars::new(
        &options(Output::Bars),
        Window::fake(24, width),
        Redactor::default(),
    );
    for event in events {
        bars.show(event, &mut streams);
        bars.idle(false, &mut streams);
    }
    if cleared {
        bars.clear(&mut streams);
    }
    streams.flush();
    Screen::read(usize::from(width), &collected.err()).text()
}

#[test]
fn a_running_wait_in_a_wide_window() {
    insta::assert_snapshot!(window(100, 14), @r"
    runbook warm_up · callysto · PRACTICE: nothing real is touched
      Warm up the hub before a hackathon.
      from runbooks/warm_up.rhai (3f2a90c11d4e)
      on callysto-202316/northamerica-northeast1/callysto-cluster
      with --nodes 2 --pool nb-user
      seed 7, faults: stockout

    ▸ Look
      nobody is on it
    ! autoscaling was off by hand
    ? Raise the floor? yes (practice)
    ~ node pool nb-user: autoscaler minimum: 0 -> 2
      again in 4 s: getCluster (503: try later)
    ⠋ 2 nodes of nb-user ready with the image  ━━━━━━━━━━────────── 1/2  7 min 12 s, usual 20-25 min
      ✓ gke-callysto-cluster-nb-user-3c1f4a2e-node0  ready
      ↓ gke-callysto-cluster-nb-user-3c1f4a2e-node1  pulling 2/3
      why: 0/2 nodes hold the image
    ");
}

#[test]
fn a_running_wait_in_a_narrow_window() {
    insta::assert_snapshot!(window(40, 14), @r"
    runbook warm_up · callysto · PRACTICE: n
    othing real is touched
      Warm up the hub before a hackathon.
      from runbooks/warm_up.rhai (3f2a90c11d
    4e)
      on callysto-202316/northamerica-northe
    ast1/callysto-cluster
      with --nodes 2 --pool nb-user
      seed 7, faults: stockout

    ▸ Look
      nobody is on it
    ! autoscaling was off by hand
    ? Raise the floor? yes (practice)
    ~ node pool nb-user: autoscaler minimum:
     0 -> 2
      again in 4 s: getCluster (503: try lat
    er)
    ⠋ 2 nodes of nb-user …  1/2  7 min 12 s
      ✓ …b-user-3c1f4a2e-node0  ready
      ↓ …b-user-3c1f4a2e-node1  pulling 2/3
      why: 0/2 nodes hold the image
    ");
}

#[test]
fn a_running_wait_in_a_very_narrow_window() {
    insta::assert_snapshot!(window(20, 14), @r"
    runbook warm_up · ca
    llysto · PRACTICE: n
    othing real is touch
    ed
      Warm up the hub be
    fore a hackathon.
      from runbooks/warm
    _up.rhai (3f2a90c11d
    4e)
      on callysto-202316
    /northamerica-northe
    ast1/callysto-cluste
    r
      with --nodes 2 --p
    ool nb-user
      seed 7, faults: st
    ockout

    ▸ Look
      nobody is on it
    ! autoscaling was of
    f by hand
    ? Raise the floor? y
    es (practice)
    ~ node pool nb-user:
     autoscaler minimum:
     0 -> 2
      again in 4 s: getC
    luster (503: try lat
    er)
    ⠋ 2 nodes of …  1/2
      ✓ …de0  ready
      ↓ …de1  pulling …
      why: 0/2 nodes h…
    ");
}

#[test]
fn a_finished_run_leaves_only_lines() {
    insta::assert_snapshot!(window(100, 99), @r"
    runbook warm_up · callysto · PRACTICE: nothing real is touched
      Warm up the hub before a hackathon.
      from runbooks/warm_up.rhai (3f2a90c11d4e)
      on callysto-202316/northamerica-northeast1/callysto-cluster
      with --nodes 2 --pool nb-user
      seed 7, faults: stockout

    ▸ Look
      nobody is on it
    ! autoscaling was off by hand
    ? Raise the floor? yes (practice)
    ~ node pool nb-user: autoscaler minimum: 0 -> 2
      again in 4 s: getCluster (503: try later)
    ✓ 2 nodes of nb-user ready with the image  22 min 10 s
    ✓ warm
    → log in once
    ✓ warm_up on callysto: done in 22 min 31 s
      changed:
        node pool nb-user: autoscaler minimum: 0 -> 2
        node pool nb-user: size: 0 -> 2 (in flight, operation-2)
      next:
        runbook run teardown
      practice: nothing real was touched
    ");
}

#[test]
fn a_long_wait_rings_and_names_the_window() {
    let (mut streams, collected) = streams::Streams::collecting();
    let mut bars = Bars::new(
        &options(Output::Bars),
        Window::fake(24, 100),
        Redactor::default(),
    );
    let ended = |took_seconds| What::WaitEnded {
        id: 1,
        what: "pool".into(),
        ok: true,
        took_seconds,
    };
    bars.show(&at(0, ended(60)), &mut streams);
    streams.flush();
    assert!(!collected.err().contains('\x07'));
    bars.show(&at(0, ended(61)), &mut streams);
    streams.flush();
    assert!(
        collected.err().contains("\x1b]0;✓ : pool\x07\x07"),
        "{:?}",
        collected.err()
    );
}
