//! What a world's things are called and made of: the practice world's own, or those of the target
//! it is a copy of.

use serde::{Deserialize, Serialize};

use super::objects::NOTEBOOK;
use super::state::State;
use crate::names::{AllowList, CHECK_USER, ClusterName, Repository};

/// Names that more than one of its parts uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Layout {
    pub(super) cluster: ClusterName,
    /// The namespaces with a hub in them; the hub that can be asked is in the first.
    pub(super) hubs: Vec<String>,
    /// The image people get where nobody has configured another one.
    pub(super) notebook: String,
    /// Where the list of the domains stands.
    pub(super) list: AllowList,
    /// Whose servers our token at the hub may start and use.
    pub(super) checker: String,
    /// Version of the control plane.
    pub(super) version: String,
    /// The target that this is a copy of.
    pub(super) copy_of: Option<String>,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            cluster: ClusterName {
                project: "practice".to_owned(),
                location: "northamerica-northeast1".to_owned(),
                cluster: "callysto-cluster".to_owned(),
            },
            hubs: ["prod", "staging"].map(str::to_owned).to_vec(),
            notebook: NOTEBOOK.to_owned(),
            // The first key is where the list was before.
            list: AllowList {
                repository: Repository {
                    owner: "somebody".to_owned(),
                    name: "infrastructure".to_owned(),
                },
                path: "clusters/practice/hub.values.yaml".to_owned(),
                keys: [
                    "jupyterhub.hub.config.EmailAuthenticatingCILogonOAuthenticator.allowed_domains",
                    "jupyterhub.hub.config.CILogonOAuthenticator.allowed_idps.\"http://google.com/accounts/o8/id\".allowed_domains",
                ]
                .map(str::to_owned)
                .to_vec(),
            },
            checker: CHECK_USER.to_owned(),
            version: "1.30.5-gke.1014001".to_owned(),
            copy_of: None,
        }
    }
}

impl State {
    /// The namespace of the hub that can be asked.
    pub(super) fn hub_home(&self) -> &str {
        self.layout.hubs.first().map_or("", String::as_str)
    }

    /// Somebody else's repository, with the list of domains in it.
    pub(super) fn upstream(&self) -> String {
        self.layout.list.repository.to_string()
    }
}
