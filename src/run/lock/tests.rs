//! Locks on one practice world, on paused time.

mod faults;

use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use google_cloud_container_v1::client::ClusterManager;

use std::sync::Mutex;

use super::*;
use crate::event::{Event, Events};
use crate::names::Mode;
use crate::sim::{Fault, Practice, Setup};
use crate::world::Note;
use crate::world::operator::Answer;
use crate::world::{Doors, Notes, Operator, Parts, Stop};

/// A cluster with several operators, each with a world of their own.
struct Cluster {
    practice: Practice,
    /// Whether the API server is out of reach.
    down: Arc<AtomicBool>,
}

/// One of them.
struct Desk {
    world: World,
    events: Arc<Mutex<Vec<Event>>>,
    notes: Arc<Notebook>,
}

#[derive(Default)]
struct Notebook(Mutex<Vec<Note>>);

impl Notes for Notebook {
    fn note(&self, _: jiff::Timestamp, note: &Note) -> Result<()> {
        self.0.lock().unwrap().push(note.clone());
        Ok(())
    }
}

struct Says(&'static str);

impl Operator for Says {
    fn ask(&self, _: Question) -> BoxFuture<'_, Result<Answer>> {
        let answer = Answer {
            value: self.0.to_owned(),
            by: "terminal".to_owned(),
        };
        Box::pin(async { Ok(answer) })
    }
}

struct Reach {
    practice: Practice,
    down: Arc<AtomicBool>,
}

impl Doors for Reach {
    fn gke(&self) -> BoxFuture<'_, Result<ClusterManager>> {
        self.practice.gke()
    }

    fn k8s(&self) -> BoxFuture<'_, Result<kube::Client>> {
        if self.down.load(Ordering::SeqCst) {
            return Box::pin(async { Err(Error::new(Kind::Unreachable, "no route to host")) });
        }
        self.practice.k8s()
    }

    fn hub(&self) -> BoxFuture<'_, Result<Option<crate::world::Http>>> {
        Box::pin(async { Ok(None) })
    }

    fn web(&self, base: &str) -> BoxFuture<'_, Result<crate::world::Http>> {
        self.practice.web(base)
    }

    fn github(&self) -> BoxFuture<'_, Result<crate::world::GitHub>> {
        self.practice.github()
    }

    fn iam(&self) -> BoxFuture<'_, Result<crate::world::Http>> {
        self.practice.iam()
    }

    fn desk(&self) -> &dyn crate::world::Desk {
        self.practice.desk()
    }

    fn renew(&self) -> BoxFuture<'_, Result<()>> {
        self.practice.renew()
    }
}

impl Cluster {
    fn desk(&self, says: &'static str) -> Desk {
        let events = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::new(Notebook::default());
        let heard = Arc::clone(&events);
        let kept: Arc<dyn Notes> = Arc::<Notebook>::clone(&notes);
        let world = World::new(Parts {
            target: self.practice.target(Mode::Rehearsal),
            clock: self.practice.clock(),
            doors: Arc::new(Reach {
                practice: self.practice.clone(),
                down: Arc::clone(&self.down),
            }),
            operator: Arc::new(Says(says)),
            who: "ann@laptop".to_owned(),
            events: Events::new(move |event| heard.lock().unwrap().push(event)),
            notes: kept,
            stop: Stop::default(),
        });
        Desk {
            world,
            events,
            notes,
        }
    }
}

impl Desk {
    async fn take(&self, who: &str, wait: bool) -> Result<Lock> {
        let options = LockOptions {
            wait,
            holder: who.to_owned(),
            run: format!("run-of-{who}"),
            runbook: "warm_up".to_owned(),
        };
        Lock::take(&self.world, options).await
    }

    async fn lease(&self) -> Lease {
        k8s::lease(&self.world, "default").await.unwrap().unwrap()
    }

    async fn pause(&self, seconds: u64) {
        self.world.clock().sleep(Duration::from_secs(seconds)).await;
    }

    fn seen<T>(&self, pick: impl Fn(&What) -> Option<T>) -> Vec<T> {
        let events = self.events.lock().unwrap();
        events.iter().filter_map(|e| pick(&e.what)).collect()
    }

    fn said(&self) -> String {
        let lines = self.seen(|what| match what {
            What::Said { text, .. } => Some(text.clone()),
            _ => None,
        });
        lines.join("\n")
    }
}

/// Runs a test in a world with these faults.
fn within(faults: &[&str], test: impl AsyncFnOnce(&Cluster)) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build().unwrap();
    let practice = Practice::fresh(&Setup {
        faults: faults.iter().map(|f| Fault::parse(f).unwrap()).collect(),
        ..Setup::default()
    });
    let cluster = Cluster {
        practice: practice.unwrap(),
        down: Arc::default(),
    };
    runtime.block_on(async {
        cluster.practice.start(Events::new(|_| {}));
        test(&cluster).await;
        assert_eq!(cluster.practice.ledger(), [], "a lease is no change");
    });
}

