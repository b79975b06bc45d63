//! Everything the practice world is: plain data and an agenda, so that it can be saved at any moment.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::apiserver::Store;
use super::chance::Chance;
use super::copy::Origin;
use super::crowd::Churn;
use super::desk;
use super::drains::Drain;
use super::fault::{Fault, Trouble, When};
use super::github::GitHub;
use super::hub::Hub;
use super::layout::Layout;
use super::leases::Held;
use super::operations::Operation;
use super::people::Person;
use super::pools::Pool;

/// When a practice world begins where nothing else is said: 2026-01-15T13:00:00Z.
pub(super) const EPOCH: Timestamp = Timestamp::constant(1_768_482_000, 0);

/// How long a laptop sleeps, in milliseconds.
const NAP: u64 = 2 * 60 * 60 * 1000;

/// A change the world accepted, kept by the world itself and not by whoever asked for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mutation {
    /// Virtual milliseconds since the world's start.
    pub at_ms: u64,
    /// HTTP method.
    pub method: String,
    /// What was changed: the resource's path, with its verb (`.../nodePools/nb-user:setSize`).
    pub what: String,
    /// What was sent.
    pub body: Value,
}

/// Something that is due at a known moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Todo {
    /// GKE takes the cluster for itself.
    HoldCluster,
    /// An operation ends.
    Finish { operation: String },
    /// A new machine's kubelet reports in.
    Register { node: String },
    /// Its network is up.
    Connect { node: String },
    /// It can run pods.
    MakeReady { node: String },
    /// Its image pullers get on.
    Pull { node: String, step: Pulling },
    /// The autoscaler takes it away if nobody has needed it for long enough.
    Consider { node: String },
    /// The autoscaler takes machines back that never came.
    GiveUp { pool: String },
    /// The autoscaler says how it is.
    Publish,
    /// A pod's grace is over.
    EndPod { namespace: String, pod: String },
    /// It goes away.
    Remove { node: String },
    /// A day of people coming and going begins.
    Day,
    /// Somebody asks for a server and means to work so long.
    Arrive {
        namespace: String,
        user: String,
        works_ms: u64,
    },
    /// Somebody stops their server.
    Leave { namespace: String, pod: String },
    /// A pod's container is started, or its image pulled.
    #[serde(alias = "start-server")]
    StartPod { namespace: String, pod: String },
    /// A server that was asked for over the hub's API has had its time.
    JudgeSpawn { user: String, since_ms: u64 },
    /// A pod has done what it was made for.
    FinishPod { namespace: String, pod: String },
    /// An image has been pulled, and took so long.
    Fetched { fetched: Fetching, took_ms: u64 },
    /// It could not be; so many tries.
    FetchFailed { fetched: Fetching, tries: u32 },
    /// Waiting to try again; so many tries.
    FetchBackOff { fetched: Fetching, tries: u32 },
    /// The hubs look for servers that nobody uses.
    Cull,
    /// The autoscaler looks for pods that wait.
    ScaleUp,
    /// A deployment makes its lost pod again.
    Redeploy { namespace: String, name: String },
    /// A hub's pod goes away for good.
    LoseHub,
    /// A hub ends right after it was started for the so-many-th time.
    Crash { restarts: u32 },
    /// Somebody of a crowd comes, goes or starts.
    Churn(Churn),
    /// The program is killed.
    Die,
    /// The machine the program runs on falls asleep.
    Sleep,
    /// Something that resists a drain is put on a node.
    Hinder { trouble: Trouble },
    /// A budget that allowed nothing allows an eviction.
    Unblock,
    /// The pods of a node are asked to go once more.
    Drain { node: String },
    /// A pull request is merged, or cannot be.
    Merge { number: u64 },
    /// Another operator does something with the lock.
    Lease { step: Held },
}

/// How far the image pullers of a node are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Pulling {
    /// Pods are bound to the node, which cannot run them yet.
    Bound,
    /// Pulling the small image of the first init container.
    Tools,
    /// That took so long; pulling the notebook image.
    Notebook { took_ms: u64 },
    /// The notebook image cannot be had; so many tries.
    Failing { tries: u32 },
    /// Waiting to try again; so many tries.
    BackingOff { tries: u32 },
    /// The notebook image took so long; everything is there.
    Done { took_ms: u64 },
}

/// An image that a node is pulling because a pod asks for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Fetching {
    pub(super) node: String,
    pub(super) image: String,
}

