//! Where a run acts.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::clock;
use crate::names::{AllowList, ClusterName, K8sEndpoint, Mode, Person, Price};

/// Where a run acts, as the rooms need to know it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Target {
    /// Its name in `runbook.toml`, or `practice`.
    pub name: String,
    /// The cluster.
    pub cluster: ClusterName,
    /// Namespaces of the hubs; empty means all.
    pub watch: Vec<String>,
    /// The namespace in which a team keeps its lease and its debts.
    pub home: String,
    /// A debt older than this is told at the beginning of every run.
    pub debt_age: Duration,
    /// What a node costs, where somebody has said so.
    pub price: Option<Price>,
    /// How the names of the hubs' own pods begin.
    pub hub_pods: Vec<String>,
    /// The namespace of the hub that can be asked, as far as anybody has said.
    pub hub_namespace: Option<String>,
    /// Who a check of the hub logs in as.
    pub check_user: String,
    /// Where the list of the domains stands whose people may log in.
    pub allow_list: Option<AllowList>,
    /// Who signs what is proposed to others.
    #[serde(skip)]
    pub author: Option<Person>,
    /// Where images are asked for instead of at their registries, as `http://HOST:PORT`.
    #[serde(default)]
    pub registry_mirror: Option<String>,
    /// Which of its endpoints is used.
    pub k8s_endpoint: K8sEndpoint,
    /// A service account to act as.
    #[serde(skip)]
    pub impersonate: Option<String>,
    /// Whether an ordinary confirmation asks for the target's name to be typed.
    pub type_name: bool,
    /// The time zone times are shown in; UTC when there is none.
    pub timezone: Option<String>,
    /// How it runs.
    pub mode: Mode,
}

impl Target {
    /// A moment as people here read it.
    pub fn moment(&self, at: Timestamp) -> String {
        clock::moment(at, self.timezone.as_deref())
    }
}
