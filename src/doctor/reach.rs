//! Whether each service answers, who we are there, and whether our clock agrees with theirs.

use std::time::Duration;

use super::{Finding, Verdict};
use crate::error::{Error, Kind};
use crate::names::{Image, Need, Took};
use crate::world::World;
use crate::{github, gke, hub, k8s, registry};

/// A clock that is wrong by less than this, in seconds, harms nobody.
const SKEW: i64 = 60;
/// How long one service may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks each service that these needs reach.
pub async fn reach(world: &World, needs: &[Need]) -> Vec<Finding> {
    let _hasty = world.hasten();
    let any = |is: fn(&Need) -> bool| needs.iter().any(is);
    let mut found = Vec::new();
    if any(|need| matches!(need, Need::Iam(_) | Need::Kubernetes(..))) {
        found.push(credentials(world).await);
        let gke = at_gke(world).await;
        // The way to the cluster leads through GKE.
        let open = !gke.is_missing();
        found.push(gke);
        if open {
            found.extend(cluster(world).await);
        }
    }
    if any(|need| matches!(need, Need::Hub(_) | Need::HubAdmin)) {
        found.push(at_hub(world).await);
    }
    if any(|need| matches!(need, Need::Registry)) {
        found.extend(image(world).await);
    }
    if any(|need| matches!(need, Need::GitHubRead | Need::GitHubPropose)) {
        found.push(at_github(world).await);
    }
    found
}

/// The outcome, or that nothing came.
async fn timely<T>(
    world: &World,
    work: impl Future<Output = crate::error::Result<T>>,
) -> crate::error::Result<T> {
    tokio::select! {
        biased;
        outcome = work => outcome,
        () = world.clock().sleep(PATIENCE) => {
            let fact = format!("no answer within {}", Took(PATIENCE));
            Err(Error::new(Kind::Unreachable, fact).hint("look at the network, a proxy, a VPN"))
        }
    }
}

/// A failure, with what of the way to a service is broken.
fn broken(part: &'static str, what: &str, error: &Error) -> Finding {
    let said = error.message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let named = match () {
        () if has(&["dns error", "failed to lookup", "name or service not known"]) => Some((
            "its name is not known (DNS)",
            "look at the address in runbook.toml, and at the network",
        )),
        () if has(&["notvalidyet", "not valid yet", "expired", "validity"])
            && has(&["certificate"]) =>
        {
            Some((
                "its certificate is not valid now (TLS)",
                "set this machine's clock; if that is right, the certificate has expired",
            ))
        }
        () if has(&["certificate", "unknownissuer", "tls", "handshake"]) => Some((
            "no trusted connection (TLS)",
            "a proxy may stand between: its authority must be known to this machine",
        )),
        () if has(&[
            "connection refused",
            "tcp connect",
            "timed out",
            "no answer",
        ]) =>
        {
            Some((
                "it cannot be reached",
                "look at the network, a proxy, a VPN, and at who may reach the control plane",
            ))
        }
        () => None,
    };
    let finding = Finding::bad(part, what, error);
    match named {
        Some((why, fix)) => Finding {
            verdict: Verdict::Missing,
            why: Some(format!("{why}: {}", error.message)),
            fix: Some(fix.to_owned()),
            ..finding
        },
        // What was asked and not answered well is a failure here, whatever its kind.
        None => Finding {
            verdict: Verdict::Missing,
            ..finding
        },
    }
}

fn told(part: &'static str, what: &str, why: String) -> Finding {
    Finding {
        why: Some(why),
        ..Finding::good(part, what)
    }
}

/// What a service told, or what is broken on the way to it.
fn answered(part: &'static str, what: &str, answer: crate::error::Result<String>) -> Finding {
    match answer {
        Ok(why) => told(part, what, why),
        Err(error) => broken(part, what, &error),
    }
}

async fn credentials(world: &World) -> Finding {
    let described = timely(world, world.doors().identity()).await;
    answered("credentials", "Google Cloud", described)
}

async fn at_gke(world: &World) -> Finding {
    let cluster = timely(world, gke::cluster(world)).await;
    let cluster = cluster.map(|cluster| {
        let gke::Cluster {
            name,
            status,
            version,
            ..
        } = cluster;
        format!("{name} is {status}, version {version}")
    });
    answered("gke", "the GKE API", cluster)
}

/// The Kubernetes API, who we are there, the time, and the lock.
async fn cluster(world: &World) -> Vec<Finding> {
    let server = match timely(world, k8s::server(world)).await {
        Ok(server) => server,
        Err(error) => return vec![broken("kubernetes", "the Kubernetes API", &error)],
    };
    let who = timely(world, k8s::whoami(world)).await.ok().flatten();
    let who = who.map_or_else(String::new, |who| format!(", which takes us for {who}"));
    let mut found = vec![told(
        "kubernetes",
        "the Kubernetes API",
        format!("version {}{who}", server.version),
    )];
    if let Some(time) = server.time {
        found.push(clock(world.clock().now().duration_since(time).as_secs()));
    }
    found.push(lease(world).await);
    found
}

