//! `kube`, in process, on paused time.

use std::time::Duration;

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{
    Api, DeleteParams, EvictParams, ListParams, Patch, PatchParams, PostParams, WatchEvent,
    WatchParams,
};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Resource as _, ResourceExt as _};

use super::super::store::HISTORY;
use super::*;

fn error(error: kube::Error) -> (u16, String, String) {
    match error {
        kube::Error::Api(status) => (status.code, status.reason, status.message),
        other => panic!("{other:?}"),
    }
}

/// The next `count` events, in words.
async fn words<K: kube::ResourceExt>(
    events: &mut (impl Stream<Item = watcher::Result<Event<K>>> + Unpin),
    count: usize,
) -> Vec<String> {
    let named = |what: &str, object: &K| format!("{what} {}", object.name_any());
    let events = events.take(count).map_ok(|event| match event {
        Event::Init => "init".to_owned(),
        Event::InitApply(object) => named("there", &object),
        Event::InitDone => "done".to_owned(),
        Event::Apply(object) => named("applied", &object),
        Event::Delete(object) => named("deleted", &object),
    });
    events
        .map(|event| event.unwrap_or_else(|error| error.to_string()))
        .collect()
        .await
}

#[tokio::test(start_paused = true)]
async fn a_watcher_is_told_the_list_then_changes_and_deletions() {
    let cluster = Bare::small();
    let nodes = Api::<Node>::all(cluster.client());
    let mut events = watcher(nodes, watcher::Config::default()).boxed();
    let told = words(&mut events, 4).await;
    assert_eq!(told, ["init", "there n1", "there n2", "done"]);
    cluster.cordon("n2", true);
    cluster.put(json!({"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n3"}}));
    cluster.remove("Node", None, "n1");
    let told = words(&mut events, 3).await;
    assert_eq!(told, ["applied n2", "applied n3", "deleted n1"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_times_out_is_opened_again_where_it_stopped() {
    let cluster = Bare::small();
    let began = Instant::now();
    let nodes = Api::<Node>::all(cluster.client());
    let mut events = watcher(nodes, watcher::Config::default()).boxed();
    words(&mut events, 4).await;
    let later = cluster.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_mins(20)).await;
        later.cordon("n1", true);
    });
    assert_eq!(words(&mut events, 1).await, ["applied n1"]);
    assert_eq!(began.elapsed(), Duration::from_mins(20));
}

#[tokio::test(start_paused = true)]
async fn a_watch_lasts_its_timeout_and_marks_how_far_it_came() {
    let cluster = Bare::small();
    let nodes = Api::<Node>::all(cluster.client());
    let version = cluster.with(|store| store.version()).to_string();
    let began = Instant::now();
    let params = WatchParams::default().timeout(150);
    let events = nodes.watch(&params, &version).await.unwrap();
    let marks: Vec<String> = events
        .map_ok(|event| match event {
            WatchEvent::Bookmark(mark) => mark.metadata.resource_version,
            other => panic!("{other:?}"),
        })
        .try_collect()
        .await
        .unwrap();
    assert_eq!(marks, [&*version, &*version, &*version]);
    assert_eq!(began.elapsed(), Duration::from_secs(150));
}

#[tokio::test(start_paused = true)]
async fn whoever_fell_too_far_behind_lists_again() {
    let cluster = Bare::small();
    let nodes = Api::<Node>::all(cluster.client());
    let mut events = watcher(nodes, watcher::Config::default()).boxed();
    words(&mut events, 4).await;
    for turn in 0..=HISTORY {
        cluster.cordon("n1", turn % 2 == 0);
    }
    let told = words(&mut events, 5).await;
    assert!(told[0].contains("too old resource version"), "{}", told[0]);
    assert_eq!(told[1..], ["init", "there n1", "there n2", "done"]);
}

