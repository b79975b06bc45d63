//! People: that they come, find room or wait for it, work, idle and go.

use std::collections::BTreeMap;

use super::*;
use crate::sim::people::{Person, key};

/// Somebody asks for a server at `prod` and means to work so many minutes.
fn arrive(practice: &Practice, user: &str, minutes: u64) -> String {
    practice
        .0
        .sim
        .change(|state, now| state.arrive(("prod", user), state::later(now, minutes * 60_000), now))
}

fn count(practice: &Practice) -> usize {
    practice.0.sim.change(|state, _| state.people.len())
}

fn at_work(practice: &Practice) -> usize {
    practice.0.sim.change(|state, now| {
        let active =
            |person: &&Person| now.duration_since(person.last_activity(now)).as_secs() <= 300;
        state.people.values().filter(active).count()
    })
}

fn pod(practice: &Practice, name: &str) -> Value {
    let find = |store: &mut apiserver::Store| store.get("Pod", Some("prod"), name).cloned();
    practice.0.sim.with(find).unwrap()
}

fn runs(pod: &Value) -> bool {
    text(pod, "/status/phase") == "Running"
}

fn events_of(practice: &Practice, name: &str) -> Vec<String> {
    practice.0.sim.with(|store| {
        let about = store.list("Event");
        let about = about.filter(|event| text(event, "/involvedObject/name") == name);
        let told = about.map(|e| format!("{}: {}", text(e, "/reason"), text(e, "/message")));
        told.collect()
    })
}

#[test]
fn those_who_work_are_active_and_idle_servers_are_stopped_after_an_hour() {
    within(&fresh("users", 1, &[]), async |practice| {
        assert_eq!((count(practice), at_work(practice)), (12, 10));
        pause(34 * 60).await;
        assert_eq!((count(practice), at_work(practice)), (12, 10));
        pause(30 * 60).await;
        assert_eq!((count(practice), at_work(practice)), (10, 10));
        // The day ends, and an hour later nobody is there and their node goes.
        pause(8 * 3600 + 3600).await;
        assert_eq!(count(practice), 0);
        pause(1200).await;
        assert_eq!(user_nodes(practice).len(), 0);
    });
}

#[test]
fn what_the_hub_knows_never_goes_back() {
    within(&fresh("users", 1, &[]), async |practice| {
        let mut seen = practice.clock().now();
        let user = arrive(practice, "ada", 20);
        for minute in 0..40 {
            let (last, now) = practice.0.sim.change(|state, now| {
                let person = &state.people[&key("prod", &user)];
                (person.last_activity(now), now)
            });
            assert!(last >= seen && last <= now, "{minute}: {last}");
            let old = now.duration_since(last).as_secs() > 300;
            assert!(minute > 20 || !old, "{minute}");
            assert!(minute < 26 || old, "{minute}");
            seen = last;
            pause(60).await;
        }
    });
}

#[test]
fn a_server_starts_in_seconds_where_there_is_room() {
    within(&fresh("cordoned", 1, &[]), async |practice| {
        let name = arrive(practice, "ada", 60);
        assert!(!runs(&pod(practice, &name)));
        pause(15).await;
        let pod = pod(practice, &name);
        assert!(runs(&pod), "{pod}");
        let resources = &pod["spec"]["containers"][0]["resources"];
        assert_eq!(resources["limits"]["memory"], "2147483648");
        assert_eq!(
            pod["metadata"]["annotations"]["hub.jupyter.org/username"],
            "ada"
        );
        // The cordoned one takes nobody.
        let node = text(&pod, "/spec/nodeName").to_owned();
        let nodes = user_nodes(practice);
        let taken = nodes.iter().find(|n| text(n, "/metadata/name") == node);
        assert_eq!(taken.unwrap().pointer("/spec/unschedulable"), None);
        let told = events_of(practice, &name).join("\n");
        for reason in ["Scheduled: ", "Pulled: ", "Created: ", "Started: "] {
            assert!(told.contains(reason), "{told}");
        }
        // Whoever is there already stays where they are.
        assert_eq!(arrive(practice, "ada", 90), name);
        assert_eq!(count(practice), 1);
    });
}

#[test]
fn whoever_finds_no_room_waits_for_a_node_and_its_image() {
    within(&fresh("quiet", 1, &[]), async |practice| {
        let name = arrive(practice, "ada", 60);
        pause(20).await;
        let told = events_of(practice, &name).join("\n");
        assert!(
            told.contains("FailedScheduling: 0/1 nodes are available: 1 node(s) didn't"),
            "{told}"
        );
        assert!(
            told.contains("TriggeredScaleUp: pod triggered scale-up: [{https"),
            "{told}"
        );
        assert!(told.contains("0->1 (max: 20)}]"), "{told}");
        pause(200).await;
        let waiting = pod(practice, &name);
        let state = &waiting["status"]["containerStatuses"][0]["state"];
        assert_eq!(state["waiting"]["reason"], "ContainerCreating");
        assert_eq!(user_nodes(practice).len(), 1);
        pause(25 * 60).await;
        assert!(runs(&pod(practice, &name)));
        assert_eq!(user_nodes(practice).len(), 1);
    });
}

