//! kubectl's own access to the cluster: what a kubeconfig has to say, and whether it works.

use serde_json::{Value, json};

use super::options::Options;
use super::{function, optional};
use crate::engine::table::Type;
use crate::engine::{Answer, Args, Function};
use crate::error::{Error, Kind, Result};
use crate::gke;
use crate::k8s::kubeconfig::{self, Entry, Look, Wish, Written};
use crate::names::{Class, K8sEndpoint};
use crate::world::World;

/// Keys of the maps these functions give back.
pub(super) const KEYS: &[&str] = &[
    "context", "server", "file", "exists", "changes", "yaml", // what is there
    "files", "backups", // what was written
];

const OPTIONS: &[(&str, Type)] = &[("options", Type::Map)];

pub(super) const FUNCTIONS: &[Function] = &[
    optional(
        1,
        function(
            "kubectl::access",
            Class::Read,
            OPTIONS,
            Type::Map,
            access,
            "What kubectl needs to reach the cluster, and what would change in its kubeconfig: context, server, file, exists (a file that would change is there already), changes (a line each), yaml (a kubeconfig of this cluster alone). Options: `file` (instead of those kubectl reads), `endpoint` (ip, dns or internal), `keep_current` (leave the current context as it is).",
        ),
    ),
    optional(
        1,
        function(
            "kubectl::write",
            Class::WriteConverge,
            OPTIONS,
            Type::Map,
            write,
            "Writes that into the kubeconfig; everything else in it stays as it is. Gives back files (those written) and backups (their old contents). The options are those of `kubectl::access`.",
        ),
    )
    .lockless(),
    optional(
        1,
        function(
            "kubectl::prove",
            Class::Read,
            OPTIONS,
            Type::Unit,
            prove,
            "Sends one request exactly as kubectl would, with the credentials the kubeconfig names; fails when it does not get through. The options are those of `kubectl::access`.",
        ),
    ),
];

async fn wish(world: &World, args: &Args) -> Result<Wish> {
    let options = Options::of(args, 0, &["file", "endpoint", "keep_current"])?;
    let endpoint = options.text("endpoint")?.filter(|name| !name.is_empty());
    let endpoint = endpoint.map(|name| serde_json::from_value(Value::from(name)));
    let endpoint: Option<K8sEndpoint> = endpoint
        .transpose()
        .map_err(|_| Error::new(Kind::Script, "`endpoint` must be ip, dns or internal"))?;
    let found = gke::access(world, endpoint).await?;
    Ok(Wish {
        entry: Entry {
            name: found.name,
            server: found.server,
            authority: found.authority,
            impersonate: found.impersonate,
        },
        file: options
            .text("file")?
            .filter(|file| !file.is_empty())
            .map(Into::into),
        switch: !options.flag("keep_current")?,
    })
}

fn access(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let wish = wish(&world, &args).await?;
        let Look {
            file,
            exists,
            changes,
            alone,
        } = kubeconfig::look(&world, &wish)?;
        Ok(json!({
            "context": wish.entry.name,
            "server": wish.entry.server,
            "file": file,
            "exists": exists,
            "changes": changes,
            "yaml": alone,
        }))
    })
}

fn write(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let wish = wish(&world, &args).await?;
        let Written { files, backups } = kubeconfig::write(&world, &wish, "kubectl::write").await?;
        Ok(json!({ "files": files, "backups": backups }))
    })
}

fn prove(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let wish = wish(&world, &args).await?;
        kubeconfig::prove(&world, &wish).await?;
        Ok(().into())
    })
}
