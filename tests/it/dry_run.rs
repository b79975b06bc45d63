//! A dry run on a live target on loopback: what it tells, and that it changes nothing.

use crate::cluster::{Cluster, command};
use crate::program::{Place, Ran};

fn dry(place: &Place, line: &str) -> Ran {
    let line = format!("run {line} --on live --dry-run");
    Ran::from(command(place, &line).output().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_cold_pool_would_be_warmed_up_and_nothing_is_changed() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    let ran = dry(&place, "warm_up --nodes 2 --yes");
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    println!("{}", ran.whole());
}
