//! What a kubeconfig holds of one cluster: the three entries `gcloud container clusters
//! get-credentials` writes, under one name.

use serde_yaml::{Mapping, Value};

use crate::world::desk::PLUGIN;

const API: &str = "client.authentication.k8s.io/v1beta1";
const API_ONE: &str = "client.authentication.k8s.io/v1";
/// What kubectl says when the plugin is missing; gcloud's own words.
const INSTALL: &str = "Install gke-gcloud-auth-plugin for use with kubectl by following https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl#install_plugin";
const IMPERSONATE: &str = "--impersonate_service_account=";

/// Access to one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What its context, cluster and user are called: `gke_PROJECT_LOCATION_CLUSTER`.
    pub name: String,
    /// `https://ADDRESS`.
    pub server: String,
    /// The cluster's certificate authority, base64 of PEM; none where a public one vouches for it.
    pub authority: Option<String>,
    /// The service account to act as.
    pub impersonate: Option<String>,
}

/// One of the three lists of a kubeconfig.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    Clusters,
    Contexts,
    Users,
}

impl Section {
    pub(super) const ALL: [Self; 3] = [Self::Clusters, Self::Contexts, Self::Users];

    /// The list's key.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Clusters => "clusters",
            Self::Contexts => "contexts",
            Self::Users => "users",
        }
    }

    /// The key of what an item of it holds.
    pub(super) fn inner(self) -> &'static str {
        match self {
            Self::Clusters => "cluster",
            Self::Contexts => "context",
            Self::Users => "user",
        }
    }
}

impl Entry {
    /// The item of this list as it should be, made of the one that is there: what is not ours stays,
    /// what contradicts ours goes.
    pub(super) fn item(&self, section: Section, old: Option<&Mapping>) -> Mapping {
        let key = section.inner();
        let inner = old.and_then(|old| old.get(key)).and_then(Value::as_mapping);
        let mut inner = inner.cloned().unwrap_or_default();
        match section {
            Section::Clusters => self.cluster(&mut inner),
            Section::Contexts => {
                set(&mut inner, "cluster", &self.name);
                set(&mut inner, "user", &self.name);
            }
            Section::Users => self.user(&mut inner),
        }
        let mut item = old.cloned().unwrap_or_default();
        if section == Section::Users {
            set(&mut item, "name", &self.name);
        }
        item.insert(key.into(), inner.into());
        set(&mut item, "name", &self.name);
        item
    }

    fn cluster(&self, inner: &mut Mapping) {
        for other in ["certificate-authority", "insecure-skip-tls-verify"] {
            inner.shift_remove(other);
        }
        match &self.authority {
            Some(authority) => set(inner, "certificate-authority-data", authority),
            None => drop(inner.shift_remove("certificate-authority-data")),
        }
        set(inner, "server", &self.server);
    }

    fn user(&self, inner: &mut Mapping) {
        let exec = inner.get("exec").and_then(Value::as_mapping);
        let exec = exec.filter(|exec| runs_plugin(exec)).cloned();
        // Any other way to sign in could be taken instead.
        inner.clear();
        let mut exec = exec.unwrap_or_default();
        let api = exec.get("apiVersion").and_then(Value::as_str);
        if !api.is_some_and(|api| api == API || api == API_ONE) {
            set(&mut exec, "apiVersion", API);
        }
        self.args(&mut exec);
        // A plugin that is named by its path stays so.
        if !exec.contains_key("command") {
            set(&mut exec, "command", PLUGIN);
        }
        if !exec.contains_key("installHint") {
            set(&mut exec, "installHint", INSTALL);
        }
        exec.insert("provideClusterInfo".into(), true.into());
        inner.insert("exec".into(), exec.into());
    }

    /// The plugin's arguments: whom to act as, and whatever else is there.
    fn args(&self, exec: &mut Mapping) {
        let old = exec.get("args").and_then(Value::as_sequence);
        let mut args = old.cloned().unwrap_or_default();
        args.retain(|arg| !arg.as_str().is_some_and(|arg| arg.starts_with(IMPERSONATE)));
        if let Some(account) = &self.impersonate {
            args.push(format!("{IMPERSONATE}{account}").into());
        }
        if args.is_empty() {
            if old.is_some_and(|old| !old.is_empty()) {
                exec.shift_remove("args");
            }
        } else {
            exec.insert("args".into(), args.into());
        }
    }
}

/// Whether a user's `exec` runs the plugin, by whatever path.
fn runs_plugin(exec: &Mapping) -> bool {
    let command = exec.get("command").and_then(Value::as_str);
    let command = command.unwrap_or_default();
    let name = command.rsplit(['/', '\\']).next().unwrap_or_default();
    name.strip_suffix(".exe").unwrap_or(name) == PLUGIN
}

fn set(mapping: &mut Mapping, key: &str, value: &str) {
    mapping.insert(key.into(), value.into());
}