#[test]
fn a_full_node_is_followed_by_the_next_and_the_maximum_holds() {
    within(&fresh("warm", 1, &[]), async |practice| {
        let op = autoscale(practice, limits(2, 3)).await.unwrap();
        finished(practice, &op.name).await;
        for i in 0..200 {
            arrive(practice, &format!("u{i}"), 300);
        }
        pause(60).await;
        let mut on: BTreeMap<String, u32> = BTreeMap::new();
        practice.0.sim.change(|state, _| {
            for person in state.people.values() {
                *on.entry(person.node.clone()).or_default() += 1;
            }
        });
        let mut on: Vec<u32> = on.into_values().collect();
        on.sort_unstable();
        assert_eq!(on, [61, 61, 78]);
        pause(3600).await;
        assert_eq!(user_nodes(practice).len(), 3);
        let still = practice.0.sim.change(|state, _| {
            let waits = |person: &&Person| person.node.is_empty();
            state.people.values().filter(waits).count()
        });
        assert_eq!(still, 200 - 3 * 61);
        assert!(reasons(practice).contains("NotTriggerScaleUp"));
        // Somebody goes, somebody else gets the seat.
        let gone = practice.0.sim.change(|state, now| {
            let sits = |person: &&Person| !person.node.is_empty();
            let pod = state.people.values().find(sits).unwrap().pod.clone();
            state.leave("prod", &pod, now) && !state.leave("prod", &pod, now)
        });
        assert!(gone);
        pause(20).await;
        assert!(practice.0.sim.change(|state, _| {
            let sits = |person: &&Person| state.serves(person);
            state.people.values().filter(sits).count() == 3 * 61
        }));
    });
}

#[test]
fn where_no_nodes_are_to_be_had_people_wait_and_are_told_so() {
    let faults = &["autoscaler-backoff"];
    within(&fresh("quiet", 1, faults), async |practice| {
        let name = arrive(practice, "ada", 300);
        pause(25 * 60).await;
        let told = events_of(practice, &name).join("\n");
        assert!(
            told.contains("1 in backoff after failed scale-up"),
            "{told}"
        );
        assert_eq!(user_nodes(practice).len(), 0);
        pause(35 * 60).await;
        assert!(runs(&pod(practice, &name)));
    });
    within(&fresh("quiet", 1, &["stockout"]), async |practice| {
        arrive(practice, "ada", 300);
        pause(3600).await;
        assert_eq!(user_nodes(practice).len(), 0);
    });
}

#[test]
fn people_go_with_their_pods_however_those_go() {
    within(&fresh("users", 1, &[]), async |practice| {
        let names = || {
            practice.0.sim.change(|state, _| {
                let pods = state.people.values().map(|person| person.pod.clone());
                pods.collect::<Vec<_>>()
            })
        };
        let all = names();
        let pods: kube::Api<k8s_openapi::api::core::v1::Pod> =
            kube::Api::namespaced(practice.k8s().await.unwrap(), "prod");
        pods.evict(&all[0], &kube::api::EvictParams::default())
            .await
            .unwrap();
        pods.delete(&all[1], &kube::api::DeleteParams::default())
            .await
            .unwrap();
        // They have their graces to save what they work on.
        assert_eq!(names(), all);
        pause(31).await;
        assert_eq!(names(), all[2..]);
        practice.0.sim.change(|state, now| {
            let node = state.people.values().next().unwrap().node.clone();
            state.remove_node(&node, now);
        });
        assert_eq!(count(practice), 0);
    });
}

#[test]
fn a_world_saved_before_there_were_people_still_loads() {
    let saved = within(&fresh("users", 1, &[]), async |practice| snapshot(practice));
    let mut old: Value = serde_json::from_slice(&saved).unwrap();
    let state = old["state"].as_object_mut().unwrap();
    assert_eq!(
        state.remove("people").unwrap().as_object().unwrap().len(),
        12
    );
    state.remove("pods_seen");
    let old = serde_json::to_vec(&old).unwrap();
    let restored = Practice::restore(&old, Duration::ZERO, Speed::Max).unwrap();
    within(&restored, async |practice| assert_eq!(count(practice), 0));
}
