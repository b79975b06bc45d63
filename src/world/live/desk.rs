//! The operator's real machine: kubeconfigs on its disk, and kubectl's way in.

mod file;

use std::ffi::OsString;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::BoxFuture;
use kube::client::{AuthError, ClientBuilder};
use kube::config::{ExecInteractiveMode, KubeConfigOptions, Kubeconfig};

use super::gcloud::{found_on, shortened};
use crate::error::{Error, Kind, Result};
use crate::world::desk::{Desk, PLUGIN, Replaced, Replacement};
use crate::world::post;
use crate::world::record::Record;

/// How long whatever gives kubectl its credentials may take.
const LIMIT: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);

const INSTALL: &str = "install it with `gcloud components install gke-gcloud-auth-plugin`, or the package google-cloud-cli-gke-gcloud-auth-plugin where gcloud came as a package; then run it again";

/// The desk, as `cli` found it.
pub(super) struct RealDesk {
    /// `KUBECONFIG`.
    pub(super) kubeconfig: Option<OsString>,
    /// The person's own folder.
    pub(super) home: Option<PathBuf>,
    /// `PATH`, to look for programs in.
    pub(super) path: OsString,
    /// Who hears of requests.
    pub(super) record: Record,
}

impl Desk for RealDesk {
    fn kubeconfigs(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = Vec::new();
        for file in self.kubeconfig.iter().flat_map(std::env::split_paths) {
            if !file.as_os_str().is_empty() && !files.contains(&file) {
                files.push(file);
            }
        }
        if files.is_empty() {
            files.extend(self.home.iter().map(|home| home.join(".kube/config")));
        }
        files
    }

    fn read(&self, file: &Path) -> Result<Option<String>> {
        file::read(file)
    }

    fn replace(&self, replacement: Replacement) -> BoxFuture<'_, Result<Replaced>> {
        Box::pin(async move {
            tokio::task::spawn_blocking(move || file::replace(&replacement))
                .await
                .map_err(|error| Error::new(Kind::Bug, error.to_string()))?
        })
    }

    fn kubectl(&self, files: &[PathBuf], context: &str) -> BoxFuture<'_, Result<kube::Client>> {
        let (files, context) = (files.to_owned(), context.to_owned());
        Box::pin(async move {
            let all = self.loaded(&files, &context)?;
            let options = KubeConfigOptions {
                context: Some(context),
                ..KubeConfigOptions::default()
            };
            let config = kube::Config::from_custom_kubeconfig(all, &options).await;
            let mut config = config.map_err(|error| broken(&post::chain(&error)))?;
            config.default_retry = false;
            config.connect_timeout = Some(CONNECT);
            // It runs the plugin and waits for it.
            let building = tokio::task::spawn_blocking(|| ClientBuilder::try_from(config));
            let built = tokio::time::timeout(LIMIT, building).await.map_err(|_| {
                let fact = format!("{PLUGIN} gave no token within {} s", LIMIT.as_secs());
                Error::new(Kind::Credentials, fact).hint("run it by hand to see what it waits for")
            })?;
            let built = built.map_err(|error| Error::new(Kind::Bug, error.to_string()))?;
            let builder = built.map_err(|error| refused(&error))?;
            Ok(builder.with_layer(&self.record).build())
        })
    }
}

impl RealDesk {
    /// The files as one, as kubectl reads them; whatever signs in must not talk to the terminal.
    fn loaded(&self, files: &[PathBuf], context: &str) -> Result<Kubeconfig> {
        let mut all = Kubeconfig::default();
        for file in files.iter().filter(|file| file.exists()) {
            let next = Kubeconfig::read_from(file).map_err(|error| broken(&post::chain(&error)))?;
            all = all
                .merge(next)
                .map_err(|error| broken(&post::chain(&error)))?;
        }
        let chosen = all.contexts.iter().find(|named| named.name == context);
        let user = chosen.and_then(|named| named.context.as_ref()?.user.clone());
        let mut users = all.auth_infos.iter_mut();
        let user = users.find(|named| Some(&named.name) == user.as_ref());
        let exec = user.and_then(|named| named.auth_info.as_mut()?.exec.as_mut());
        if let Some(exec) = exec {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
            let command = exec.command.clone().unwrap_or_default();
            let by_name = Path::new(&command).components().count() == 1;
            if by_name && found_on(&self.path, &[&command, &format!("{command}.exe")]).is_none() {
                return Err(missing(&command));
            }
        }
        Ok(all)
    }
}

fn broken(why: &str) -> Error {
    Error::new(
        Kind::Config,
        format!("kubectl could not read its files: {why}"),
    )
    .hint("see what `kubectl config view` says of them")
}

fn missing(command: &str) -> Error {
    let fact = format!("kubectl cannot sign in: {command} is not on PATH");
    Error::new(Kind::Credentials, fact).hint(INSTALL)
}

/// Why there is no client.
fn refused(error: &kube::Error) -> Error {
    let login = "log in the way kubectl does, with `gcloud auth login`; then run it again";
    match error {
        kube::Error::Auth(AuthError::AuthExecRun { out, .. }) => {
            let said = shortened(&String::from_utf8_lossy(&out.stderr));
            let fact = format!("kubectl cannot sign in: {PLUGIN} failed: {said}");
            Error::new(Kind::Credentials, fact).hint(login)
        }
        kube::Error::Auth(AuthError::AuthExecStart(why)) if why.kind() == ErrorKind::NotFound => {
            missing(PLUGIN)
        }
        // What it wrote could be a token.
        kube::Error::Auth(AuthError::AuthExecParse(_)) => {
            let fact = format!("kubectl cannot sign in: {PLUGIN} gave an answer without a token");
            Error::new(Kind::Credentials, fact).hint(login)
        }
        error => broken(&post::chain(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_looked_for_where_kubectl_looks() {
        let desk = |kubeconfig: Option<&str>, home: Option<&str>| {
            let events = crate::event::Events::new(|_| {});
            RealDesk {
                kubeconfig: kubeconfig.map(OsString::from),
                home: home.map(PathBuf::from),
                path: OsString::new(),
                record: Record::new("k8s", events, crate::world::Clock::Live),
            }
            .kubeconfigs()
        };
        let several = std::env::join_paths(["", "/a", "/b", "/a"]).unwrap();
        let several = several.into_string().unwrap();
        let paths = |all: &[&str]| all.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(desk(Some(&several), Some("/h")), paths(&["/a", "/b"]));
        assert_eq!(desk(Some(""), Some("/h")), paths(&["/h/.kube/config"]));
        assert_eq!(desk(None, None), paths(&[]));
    }
}