/// The practice world.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    #[serde(default)]
    pub(super) layout: Layout,
    /// Where it comes from, when it is a copy.
    #[serde(default)]
    pub(super) origin: Option<Box<Origin>>,
    /// When it began; what goes wrong is counted from then.
    #[serde(default = "epoch")]
    pub(super) began: Timestamp,
    pub(super) chance: Chance,
    pub(super) pools: BTreeMap<String, Pool>,
    pub(super) operations: Vec<Operation>,
    pub(super) store: Store,
    /// What is due, by virtual milliseconds since [`EPOCH`].
    pub(super) agenda: BTreeMap<u64, Vec<Todo>>,
    pub(super) faults: Vec<Fault>,
    /// Faults that strike once and have.
    pub(super) spent: BTreeSet<Trouble>,
    /// How many requests `rate-limited` has refused: GKE's, Kubernetes'.
    pub(super) limited: (u32, u32),
    pub(super) ledger: Vec<Mutation>,
    /// Everybody with a server, by `namespace/pod`.
    #[serde(default)]
    pub(super) people: BTreeMap<String, Person>,
    /// What the hub of the first namespace knows.
    #[serde(default)]
    pub(super) hub: Hub,
    /// What GitHub knows.
    #[serde(default)]
    pub(super) github: GitHub,
    /// The images being pulled, beside those of the image pullers.
    #[serde(default)]
    pub(super) fetching: BTreeSet<Fetching>,
    /// The nodes that are being emptied.
    #[serde(default)]
    pub(super) drains: BTreeMap<String, Drain>,
    /// The store's version with which everything else is in step.
    #[serde(default)]
    pub(super) pods_seen: u64,
    /// Files on the operator's machine, by name.
    #[serde(default)]
    pub(super) desk: BTreeMap<String, String>,
    /// How often something was put on disk: a record of the journal, or a change just accepted.
    #[serde(default)]
    pub(super) points: u64,
    /// The program's machine has just fallen asleep, for so many milliseconds.
    #[serde(skip)]
    pub(super) asleep: Option<u64>,
    /// It is time to be killed.
    #[serde(skip)]
    pub(super) dying: bool,
}

/// Milliseconds since [`EPOCH`]; zero for anything earlier.
pub(super) fn millis(at: Timestamp) -> u64 {
    u64::try_from(at.as_millisecond() - EPOCH.as_millisecond()).unwrap_or(0)
}

fn epoch() -> Timestamp {
    EPOCH
}

/// The moment so many milliseconds after [`EPOCH`].
pub(super) fn moment(millis: u64) -> Timestamp {
    later(EPOCH, millis)
}

/// So many milliseconds after `at`.
pub(super) fn later(at: Timestamp, millis: u64) -> Timestamp {
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    at.saturating_add(SignedDuration::from_millis(millis))
        .unwrap_or(Timestamp::MAX)
}

impl State {
    pub(super) fn empty(chance: Chance, began: Timestamp) -> Self {
        Self {
            layout: Layout::default(),
            origin: None,
            began,
            chance,
            pools: BTreeMap::new(),
            operations: Vec::new(),
            store: Store::default(),
            agenda: BTreeMap::new(),
            faults: Vec::new(),
            spent: BTreeSet::new(),
            limited: (0, 0),
            ledger: Vec::new(),
            people: BTreeMap::new(),
            hub: Hub::default(),
            github: GitHub::default(),
            fetching: BTreeSet::new(),
            drains: BTreeMap::new(),
            pods_seen: 0,
            desk: desk::files(),
            points: 0,
            asleep: None,
            dying: false,
        }
    }

    /// A moment some way after `at`, by chance.
    pub(super) fn soon(&mut self, at: Timestamp, range: (u64, u64)) -> Timestamp {
        later(at, self.chance.between(range))
    }

    pub(super) fn plan(&mut self, at: Timestamp, todo: Todo) {
        self.agenda.entry(millis(at)).or_default().push(todo);
    }

    /// When the next thing is due.
    pub(super) fn due(&self) -> Option<u64> {
        self.agenda.first_key_value().map(|(due, _)| *due)
    }

    /// Lets everything happen that is due by `now`, each at its own moment and in order: a world
    /// that is looked at late, or resumed later, has the same past.
    pub(super) fn advance(&mut self, now: Timestamp) {
        while let Some(entry) = self.agenda.first_entry() {
            if *entry.key() > millis(now) {
                return;
            }
            let (due, todos) = entry.remove_entry();
            for todo in todos {
                self.apply(todo, moment(due));
                self.mind_pods(moment(due));
            }
        }
    }

