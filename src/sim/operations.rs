//! GKE's operations: one thing at a time, and how each ends.

use google_cloud_container_v1::model::{self, NodePoolAutoscaling, StatusCondition, operation};
use google_cloud_rpc::model::{Code, Status};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use super::fault::Trouble;
use super::pools::Shortage;
use super::state::{State, Todo, later, millis, moment};

/// How long GKE's own upgrade holds the cluster, in milliseconds: least and most.
const UPGRADE: (u64, u64) = (300_000, 480_000);
/// GKE waits for the cluster like everybody else, and looks this often.
const LOOK_AGAIN: u64 = 1_000;

/// An operation: what GKE tells about it, and what it does when it ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Operation {
    pub(super) report: model::Operation,
    /// The pool it works on; none when it holds the whole cluster.
    pub(super) pool: Option<String>,
    effect: Effect,
}

/// What an operation does when it ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Effect {
    /// Nothing anybody can see.
    Nothing,
    /// The pool's autoscaling is replaced.
    Autoscale {
        pool: String,
        autoscaling: Box<NodePoolAutoscaling>,
    },
    /// The machines are there, or not, or have gone.
    Size {
        pool: String,
        failure: Option<Shortage>,
        /// Those that have to go first.
        leaving: BTreeSet<String>,
        /// It is not over before.
        ends_ms: u64,
        /// It is over so long after the last of them has gone.
        settle_ms: u64,
    },
}

impl Operation {
    /// One that somebody else has begun; what it does nobody knows.
    pub(super) fn of_somebody(report: model::Operation) -> Self {
        let pool = report.target_link.split_once("/nodePools/");
        let pool = pool.map(|(_, pool)| pool.to_owned());
        Self {
            report,
            pool,
            effect: Effect::Nothing,
        }
    }

    pub(super) fn runs(&self) -> bool {
        self.report.status != operation::Status::Done
    }
}

impl State {
    /// The operation that keeps another one from starting: a cluster-wide one excludes everything,
    /// one on a pool excludes others on that pool.
    pub(super) fn blocker(&self, pool: Option<&str>) -> Option<&Operation> {
        self.operations.iter().find(|op| {
            let other = op.pool.as_deref();
            op.runs() && (pool.is_none() || other.is_none() || pool == other)
        })
    }

    /// Starts an operation; the caller has made sure that nothing blocks it.
    pub(super) fn begin(
        &mut self,
        kind: operation::Type,
        (pool, effect): (Option<String>, Effect),
        at: Timestamp,
        ends: Timestamp,
    ) -> model::Operation {
        let name = format!("operation-{}-{}", at.as_millisecond(), self.chance.uuid());
        let links = "https://container.googleapis.com/v1/projects/123456789012/locations";
        let location = self.layout.cluster.location.clone();
        let target = match &effect {
            Effect::Nothing => String::new(),
            Effect::Autoscale { pool, .. } | Effect::Size { pool, .. } => {
                format!("/nodePools/{pool}")
            }
        };
        let report = model::Operation::new()
            .set_self_link(format!("{links}/{location}/operations/{name}"))
            .set_target_link(format!(
                "{links}/{location}/clusters/{}{target}",
                self.layout.cluster.cluster
            ))
            .set_name(&name)
            .set_location(&location)
            .set_operation_type(kind)
            .set_status(operation::Status::Running)
            .set_start_time(at.to_string());
        self.operations.push(Operation {
            report: report.clone(),
            pool,
            effect,
        });
        self.plan(ends, Todo::Finish { operation: name });
        report
    }

    /// The end of an operation.
    pub(super) fn finish(&mut self, name: &str, at: Timestamp) {
        let found = self.operations.iter_mut().find(|op| op.report.name == name);
        let Some(op) = found.filter(|op| op.runs()) else {
            return;
        };
        if matches!(&op.effect, Effect::Size { leaving, .. } if !leaving.is_empty()) {
            // It goes on until they have.
            return;
        }
        let began = op.report.start_time.parse().unwrap_or(at);
        if op.report.status == operation::Status::Aborting {
            let cancelled = Status::new()
                .set_code(number(&Code::Cancelled))
                .set_message("The operation was cancelled.");
            op.report.error = Some(cancelled);
        }
        op.report.status = operation::Status::Done;
        op.report.end_time = at.to_string();
        let effect = std::mem::replace(&mut op.effect, Effect::Nothing);
        match effect {
            Effect::Nothing => {}
            Effect::Autoscale { pool, autoscaling } => {
                if let Some(pool) = self.pools.get_mut(&pool) {
                    pool.autoscaling = *autoscaling;
                }
                self.doubt(&pool, at, at);
                self.survey(at);
            }
            Effect::Size { pool, failure, .. } => {
                if let Some(shortage) = failure {
                    self.fall_short(name, &pool, &shortage);
                    self.doubt(&pool, began, at);
                }
            }
        }
        self.publish_autoscaler(at);
    }

    /// A machine has gone: an operation that waited for it may end.
    pub(super) fn gone(&mut self, node: &str, at: Timestamp) {
        let mut over = Vec::new();
        for op in self.operations.iter_mut().filter(|op| op.runs()) {
            if let Effect::Size {
                leaving,
                ends_ms,
                settle_ms,
                ..
            } = &mut op.effect
                && leaving.remove(node)
                && leaving.is_empty()
            {
                let ends = (millis(at) + *settle_ms).max(*ends_ms);
                over.push((moment(ends), op.report.name.clone()));
            }
        }
        for (ends, operation) in over {
            self.plan(ends, Todo::Finish { operation });
        }
    }

    #[expect(
        deprecated,
        reason = "GKE still sends them, and gcloud looks at nothing else"
    )]
    fn fall_short(&mut self, name: &str, pool: &str, shortage: &Shortage) {
        let Some(op) = self.operations.iter_mut().find(|op| op.report.name == name) else {
            return;
        };
        let error = Status::new()
            .set_code(number(&Code::ResourceExhausted))
            .set_message(&shortage.message);
        op.report.error = Some(error);
        if shortage.trouble == Trouble::Stockout {
            let condition = StatusCondition::new()
                .set_code(model::status_condition::Code::GceStockout)
                .set_canonical_code(Code::ResourceExhausted)
                .set_message(&shortage.message);
            op.report.status_message.clone_from(&shortage.message);
            op.report.nodepool_conditions = vec![condition.clone()];
            if let Some(pool) = self.pools.get_mut(pool) {
                pool.condition = Some(condition);
            }
        }
    }

    /// GKE takes the cluster for itself as soon as it is free.
    pub(super) fn hold_cluster(&mut self, at: Timestamp) {
        if self.blocker(None).is_some() {
            return self.plan(later(at, LOOK_AGAIN), Todo::HoldCluster);
        }
        let ends = self.soon(at, UPGRADE);
        let kind = operation::Type::UpgradeMaster;
        self.begin(kind, (None, Effect::Nothing), at, ends);
    }
}

fn number(code: &Code) -> i32 {
    code.value().unwrap_or_default()
}
