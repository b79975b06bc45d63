//! The operator's machine in the practice world: nobody's real files are touched by a rehearsal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures::future::BoxFuture;
use serde_yaml::Value;

use super::fault::Trouble;
use super::gke::HOSTS;
use super::handle::Sim;
use crate::error::{Error, Kind, Result};
use crate::world::Doors as _;
use crate::world::desk::{Desk, PLUGIN, Replaced, Replacement};

use super::Practice;

/// Where kubectl keeps its kubeconfig.
const KUBECONFIG: &str = "~/.kube/config";

/// A laptop on which somebody has played with Kubernetes before.
const BEFORE: &str = "\
apiVersion: v1
clusters:
# at home
- cluster:
    server: https://192.0.2.49:8443
  name: minikube
contexts:
- context:
    cluster: minikube
    namespace: default
    user: minikube
  name: minikube
current-context: minikube
kind: Config
preferences: {}
users:
- name: minikube
  user:
    client-certificate: /home/ann/.minikube/client.crt
    client-key: /home/ann/.minikube/client.key
";

/// What is on the desk at first: files by name.
pub(super) fn files() -> BTreeMap<String, String> {
    BTreeMap::from([(KUBECONFIG.to_owned(), BEFORE.to_owned())])
}

fn named(file: &Path) -> String {
    file.display().to_string()
}

impl Desk for Practice {
    fn kubeconfigs(&self) -> Vec<PathBuf> {
        vec![KUBECONFIG.into()]
    }

    fn read(&self, file: &Path) -> Result<Option<String>> {
        let read = |sim: &Sim| sim.change(|state, _| state.desk.get(&named(file)).cloned());
        Ok(read(&self.0.sim))
    }

    fn replace(&self, replacement: Replacement) -> BoxFuture<'_, Result<Replaced>> {
        Box::pin(async move {
            let Replacement {
                file,
                old,
                new,
                backup,
            } = replacement;
            let name = named(&file);
            Ok(self.0.sim.change(|state, now| {
                if state.desk.get(&name) != old.as_ref() {
                    return Replaced::Moved;
                }
                let backup = old.map(|old| {
                    let backup = format!("{name}.{backup}");
                    state.desk.insert(backup.clone(), old);
                    backup
                });
                state.record("WRITE", &name, new.clone().into(), now);
                state.desk.insert(name, new);
                Replaced::Done(backup.map(PathBuf::from))
            }))
        })
    }

    fn kubectl(&self, files: &[PathBuf], context: &str) -> BoxFuture<'_, Result<kube::Client>> {
        let (files, context) = (files.to_owned(), context.to_owned());
        Box::pin(async move {
            let mut lists = Lists::default();
            for file in files {
                lists.read(&self.read(&file)?.unwrap_or_default());
            }
            let (server, command) = lists.way(&context).ok_or_else(|| {
                let fact = format!("error: context \"{context}\" does not exist");
                Error::new(Kind::Config, fact).hint("see `kubectl config get-contexts`")
            })?;
            let missing =
                (self.0.sim).change(|state, now| state.strikes(Trouble::PluginMissing, now));
            if missing || command != PLUGIN {
                let fact = format!("kubectl cannot sign in: {command} is not on PATH");
                let hint = format!("install it with `gcloud components install {PLUGIN}`");
                return Err(Error::new(Kind::Credentials, fact).hint(hint));
            }
            let host = server.trim_start_matches("https://");
            if !HOSTS.contains(&host) {
                let fact = format!("{server} does not answer");
                return Err(Error::new(Kind::Unreachable, fact).hint("check its address"));
            }
            self.k8s().await
        })
    }
}

/// The lists of kubeconfigs, by name, as kubectl puts several files together.
#[derive(Default)]
struct Lists(BTreeMap<(&'static str, String), Value>);

impl Lists {
    fn read(&mut self, text: &str) {
        let Ok(file) = serde_yaml::from_str::<Value>(text) else {
            return;
        };
        for (list, inner) in [
            ("clusters", "cluster"),
            ("contexts", "context"),
            ("users", "user"),
        ] {
            let items = file.get(list).and_then(Value::as_sequence);
            for item in items.into_iter().flatten() {
                let name = item.get("name").and_then(Value::as_str);
                if let (Some(name), Some(inner)) = (name, item.get(inner)) {
                    let key = (list, name.to_owned());
                    self.0.entry(key).or_insert_with(|| inner.clone());
                }
            }
        }
    }

    fn text(&self, list: &'static str, name: &str, path: &[&str]) -> Option<&str> {
        let item = self.0.get(&(list, name.to_owned()))?;
        let found = path.iter().try_fold(item, |value, key| value.get(key))?;
        found.as_str()
    }

    /// The server a context leads to, and the program that signs in.
    fn way(&self, context: &str) -> Option<(&str, &str)> {
        let cluster = self.text("contexts", context, &["cluster"])?;
        let user = self.text("contexts", context, &["user"])?;
        Some((
            self.text("clusters", cluster, &["server"])?,
            self.text("users", user, &["exec", "command"])?,
        ))
    }
}