    fn apply(&mut self, todo: Todo, at: Timestamp) {
        match todo {
            Todo::HoldCluster => self.hold_cluster(at),
            Todo::Finish { operation } => self.finish(&operation, at),
            Todo::Register { node } => self.register(&node, at),
            Todo::Connect { node } => self.connect(&node, at),
            Todo::MakeReady { node } => self.make_ready(&node, at),
            Todo::Pull { node, step } => self.pull(&node, step, at),
            Todo::Consider { node } => self.consider(&node, at),
            Todo::Remove { node } => self.remove_node(&node, at),
            Todo::Day => self.day(at),
            Todo::Arrive {
                namespace,
                user,
                works_ms,
            } => {
                self.arrive((&namespace, &user), later(at, works_ms), at);
            }
            Todo::Leave { namespace, pod } => {
                self.leave(&namespace, &pod, at);
            }
            Todo::StartPod { namespace, pod } => self.start_pod(&namespace, &pod, at),
            Todo::JudgeSpawn { user, since_ms } => self.judge_spawn(&user, since_ms, at),
            Todo::FinishPod { namespace, pod } => self.finish_pod(&namespace, &pod, at),
            Todo::Fetched { fetched, took_ms } => self.fetched(&fetched, took_ms, at),
            Todo::FetchFailed { fetched, tries } => self.fetch_failed(fetched, tries, at),
            Todo::FetchBackOff { fetched, tries } => self.fetch_back_off(fetched, tries, at),
            Todo::Cull => self.cull(at),
            Todo::ScaleUp => self.scale_up(at),
            Todo::Redeploy { namespace, name } => self.redeploy(namespace, name, at),
            Todo::LoseHub => self.lose_hub(at),
            Todo::Crash { restarts } => self.crash(restarts, at),
            Todo::Churn(churn) => self.churn(churn, at),
            Todo::Die => self.dying = true,
            Todo::Sleep => self.sleep(at),
            Todo::Hinder { trouble } => self.hinder(trouble, at),
            Todo::Unblock => self.unblock(at),
            Todo::Drain { node } => self.drain_on(&node, at),
            Todo::GiveUp { pool } => self.give_up(&pool, at),
            Todo::Publish => self.publish_autoscaler(at),
            Todo::EndPod { namespace, pod } => self.end_pod(&namespace, &pod, at),
            Todo::Merge { number } => self.merge(number, at),
            Todo::Lease { step } => self.lease(step, at),
        }
    }

    /// What happens to the program's machine until then cannot happen to a program that is not
    /// running.
    pub(super) fn spare_this_machine(&mut self, until: Timestamp) {
        for (_, todos) in self.agenda.range_mut(..=millis(until)) {
            todos.retain(|todo| !matches!(todo, Todo::Die | Todo::Sleep));
        }
    }

    /// The program's machine sleeps; the world does not, and credentials expire.
    fn sleep(&mut self, at: Timestamp) {
        self.asleep = Some(NAP);
        self.spent.remove(&Trouble::ExpiredToken);
        self.faults.push(Fault {
            trouble: Trouble::ExpiredToken,
            when: When::After(at.as_millisecond() - self.began.as_millisecond()),
        });
    }

    /// Whether this goes wrong at this moment.
    pub(super) fn strikes(&self, trouble: Trouble, at: Timestamp) -> bool {
        let since = at.as_millisecond() - self.began.as_millisecond();
        !self.spent.contains(&trouble)
            && (self.faults.iter()).any(|fault| match fault.when {
                When::After(after) => fault.trouble == trouble && after <= since,
                When::Point(_) => false,
            })
    }

    /// Something is being put on disk; says whether the program is killed when it is there.
    pub(super) fn point(&mut self) -> bool {
        self.points += 1;
        let here = When::Point(self.points);
        let killed = self.faults.iter().any(|fault| fault.when == here);
        std::mem::take(&mut self.dying) || killed
    }

    /// The same, for what goes wrong only once.
    pub(super) fn strikes_once(&mut self, trouble: Trouble, at: Timestamp) -> bool {
        self.strikes(trouble, at) && self.spent.insert(trouble)
    }

    pub(super) fn record(&mut self, method: &str, what: &str, body: Value, at: Timestamp) {
        self.ledger.push(Mutation {
            at_ms: millis(at),
            method: method.to_owned(),
            what: what.to_owned(),
            body,
        });
    }
}
