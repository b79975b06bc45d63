//! Whether a runbook may do what it will want to do: every permission, judged where it is kept.
//!
//! Asks and never changes anything. What is proven was said by whoever decides; what is only
//! inferred says so.

mod fix;
mod reach;

pub use reach::reach;

use std::fmt;

use futures::future::join_all;
use serde::Serialize;

use crate::error::{Error, Kind};
use crate::names::{Need, Where};
use crate::world::World;
use crate::world::github::TokenKind;
use crate::{github, gke, hub, k8s};

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Whoever decides said yes.
    Proven,
    /// Nobody said no, and it is likely.
    Inferred,
    /// Whoever decides said no.
    Missing,
    /// It could not be asked.
    Unknown,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where it belongs: `gke`, `kubernetes`, `hub`, `github`.
    pub part: &'static str,
    /// What: `container.clusters.update`, `list pods in prod`.
    pub what: String,
    /// How sure.
    pub verdict: Verdict,
    /// Why, where that is not plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to run, or whom to ask for what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// What it is about.
    #[serde(skip)]
    pub need: Option<Need>,
}

impl Finding {
    /// A finding that is as it should be.
    pub fn good(part: &'static str, what: impl Into<String>) -> Self {
        Self {
            part,
            what: what.into(),
            verdict: Verdict::Proven,
            why: None,
            fix: None,
            need: None,
        }
    }

    /// A finding that is an error.
    pub fn bad(part: &'static str, what: impl Into<String>, error: &Error) -> Self {
        let verdict = match error.kind {
            Kind::Denied | Kind::Credentials | Kind::Config | Kind::NotFound => Verdict::Missing,
            _ => Verdict::Unknown,
        };
        Self {
            verdict,
            why: Some(error.message.clone()),
            fix: error.hint.clone(),
            ..Self::good(part, what)
        }
    }

    fn about(self, need: Need) -> Self {
        Self {
            need: Some(need),
            ..self
        }
    }

    fn missing(self, fix: String) -> Self {
        Self {
            verdict: Verdict::Missing,
            fix: Some(fix),
            ..self
        }
    }

    /// Whether a run that needs it would fail.
    pub fn is_missing(&self) -> bool {
        self.verdict == Verdict::Missing
    }