#[tokio::test(start_paused = true)]
async fn a_streamed_list_ends_with_its_mark() {
    let cluster = Bare::small();
    let nodes = Api::<Node>::all(cluster.client());
    let mut events = watcher(nodes, watcher::Config::default().streaming_lists()).boxed();
    let told = words(&mut events, 4).await;
    assert_eq!(told, ["init", "there n1", "there n2", "done"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_enters_and_leaves_what_a_watch_selects() {
    let cluster = Bare::small();
    let nodes = Api::<Node>::all(cluster.client());
    let config = watcher::Config::default().fields("spec.unschedulable=true");
    let mut events = watcher(nodes, config).boxed();
    assert_eq!(words(&mut events, 2).await, ["init", "done"]);
    cluster.cordon("n1", true);
    assert_eq!(words(&mut events, 1).await, ["applied n1"]);
    cluster.cordon("n1", false);
    assert_eq!(words(&mut events, 1).await, ["deleted n1"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_of_one_namespace_hears_nothing_of_others() {
    let cluster = Bare::small();
    let pods = Api::<Pod>::namespaced(cluster.client(), "prod");
    let config = watcher::Config::default().labels("component=hub");
    let mut events = watcher(pods, config).boxed();
    assert_eq!(words(&mut events, 3).await, ["init", "there hub-1", "done"]);
    cluster.put(pod("staging", "hub-3", "hub", "n1"));
    cluster.put(pod("prod", "jupyter-bob", "singleuser-server", "n1"));
    cluster.put(pod("prod", "hub-4", "hub", "n1"));
    assert_eq!(words(&mut events, 1).await, ["applied hub-4"]);
}

#[tokio::test(start_paused = true)]
async fn lists_are_filtered_by_namespace_label_and_field() {
    let client = Bare::small().client();
    let all = Api::<Pod>::all(client.clone());
    let prod = Api::<Pod>::namespaced(client, "prod");
    let listed = async |api: &Api<Pod>, params: ListParams| -> Vec<String> {
        let list = api.list(&params).await.unwrap();
        list.items.iter().map(kube::ResourceExt::name_any).collect()
    };
    let plain = ListParams::default;
    assert_eq!(
        listed(&all, plain()).await,
        ["hub-1", "jupyter-ada", "hub-2"]
    );
    assert_eq!(listed(&prod, plain()).await, ["hub-1", "jupyter-ada"]);
    let hubs = plain().labels("component in (hub)");
    assert_eq!(listed(&all, hubs).await, ["hub-1", "hub-2"]);
    let on_n1 = plain().fields("spec.nodeName=n1,metadata.namespace=prod");
    assert_eq!(listed(&all, on_n1).await, ["hub-1"]);
    let running = plain().fields("status.phase!=Running");
    assert_eq!(listed(&all, running).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_list_comes_in_pages() {
    let pods = Api::<Pod>::all(Bare::small().client());
    let first = pods.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(first.items.len(), 2);
    assert_eq!(first.metadata.remaining_item_count, Some(1));
    let token = first.metadata.continue_.unwrap();
    let params = ListParams::default().limit(2).continue_token(&token);
    let second = pods.list(&params).await.unwrap();
    assert_eq!(second.items[0].name_any(), "hub-2");
    assert_eq!(second.metadata.continue_, None);
    assert_eq!(
        second.metadata.resource_version,
        first.metadata.resource_version
    );
}

#[tokio::test(start_paused = true)]
async fn a_node_is_cordoned_by_a_patch_and_the_cluster_hears_of_it() {
    let cluster = Bare::small();
    let nodes = Api::<Node>::all(cluster.client());
    let params = PatchParams::default();
    let patch = json!({"spec": {"unschedulable": true}});
    let node = nodes
        .patch("n1", &params, &Patch::Merge(&patch))
        .await
        .unwrap();
    assert_eq!(node.spec.unwrap().unschedulable, Some(true));
    let again = nodes
        .patch("n1", &params, &Patch::Strategic(&patch))
        .await
        .unwrap();
    assert_eq!(
        again.metadata.resource_version,
        node.metadata.resource_version
    );
    let patch = json!({"spec": {"unschedulable": null}});
    let node = nodes
        .patch("n1", &params, &Patch::Merge(&patch))
        .await
        .unwrap();
    assert_eq!(node.spec.unwrap().unschedulable, None);
    assert_eq!(
        cluster.0.mutations.lock().unwrap()[0],
        r#"PATCH /api/v1/nodes/n1 {"spec":{"unschedulable":true}}"#
    );
}

#[tokio::test(start_paused = true)]
async fn the_second_of_two_writers_is_told_of_the_conflict() {
    let cluster = Bare::small();
    let leases = Api::<Lease>::namespaced(cluster.client(), "prod");
    let mut lease = Lease::default();
    lease.meta_mut().name = Some("runbook".to_owned());
    let params = PostParams::default();
    let mine = leases.create(&params, &lease).await.unwrap();
    let exists = error(leases.create(&params, &lease).await.unwrap_err());
    assert_eq!((exists.0, &*exists.1), (409, "AlreadyExists"));
    let mut theirs = mine.clone();
    theirs.meta_mut().annotations = Some([("holder".to_owned(), "them".to_owned())].into());
    leases.replace("runbook", &params, &theirs).await.unwrap();
    let (code, reason, message) =
        error(leases.replace("runbook", &params, &mine).await.unwrap_err());
    assert_eq!((code, &*reason), (409, "Conflict"));
    assert_eq!(
        message,
        "Operation cannot be fulfilled on leases.coordination.k8s.io \"runbook\": the object has \
         been modified; please apply your changes to the latest version and try again"
    );
}

#[tokio::test(start_paused = true)]
async fn the_times_of_a_lease_have_six_decimals() {
    let leases = Api::<Lease>::namespaced(Bare::small().client(), "prod");
    let lease: Lease = serde_json::from_value(json!({"metadata": {"name": "runbook"},
        "spec": {"renewTime": "2026-01-15T13:00:00.5Z"}}))
    .unwrap();
    let kept = leases.create(&PostParams::default(), &lease).await;
    assert!(kept.is_ok(), "the client writes all six: {kept:?}");
    let (params, patch) = (
        PatchParams::default(),
        Patch::Merge(json!({"spec": {"renewTime": "2026-01-15T13:00:00.5Z"}})),
    );
    let short = leases.patch("runbook", &params, &patch);
    let (code, reason, message) = error(short.await.unwrap_err());
    assert_eq!((code, &*reason), (400, "BadRequest"));
    assert!(message.contains(".000000Z07:00"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_not_found() {
    let nodes = Api::<Node>::all(Bare::small().client());
    let (code, reason, message) = error(nodes.get("x").await.unwrap_err());
    assert_eq!(
        (code, &*reason, &*message),
        (404, "NotFound", "nodes \"x\" not found")
    );
}

#[tokio::test(start_paused = true)]
async fn pods_are_deleted_and_evicted() {
    let cluster = Bare::small();
    let pods = Api::<Pod>::namespaced(cluster.client(), "prod");
    let gone = pods
        .delete("hub-1", &DeleteParams::default())
        .await
        .unwrap();
    assert!(gone.left().unwrap().metadata.deletion_timestamp.is_some());
    pods.evict("jupyter-ada", &EvictParams::default())
        .await
        .unwrap();
    assert_eq!(
        pods.list(&ListParams::default()).await.unwrap().items.len(),
        0
    );
    assert_eq!(cluster.0.mutations.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_may_do_everything_here() {
    let reviews = Api::<SelfSubjectAccessReview>::all(Bare::small().client());
    let question = SelfSubjectAccessReview::default();
    let review = reviews
        .create(&PostParams::default(), &question)
        .await
        .unwrap();
    assert!(review.status.unwrap().allowed);
}