/// Our clock, so many seconds ahead of the cluster's.
fn clock(ahead: i64) -> Finding {
    let off = Took(Duration::from_secs(ahead.unsigned_abs()));
    if ahead.abs() < SKEW {
        return told(
            "clock",
            "this machine's clock",
            "agrees with the cluster's".to_owned(),
        );
    }
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    Finding {
        verdict: Verdict::Missing,
        fix: Some(
            "set it: tokens and locks go by the time (`timedatectl set-ntp true`)".to_owned(),
        ),
        ..told(
            "clock",
            "this machine's clock",
            format!("{off} {side} the cluster's"),
        )
    }
}

async fn lease(world: &World) -> Finding {
    let home = &world.target().home;
    let what = format!("the lock, in namespace {home}");
    match timely(world, k8s::lease(world, home)).await {
        Ok(lease) => {
            let holder = lease.and_then(|lease| lease.holder().map(str::to_owned));
            told(
                "kubernetes",
                &what,
                holder.map_or_else(|| "free".to_owned(), |who| format!("held by {who}")),
            )
        }
        Err(error) => broken("kubernetes", &what, &error),
    }
}

async fn at_hub(world: &World) -> Finding {
    match timely(world, world.doors().hub()).await {
        Ok(None) => {
            let fix = "give `hub` a `url` and a `token` in runbook.toml, if it is to be asked";
            return Finding {
                verdict: Verdict::Unknown,
                fix: Some(fix.to_owned()),
                ..told(
                    "hub",
                    "the hub",
                    "no hub with a token is configured".to_owned(),
                )
            };
        }
        Ok(Some(_)) => {}
        Err(error) => return broken("hub", "the hub", &error),
    }
    let health = timely(world, hub::health(world)).await;
    let health = health.map(|health| {
        let hub::Health {
            version,
            kind,
            name,
            ..
        } = health;
        format!("version {version}; the token is of {kind} {name}")
    });
    answered("hub", "the hub", health)
}

/// The registry of the image new servers get, where the hub names one.
async fn image(world: &World) -> Option<Finding> {
    let image = timely(world, hub::image(world)).await.ok()?.image;
    let parsed: Image = image.parse().ok()?;
    let what = format!("the registry of {image}");
    Some(
        match timely(world, registry::inspect(world, &parsed)).await {
            Ok(found) if found.verdict == registry::Verdict::Exists => {
                Finding::good("registry", what)
            }
            Ok(found) if found.verdict == registry::Verdict::Missing => Finding {
                verdict: Verdict::Missing,
                fix: Some("`runbook run update_image` sets one that is there".to_owned()),
                ..told(
                    "registry",
                    &what,
                    found.why.unwrap_or_else(|| "it is not there".to_owned()),
                )
            },
            Ok(found) => Finding {
                verdict: Verdict::Unknown,
                ..told("registry", &what, found.why.unwrap_or_default())
            },
            Err(error) => broken("registry", &what, &error),
        },
    )
}

async fn at_github(world: &World) -> Finding {
    let Some(list) = &world.target().allow_list else {
        return Finding {
            verdict: Verdict::Unknown,
            fix: Some(
                "give the target an `allow_list` in runbook.toml, if domains are to be added"
                    .to_owned(),
            ),
            ..told(
                "github",
                "GitHub",
                "no `allow_list` is configured".to_owned(),
            )
        };
    };
    let reach = timely(world, github::reach(world, &list.repository)).await;
    let reach = reach.map(|reach| {
        let way = if reach.push {
            "may push to"
        } else {
            "may read"
        };
        format!(
            "{}'s token ({}) {way} {}",
            reach.me, reach.token, list.repository
        )
    });
    answered("github", "GitHub", reach)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_broken_on_the_way_is_named() {
        let why = |message: &str| {
            let error = Error::new(Kind::Unreachable, message);
            broken("hub", "the hub", &error).why.unwrap()
        };
        assert!(why("dns error: failed to lookup address").contains("(DNS)"));
        assert!(why("invalid peer certificate: UnknownIssuer").contains("(TLS)"));
        assert!(why("invalid peer certificate: NotValidYet").contains("not valid now"));
        assert!(why("tcp connect error: Connection refused").contains("cannot be reached"));
        assert_eq!(why("something else"), "something else");
    }

    #[test]
    fn a_clock_that_is_wrong_is_named_as_such() {
        assert_eq!(clock(5).verdict, Verdict::Proven);
        let wrong = clock(-600);
        assert_eq!(wrong.verdict, Verdict::Missing);
        assert!(wrong.why.unwrap().contains("10 min 00 s behind"));
    }
}