const ANN: &str = "ann@laptop";
const EVE: &str = "eve@tower";

#[test]
fn a_second_run_is_told_who_holds_it_since_when_and_doing_what() {
    within(&[], async |cluster| {
        let (ann, eve) = (cluster.desk(""), cluster.desk(""));
        let lock = ann.take(ANN, false).await.unwrap();
        ann.world.begin_step("Grow the pool".to_owned());
        ann.pause(20).await;
        let refused = eve.take(EVE, false).await.unwrap_err();
        assert_eq!((refused.kind, refused.kind.exit_code()), (Kind::Refused, 5));
        assert_eq!(
            refused.message,
            "ann@laptop holds the lock on callysto-cluster since 2026-01-15 13:00 UTC (20 s): \
             warm_up, run run-of-ann@laptop, step \"Grow the pool\""
        );
        assert!(refused.hint.unwrap().contains("`--wait`"));
        lock.release(&ann.world).await;
        eve.take(EVE, false).await.unwrap();
    });
}

#[test]
fn whoever_waits_sees_it_and_gets_it_after_the_release() {
    within(&[], async |cluster| {
        let (ann, eve) = (cluster.desk(""), cluster.desk(""));
        let first = ann.take(ANN, false).await.unwrap();
        let work = async {
            ann.pause(1802).await;
            first.release(&ann.world).await;
        };
        let (second, ()) = tokio::join!(eve.take(EVE, true), work);
        let since = eve.world.clock().now();
        second.unwrap().before_write(&eve.world).await.unwrap();
        let lease = eve.lease().await;
        assert_eq!(lease.holder(), Some(EVE));
        assert_eq!(lease.acquired(), Some(since));
        let ended = eve.seen(|what| match what {
            What::WaitEnded {
                what,
                ok,
                took_seconds,
                ..
            } => Some((what.clone(), *ok, *took_seconds)),
            _ => None,
        });
        let what = "the lock on callysto-cluster, held by ann@laptop".to_owned();
        assert_eq!(ended, [(what, true, 1805)]);
        let heard = eve.seen(|what| match what {
            What::Progress { why, .. } => why.clone(),
            _ => None,
        });
        assert!(heard.len() > 100 && heard[0].contains("run-of-ann@laptop"));
    });
}

#[test]
fn a_wait_for_it_can_be_stopped() {
    within(&[], async |cluster| {
        let (ann, eve) = (cluster.desk(""), cluster.desk(""));
        let _lock = ann.take(ANN, false).await.unwrap();
        let stop = async {
            eve.pause(60).await;
            eve.world.stop().stop();
        };
        let (stopped, ()) = tokio::join!(eve.take(EVE, true), stop);
        assert_eq!(stopped.unwrap_err().kind, Kind::Interrupted);
        assert_eq!(ann.lease().await.holder(), Some(ANN));
    });
}

#[test]
fn of_two_who_take_it_at_once_one_gets_it() {
    within(&[], async |cluster| {
        let (ann, eve) = (cluster.desk(""), cluster.desk(""));
        for _ in 0..3 {
            let (one, two) = tokio::join!(ann.take(ANN, false), eve.take(EVE, false));
            assert_eq!(one.is_ok(), two.is_err());
            let refused = [one.as_ref(), two.as_ref()].map(|taken| taken.err().map(|e| e.kind));
            assert!(refused.contains(&Some(Kind::Refused)), "{refused:?}");
            let (winner, desk) = match (one, two) {
                (Ok(lock), _) => (lock, &ann),
                (_, lock) => (lock.unwrap(), &eve),
            };
            winner.before_write(&desk.world).await.unwrap();
            winner.release(&desk.world).await;
        }
    });
}

#[test]
fn an_expired_one_is_taken_over_only_with_the_operators_word() {
    within(&[], async |cluster| {
        let ann = cluster.desk("");
        let lock = ann.take(ANN, false).await.unwrap();
        ann.world.begin_step("Grow the pool".to_owned());
        ann.pause(16).await;
        drop(lock);
        ann.pause(300).await;
        let no = cluster.desk("no");
        let left = no.take(EVE, false).await.unwrap_err();
        assert_eq!(left.kind, Kind::Declined);
        assert_eq!(no.lease().await.holder(), Some(ANN));
        let yes = cluster.desk("take-over");
        yes.take(EVE, false).await.unwrap();
        assert_eq!(yes.lease().await.holder(), Some(EVE));
        assert_eq!(yes.said(), "took the lock over from ann@laptop");
        let notes = yes.notes.0.lock().unwrap().clone();
        let [
            Note::Answered {
                question,
                answer,
                who,
                ..
            },
        ] = &notes[..]
        else {
            panic!("{notes:?}")
        };
        assert_eq!((answer.as_str(), who.as_str()), ("take-over", "ann@laptop"));
        assert!(question.contains("ann@laptop") && question.contains("\"Grow the pool\""));
        assert!(question.contains("(5 min 01 s)"), "{question}");
    });
}