    /// What a run that needs it would fail with.
    pub fn error(&self) -> Error {
        let why = self
            .why
            .as_ref()
            .map(|why| format!(": {why}"))
            .unwrap_or_default();
        let error = Error::new(
            Kind::Denied,
            format!("our credentials lack {}{why}", self.what),
        );
        match &self.fix {
            Some(fix) => error.hint(fix.clone()),
            None => error,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(why) = &self.why {
            write!(f, ": {why}")?;
        }
        Ok(())
    }
}

/// Judges each of these needs, those of one service together.
pub async fn permissions(world: &World, needs: &[Need]) -> Vec<Finding> {
    let _hasty = world.hasten();
    let mut needs = needs.to_vec();
    needs.sort_unstable();
    needs.dedup();
    let mut found = iam(world, &needs).await;
    found.extend(kubernetes(world, &needs).await);
    found.extend(at_hub(world, &needs).await);
    found.extend(at_github(world, &needs).await);
    found
}

/// Google's IAM: all at once.
async fn iam(world: &World, needs: &[Need]) -> Vec<Finding> {
    let wanted: Vec<(Need, &'static str)> = needs
        .iter()
        .filter_map(|need| match need {
            Need::Iam(permission) => Some((*need, *permission)),
            _ => None,
        })
        .collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let names: Vec<&str> = wanted.iter().map(|(_, name)| *name).collect();
    let granted = match gke::permissions(world, &names).await {
        Ok(granted) => granted,
        Err(error) => return vec![Finding::bad("gke", "credentials for Google Cloud", &error)],
    };
    // The cheapest read proves the reading half where nobody can be asked.
    let read = match &granted {
        Ok(_) => Ok(()),
        Err(_) => gke::cluster(world).await.map(drop),
    };
    let judge = |(need, name): (Need, &'static str)| {
        let finding = Finding::good("gke", name).about(need);
        match (&granted, &read) {
            (Ok(granted), _) if granted.iter().any(|one| one == name) => finding,
            (Ok(_), _) => finding.missing(fix::iam(world.target(), name)),
            (Err(_), Err(error)) => Finding::bad("gke", name, error).about(need),
            (Err(_), Ok(())) if name == "container.clusters.get" => finding,
            (Err(why), Ok(())) => Finding {
                verdict: Verdict::Inferred,
                why: Some(format!(
                    "the cluster can be read, and nobody can be asked for more: {why}"
                )),
                ..finding
            },
        }
    };
    wanted.into_iter().map(judge).collect()
}

/// The namespaces in which something is needed; none is the whole cluster.
fn places(world: &World, place: Where) -> Vec<Option<String>> {
    let target = world.target();
    match place {
        Where::Cluster => vec![None],
        Where::Home => vec![Some(target.home.clone())],
        Where::System => vec![Some("kube-system".to_owned())],
        Where::Hub => vec![target.hub_namespace.clone()],
        Where::Watched if target.watch.is_empty() => vec![None],
        Where::Watched => target.watch.iter().cloned().map(Some).collect(),
    }
}

/// Kubernetes: one question for each verb, resource and namespace.
async fn kubernetes(world: &World, needs: &[Need]) -> Vec<Finding> {
    let questions = needs.iter().filter_map(|need| match need {
        Need::Kubernetes(verb, resource, place) => Some((*need, *verb, *resource, *place)),
        _ => None,
    });
    let questions = questions.flat_map(|(need, verb, resource, place)| {
        let places = places(world, place).into_iter();
        places.map(move |namespace| (need, verb, resource, namespace))
    });
    let asked = questions.map(async |(need, verb, resource, namespace)| {
        let place = namespace
            .as_ref()
            .map(|namespace| format!(" in {namespace}"));
        let what = format!("{verb} {resource}{}", place.unwrap_or_default());
        match k8s::may(world, verb, resource, namespace.as_deref()).await {
            Ok(true) => Finding::good("kubernetes", what),
            Ok(false) => {
                let fix = fix::kubernetes(verb, resource, namespace.as_deref());
                Finding::good("kubernetes", what).missing(fix)
            }
            Err(error) => Finding::bad("kubernetes", what, &error),
        }
        .about(need)
    });
    join_all(asked).await
}

/// The hub: what its token may do. A target without a hub needs nothing there.
async fn at_hub(world: &World, needs: &[Need]) -> Vec<Finding> {
    let ours = |need: &&Need| matches!(need, Need::Hub(_) | Need::HubAdmin);
    let needs: Vec<Need> = needs.iter().filter(ours).copied().collect();
    if needs.is_empty() {
        return Vec::new();
    }
    match hub::configured(world).await {
        Ok(false) => return Vec::new(),
        Ok(true) => {}
        Err(error) => return vec![Finding::bad("hub", "a token for the hub", &error)],
    }
    let health = match hub::health(world).await {
        Ok(health) => health,
        Err(error) => return vec![Finding::bad("hub", "the hub", &error)],
    };
    let user = &world.target().check_user;
    let judge = |need: Need| {
        let (what, has) = match need {
            Need::Hub("") => return None,
            Need::Hub(scope) => {
                let scope = scope.replace("{user}", user);
                let has = hub::includes(&health.scopes, &scope);
                (format!("scope {scope}"), has)
            }
            _ => ("an admin as the token's owner".to_owned(), health.admin),
        };
        let finding = Finding::good("hub", what).about(need);
        Some(if has {
            finding
        } else {
            finding.missing(fix::hub(need))
        })
    };
    needs.into_iter().filter_map(judge).collect()
}

/// GitHub: whose token it is, and whether it reaches the repository.
async fn at_github(world: &World, needs: &[Need]) -> Vec<Finding> {
    let ours = |need: &&Need| matches!(need, Need::GitHubRead | Need::GitHubPropose);
    let (needs, list) = match &world.target().allow_list {
        Some(list) => (needs.iter().filter(ours).copied().collect::<Vec<_>>(), list),
        None => return Vec::new(),
    };
    if needs.is_empty() {
        return Vec::new();
    }
    let reach = match github::reach(world, &list.repository).await {
        Ok(reach) => reach,
        Err(error) => {
            return vec![Finding::bad(
                "github",
                format!("reading {}", list.repository),
                &error,
            )];
        }
    };
    let judge = |need: Need| match need {
        Need::GitHubPropose if reach.token == TokenKind::FineGrained && !reach.push => {
            let what = format!("proposing to {} as {}", list.repository, reach.me);
            Finding::good("github", what)
                .missing(fix::github())
                .about(need)
        }
        Need::GitHubPropose => {
            let what = format!("proposing to {} as {}", list.repository, reach.me);
            let finding = Finding::good("github", what).about(need);
            let way = if reach.push {
                "we may push there"
            } else {
                "by way of a fork"
            };
            Finding {
                verdict: Verdict::Inferred,
                why: Some(way.to_owned()),
                ..finding
            }
        }
        _ => Finding::good("github", format!("reading {}", list.repository)).about(need),
    };
    needs.into_iter().map(judge).collect()
}
