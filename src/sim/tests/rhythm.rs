//! Whole days: a class and a hackathon, from the first server to the last node.

use super::*;
use crate::sim::people::Person;

/// How many have a server that runs, and how many wait for one.
fn there(practice: &Practice) -> (usize, usize) {
    practice.0.sim.change(|state, _| {
        let runs = |person: &&Person| state.serves(person);
        let all = state.people.len();
        let served = state.people.values().filter(runs).count();
        (served, all - served)
    })
}

#[test]
fn a_class_ends_and_its_people_go_bit_by_bit() {
    within(&fresh("class-in-session", 1, &[]), async |practice| {
        assert_eq!(there(practice), (40, 0));
        assert_eq!(user_nodes(practice).len(), 2);
        let active = || {
            practice.0.sim.change(|state, now| {
                let active = |person: &&Person| {
                    now.duration_since(person.last_activity(now)).as_secs() <= 300
                };
                state.people.values().filter(active).count()
            })
        };
        assert_eq!(active(), 37);
        pause(38 * 60).await;
        let before = active();
        assert!(before > 33, "{before}");
        // The class is over; most of its servers idle, a few were stopped.
        pause(20 * 60).await;
        let (after, (still, _)) = (active(), there(practice));
        assert!(
            before - after > 20 && still > after + 10,
            "{before} {after} {still}"
        );
        // An hour later the idle ones are gone.
        pause(70 * 60).await;
        let (still, waiting) = there(practice);
        assert!(still < 35 && waiting == 0, "{still} {waiting}");
    });
}

#[test]
fn days_follow_each_other_and_nights_are_empty() {
    within(&fresh("class-in-session", 2, &[]), async |practice| {
        for day in 0..3 {
            // Six hours after eight, and twenty-two: two in the afternoon, six in the morning.
            pause(6 * 3600).await;
            let (served, _) = there(practice);
            assert!(served > 5, "{day}: {served}");
            assert!(!user_nodes(practice).is_empty());
            pause(16 * 3600).await;
            assert_eq!(there(practice), (0, 0), "{day}");
            assert_eq!(user_nodes(practice).len(), 0, "{day}");
            pause(2 * 3600).await;
        }
        let events = practice.0.sim.with(|store| store.list("Event").count());
        assert!(events < 500, "{events}");
    });
}

#[test]
fn a_hackathon_without_nodes_waits_for_them() {
    within(&fresh("hackathon-300", 1, &[]), async |practice| {
        pause(59 * 60).await;
        assert_eq!((there(practice), user_nodes(practice).len()), ((0, 0), 0));
        pause(20 * 60).await;
        let (served, waiting) = there(practice);
        assert!(served == 0 && waiting > 150, "{served} {waiting}");
        let reasons = reasons(practice);
        assert!(reasons.contains("FailedScheduling") && reasons.contains("TriggeredScaleUp"));
        pause(50 * 60).await;
        let (served, waiting) = there(practice);
        assert!(served > 270 && waiting == 0, "{served} {waiting}");
        assert_eq!(user_nodes(practice).len(), 5);
        // The evening after, everybody and everything is gone.
        pause(9 * 3600).await;
        assert_eq!((there(practice), user_nodes(practice).len()), ((0, 0), 0));
    });
}

#[test]
fn a_hackathon_with_warm_nodes_waits_for_nothing() {
    within(&fresh("hackathon-300", 1, &[]), async |practice| {
        floor(practice, 5).await;
        size(practice, 5).await.unwrap();
        all_warm(practice, 5).await;
        let mut most = 0;
        while there(practice).0 < 270 {
            pause(10).await;
            most = most.max(there(practice).1);
            assert!(practice.clock().since(state::EPOCH) < Duration::from_hours(3));
        }
        // Only those whose container is being started.
        assert!(most < 30, "{most}");
        assert_eq!(user_nodes(practice).len(), 5);
    });
}

#[test]
fn one_seed_one_day() {
    let day = |seed| {
        within(&fresh("class-in-session", seed, &[]), async |practice| {
            pause(8 * 3600).await;
            snapshot(practice)
        })
    };
    assert_eq!(day(1), day(1));
    assert_ne!(day(1), day(2));
}