#[test]
fn the_same_run_takes_it_back_without_a_word() {
    within(&[], async |cluster| {
        let ann = cluster.desk("");
        let killed = ann.take(ANN, false).await.unwrap();
        drop(killed);
        for away in [1, 3600] {
            ann.pause(away).await;
            drop(ann.take(ANN, false).await.unwrap());
        }
        assert_eq!(ann.said(), "");
    });
}

#[test]
fn a_run_of_the_same_id_on_another_machine_is_another_run() {
    within(&[], async |cluster| {
        let ann = cluster.desk("");
        let lock = ann.take(ANN, false).await.unwrap();
        let mut options = lock.hold.options.clone();
        options.holder = EVE.to_owned();
        let refused = Lock::take(&ann.world, options).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Refused);
    });
}

#[test]
fn renewals_keep_it_alive_and_end_with_it() {
    within(&[], async |cluster| {
        let ann = cluster.desk("");
        let lock = ann.take(ANN, false).await.unwrap();
        let taken = ann.lease().await;
        for minute in 0..60 {
            ann.pause(60).await;
            let lease = ann.lease().await;
            assert!(!lease.is_expired(ann.world.clock().now()), "{minute}");
            assert_eq!(lease.acquired(), taken.acquired());
        }
        lock.release(&ann.world).await;
        let released = ann.lease().await;
        ann.pause(600).await;
        let still = ann.lease().await;
        assert_eq!((still.holder(), still.heard()), (None, released.heard()));
        assert_eq!(still.run(), "run-of-ann@laptop");
    });
}

#[test]
fn a_lost_one_stops_the_run_before_its_next_write_even_when_it_is_free_again() {
    within(&[], async |cluster| {
        let (ann, eve) = (cluster.desk(""), cluster.desk("take-over"));
        let lost = ann.take(ANN, false).await.unwrap();
        lost.before_write(&ann.world).await.unwrap();
        // As a laptop that sleeps.
        lost.renewals.abort();
        ann.pause(120).await;
        let theirs = eve.take(EVE, false).await.unwrap();
        let refused = lost.before_write(&ann.world).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Refused);
        assert_eq!(
            refused.message,
            "eve@tower has taken over the lock on callysto-cluster, since 2026-01-15 13:02 UTC \
             (0 s): warm_up, run run-of-eve@tower; nothing more was changed"
        );
        theirs.release(&eve.world).await;
        let refused = lost.before_write(&ann.world).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Refused);
        assert!(
            refused
                .hint
                .unwrap()
                .contains("`runbook resume run-of-ann@laptop`")
        );
        lost.release(&ann.world).await;
        assert_eq!(eve.lease().await.run(), "run-of-eve@tower");
    });
}

#[test]
fn one_that_expired_while_nobody_looked_is_taken_again() {
    within(&[], async |cluster| {
        let ann = cluster.desk("");
        let lock = ann.take(ANN, false).await.unwrap();
        lock.renewals.abort();
        ann.pause(3600).await;
        lock.before_write(&ann.world).await.unwrap();
        let lease = ann.lease().await;
        assert_eq!(lease.heard(), Some(ann.world.clock().now()));
    });
}

#[test]
fn an_api_server_that_does_not_answer_is_waited_for() {
    within(&[], async |cluster| {
        let ann = cluster.desk("");
        let lock = ann.take(ANN, false).await.unwrap();
        let began = ann.world.clock().now();
        cluster.down.store(true, Ordering::SeqCst);
        let back = async {
            ann.pause(3 * 3600).await;
            cluster.down.store(false, Ordering::SeqCst);
        };
        let (may, ()) = tokio::join!(lock.before_write(&ann.world), back);
        may.unwrap();
        assert!(ann.world.clock().since(began) >= Duration::from_hours(3));
        assert!(!ann.lease().await.is_expired(ann.world.clock().now()));
        let tries = ann.seen(|what| match what {
            What::Retrying { what, why, .. } => Some(format!("{what}: {why}")),
            _ => None,
        });
        assert!(tries.len() > 100);
        assert_eq!(
            tries[0],
            "look at the lock before changing anything: no route to host"
        );
    });
}

#[test]
fn one_taken_over_while_the_api_server_was_out_of_reach_is_lost() {
    within(&["lease-lost@1m"], async |cluster| {
        let ann = cluster.desk("");
        let lock = ann.take(ANN, false).await.unwrap();
        cluster.down.store(true, Ordering::SeqCst);
        let back = async {
            ann.pause(600).await;
            cluster.down.store(false, Ordering::SeqCst);
        };
        let (lost, ()) = tokio::join!(lock.before_write(&ann.world), back);
        assert_eq!(lost.unwrap_err().kind, Kind::Refused);
    });
}
