//! A dry run on a copy, and then the run itself on the target on loopback that was copied: the same
//! headings, the same changes in the same order, and in the end the same state.

use super::{dry, run, told, untouched};
use crate::cluster::Cluster;

/// How a cluster is before.
#[derive(Debug, Clone, Copy)]
enum State {
    Cold,
    Warm,
    /// Left by the Makefile between two of its steps.
    Off,
    Cordoned,
}

impl State {
    async fn cluster(self) -> Cluster {
        match self {
            Self::Cold => Cluster::cold().await,
            Self::Warm => Cluster::warm().await,
            Self::Off => Cluster::off().await,
            Self::Cordoned => Cluster::cordoned().await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_dry_run_tells_is_what_the_run_does() {
    let states = [State::Cold, State::Warm, State::Off, State::Cordoned];
    let lines = [
        "warm_up --nodes 2 --yes",
        "warm_up --nodes 3 --yes",
        "warm_up --nodes 1 --max 25 --yes",
        "nodes",
        "teardown --now --yes --answer teardown=live --answer now=live",
    ];
    let (mut compared, mut changes) = (0, 0);
    for state in states {
        for line in lines {
            let cluster = state.cluster().await;
            let place = cluster.place("");
            let would = dry(&place, line);
            untouched(&cluster);
            let does = run(&place, &format!("run {line} --on live"));
            assert_eq!(
                would.exit,
                does.exit,
                "{state:?} {line}\n{}\n{}",
                would.whole(),
                does.whole()
            );
            let deeds = told(&does.out);
            assert_eq!(
                told(&would.out),
                deeds,
                "{state:?} {line}\n{}\n{}",
                would.whole(),
                does.whole()
            );
            // On the copy of what it has come to, there is nothing left to do.
            if line.starts_with("warm_up") {
                let again = dry(&place, line);
                assert!(
                    again.out.contains("nothing would be changed"),
                    "{state:?} {line}\n{}",
                    again.whole()
                );
            }
            compared += 1;
            changes += deeds.iter().filter(|deed| deed.starts_with('~')).count();
        }
    }
    println!("{compared} dry runs and runs compared, {changes} changes");
    assert!(changes > 20);
}
