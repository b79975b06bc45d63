//! Can a person log in and work? A server is started as for a person, code is run in it, and
//! everything is taken away again, however it ended.

use std::time::Duration;

use http::Method;
use serde::Deserialize;
use std::collections::BTreeMap;

use super::call::{Ask, WORK, encoded};
use super::error::Error;
use super::kernel;
use super::progress::{Step, Steps};
use super::servers::door;
use crate::error;
use crate::event::{Item, Phase, Usual};
use crate::world::World;
use crate::world::http::Http;
use crate::world::wait::Wait;

/// How long it usually takes where the image is there already, at most.
const USUAL: (u64, u64) = (15, 60);
/// How long cleaning up may take.
const TIDY: Duration = Duration::from_mins(2);
/// A hub shows every eight seconds that a stream lives.
const SILENCE: Duration = Duration::from_secs(30);
/// How often something is looked at that tells nothing by itself.
const BEAT: Duration = Duration::from_secs(2);

/// What a check has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worked<T> {
    /// What the code printed, which was right.
    pub answer: String,
    /// What was seen while the server ran.
    pub seen: T,
    /// How long it took to start.
    pub started: Duration,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    servers: BTreeMap<String, Server>,
    pending: Option<String>,
}

#[derive(Deserialize)]
struct Server {
    #[serde(default)]
    ready: bool,
    #[serde(default)]
    pending: Option<String>,
}

/// The user that logs in, and what was made for it.
struct Check<'a> {
    world: &'a World,
    hub: &'a Http,
    user: &'a str,
}

/// Starts a server for the check user, runs code in it, and does `look` while it runs.
///
/// # Errors
/// Whatever kept a person from working: kind `image` when the image cannot be pulled or run,
/// `timed-out`, `operation` when the hub gives the server up, the kernel dies or its answer is wrong;
/// `look`'s own.
pub async fn check_server<T>(
    world: &World,
    user: &str,
    limit: Duration,
    look: impl AsyncFnOnce() -> error::Result<T>,
) -> error::Result<Worked<T>> {
    let hub = door(world).await?;
    // An earlier session's user is ours as well.
    let ours = world.take_begun().is_some();
    let check = Check {
        world,
        hub: &hub,
        user,
    };
    let made = check.make().await? || ours;
    let usual = Usual::estimate(USUAL.0, USUAL.1);
    let mut wait = Wait::begin(world, format!("a server for {user}"), 1, Some(usual), limit)?;
    let left = wait.left();
    let last = std::cell::RefCell::new(String::new());
    let work = async {
        let outcome = tokio::select! {
            biased;
            outcome = check.work(&mut wait, &last, look) => outcome,
            () = world.clock().sleep(left) => Err(Error::TimedOut {
                user: user.to_owned(),
                limit,
                last: last.borrow().clone(),
            }.into()),
        };
        wait.end(outcome.is_ok());
        outcome
    };
    // Both are large.
    let (work, tidy) = (Box::pin(work), Box::pin(check.tidy(made)));
    world.stop().tidied(work, tidy).await
}

