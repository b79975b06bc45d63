//! `runbook world serve`: the practice world for gcloud, kubectl and this program itself.

use clap::ArgMatches;

use super::Setup;
use crate::error::Result;
use crate::names::ClusterName;
use crate::sim::{self, Served, Speed};
use crate::ui::{self, Flags, Options};
use crate::world::{Clock, Target};
use crate::{cli, run};

/// The target's name in the `runbook.toml` that is printed.
const NAME: &str = "served";
/// How fast time passes after the first change, unless somebody says so.
const TIMES: u32 = 60;

/// Prints how to reach it, and serves it until it is stopped.
pub(super) fn serve(setup: &Setup<'_>, matches: &ArgMatches, screen: &Options) -> Result<u8> {
    let times = matches.get_one("speed").copied().unwrap_or(TIMES);
    let world = sim::Setup {
        begins: Clock::Live.now(),
        ..cli::run::practice(matches, Speed::Times(times))?
    };
    let port = matches.get_one("port").copied().unwrap_or_default();
    cli::run::accompanied(setup, screen, Flags::default(), |company| {
        run::serve(&world, port, company, |served, target| {
            ui::print(&configuration(served, target));
            ui::note(&guide(served, &target.cluster, times), screen);
        })
    })?;
    Ok(0)
}

/// A `runbook.toml` that leads there.
fn configuration(served: &Served, target: &Target) -> String {
    let ClusterName {
        project,
        location,
        cluster,
    } = &target.cluster;
    let Served {
        gke,
        hub,
        hub_token,
        github,
        github_token,
        registries,
        ..
    } = served;
    let namespace = target.hub_namespace.as_deref().unwrap_or_default();
    let list = target.allow_list.as_ref().map_or_else(String::new, |list| {
        format!(
            "allow_list = {{ repository = {:?}, path = {:?}, keys = {:?} }}\n",
            list.repository.to_string(),
            list.path,
            list.keys
        )
    });
    format!(
        "# The practice world, while `runbook world serve` goes on.\n\
         default_target = \"{NAME}\"\n\
         \n\
         [target.{NAME}]\n\
         project = {project:?}\n\
         location = {location:?}\n\
         cluster = {cluster:?}\n\
         watch = {:?}\n\
         endpoint = \"http://{gke}\"\n\
         hub = {{ url = \"http://{hub}\", namespace = {namespace:?}, \
         token = {{ command = [\"echo\", {hub_token:?}] }} }}\n\
         github = {{ url = \"http://{github}\", \
         token = {{ command = [\"echo\", {github_token:?}] }} }}\n\
         registry_mirror = \"http://{registries}\"\n\
         {list}",
        target.watch
    )
}

/// What to do with it.
fn guide(served: &Served, cluster: &ClusterName, times: u32) -> String {
    let Served { gke, iam, .. } = served;
    let ClusterName {
        project,
        location,
        cluster,
    } = cluster;
    format!(
        "\n\
         The practice world listens on this machine until Ctrl-C; standard output is the runbook.toml\n\
         that leads there. Time passes as on the wall until something is changed, then {times} times\n\
         as fast. In another terminal, beside that file:\n\
         \n\
         export CLOUDSDK_AUTH_ACCESS_TOKEN=ya29.practice\n\
         export CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER=http://{gke}/\n\
         export CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER=http://{iam}/\n\
         runbook trust\n\
         runbook run warm_up --nodes 2 --dry-run\n\
         gcloud container clusters get-credentials {cluster} --project {project} --location {location}\n"
    )
}