impl Check<'_> {
    fn path(&self, rest: &str) -> String {
        format!("/hub/api/users/{}{rest}", encoded(self.user))
    }

    async fn send(&self, method: Method, what: &'static str, rest: &str) -> Result<(), Error> {
        let path = self.path(rest);
        let ask = Ask::to(method, what, &path);
        ask.send(self.world, self.hub).await.map(drop)
    }

    /// Makes the user; says whether there was none.
    async fn make(&self) -> error::Result<bool> {
        let made = match self.send(Method::POST, "make a user", "").await {
            Ok(()) => true,
            Err(Error::Refused { code: 409, .. }) => false,
            Err(failure) => return Err(failure.into()),
        };
        Ok(made)
    }

    async fn work<T>(
        &self,
        wait: &mut Wait,
        last: &std::cell::RefCell<String>,
        look: impl AsyncFnOnce() -> error::Result<T>,
    ) -> error::Result<Worked<T>> {
        let tell = |wait: &mut Wait, done: u64, phase: Phase, note: &str| {
            last.replace(note.to_owned());
            let item = Item {
                name: self.user.to_owned(),
                phase,
                note: note.to_owned(),
            };
            let why = (phase == Phase::Pulling).then(|| note.to_owned());
            wait.progress(done, 1, vec![item], why)
        };
        // What an earlier check has left is of no use: it may run another image.
        self.stop().await?;
        let began = self.world.clock().now();
        tell(wait, 0, Phase::Booting, "asked for")?;
        self.send(Method::POST, "start a server", "/server").await?;
        loop {
            let mut steps = self.steps().await?;
            while let Some(step) = self.next(&mut steps).await {
                let user = self.user.to_owned();
                if step.failed {
                    let message = step.message;
                    return Err(Error::Spawn { user, message }.into());
                }
                if step.is_hopeless() {
                    let message = step.message;
                    return Err(Error::Image { user, message }.into());
                }
                if step.ready {
                    break;
                }
                let note = step.message.split("] ").last().unwrap_or_default();
                tell(wait, 0, Phase::Pulling, note)?;
            }
            // The stream may end for its own reasons, or not know the server any more.
            let found = self
                .find()
                .await?
                .and_then(|mut user| user.servers.remove(""));
            match found {
                Some(server) if server.ready => break,
                Some(_) => self.world.clock().sleep(BEAT).await,
                None => {
                    let user = self.user.to_owned();
                    let message = "the hub has no server any more".to_owned();
                    return Err(Error::Spawn { user, message }.into());
                }
            }
        }
        let started = self.world.clock().since(began);
        tell(wait, 0, Phase::Registering, "runs; code is being run in it")?;
        let answer = self.compute().await?;
        let seen = look().await?;
        tell(wait, 1, Phase::Ready, "works")?;
        Ok(Worked {
            answer,
            seen,
            started,
        })
    }

    /// The next event; none when the stream has ended or is silent for too long: then whoever waits
    /// looks for himself.
    async fn next(&self, steps: &mut Option<Steps>) -> Option<Step> {
        tokio::select! {
            biased;
            step = steps.as_mut()?.next() => step,
            () = self.world.clock().sleep(SILENCE) => None,
        }
    }

    /// The stream of the start; a hub that restarts is waited for.
    async fn steps(&self) -> Result<Option<Steps>, Error> {
        crate::world::retry::retry(
            self.world,
            "follow a server's start",
            true,
            WORK,
            async || Steps::open(self.hub, self.user).await,
        )
        .await
    }

    /// Lets the server compute what nobody can have known before.
    async fn compute(&self) -> Result<String, Error> {
        let millis = self.world.clock().now().as_millisecond();
        let (a, b) = (millis % 8_999 + 1_001, millis / 1_000 % 8_999 + 1_001);
        let code = format!("print({a} * {b})");
        let found = kernel::run(self.world, self.hub, self.user, &code).await?;
        let (wanted, found) = (format!("{}", a * b), found.trim().to_owned());
        if wanted == found {
            return Ok(found);
        }
        let user = self.user.to_owned();
        Err(Error::WrongAnswer {
            user,
            code,
            wanted,
            found,
        })
    }

    async fn find(&self) -> Result<Option<User>, Error> {
        let path = self.path("");
        let ask = Ask {
            again: Some(WORK),
            ..Ask::get("look at a user", &path)
        };
        match ask.read(self.world, self.hub).await {
            Ok(user) => Ok(Some(user)),
            Err(Error::Missing { .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Stops the server, if there is one, and waits until it is gone.
    async fn stop(&self) -> Result<(), Error> {
        loop {
            let Some(user) = self.find().await? else {
                return Ok(());
            };
            let there = user.servers.get("");
            if there.is_none() && user.pending.is_none() {
                return Ok(());
            }
            let stopping = there.and_then(|server| server.pending.as_deref()) == Some("stop");
            if !stopping {
                match self.send(Method::DELETE, "stop a server", "/server").await {
                    // JupyterHub 4 stops nothing that is still starting.
                    Ok(()) | Err(Error::Refused { code: 400, .. } | Error::Missing { .. }) => {}
                    Err(failure) => return Err(failure),
                }
            }
            self.world.clock().sleep(BEAT).await;
        }
    }

    /// Leaves nothing behind; what cannot be taken away is said.
    async fn tidy(&self, made: bool) {
        let gone = async {
            self.stop().await?;
            if made {
                match self.send(Method::DELETE, "remove a user", "").await {
                    Ok(()) | Err(Error::Missing { .. }) => {}
                    Err(failure) => return Err(failure),
                }
            }
            Ok(())
        };
        let what = format!("the server or the user {}", self.user);
        self.world.clean(&what, TIDY, gone).await;
    }
}
