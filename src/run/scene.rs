//! Where a run acts, and the world it finds there.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::{Company, Earlier, Request, kept};
use crate::error::{Error, Kind, Result};
use crate::journal::Journal;
use crate::names::Mode;
use crate::sim::{Practice, Setup, Speed};
use crate::world::live::{self, Live};
use crate::world::secret::Secret;
use crate::world::{Clock, Doors, Snapshot, Target};

/// Where a run acts.
#[derive(Debug, Clone)]
pub enum Place {
    /// A configured target.
    Live(Box<LivePlace>),
    /// The practice world that is kept in the state folder.
    Kept(Speed),
    /// A fresh practice world.
    Fresh(Setup),
    /// A copy of a configured target, looked at first.
    DryRun(Box<LivePlace>),
    /// A copy of what was seen of a target, in which things may go wrong.
    Copy(Box<(Snapshot, Setup)>),
}

/// A configured target, and how to reach it.
#[derive(Debug, Clone)]
pub struct LivePlace {
    /// What the rooms know of it.
    pub target: Target,
    /// Where the GKE API is, when not at Google.
    pub endpoint: Option<String>,
    /// Its hub, and what opens it.
    pub hub: Option<live::HubPlace>,
    /// GitHub, and what opens it.
    pub github: live::GitHubPlace,
    /// Where credentials may be found.
    pub environment: live::Environment,
    /// Who is told when a long wait ends.
    pub webhook: Option<Secret>,
}

/// What the doors to a place need to know.
pub(super) fn options(live: &LivePlace, company: &Company) -> live::Options {
    live::Options {
        cluster: live.target.cluster.clone(),
        endpoint: live.endpoint.clone(),
        k8s_endpoint: live.target.k8s_endpoint,
        impersonate: live.target.impersonate.clone(),
        hub: live.hub.clone(),
        github: live.github.clone(),
        environment: live.environment.clone(),
        events: company.events.clone(),
        clock: Clock::Live,
        on_secret: Arc::clone(&company.on_secret),
    }
}

/// The world a run acts in.
pub(super) struct Scene {
    pub(super) target: Target,
    pub(super) clock: Clock,
    pub(super) doors: Arc<dyn Doors>,
    pub(super) practice: Option<Practice>,
    /// Keeps other runs out of the kept practice world.
    _alone: Option<File>,
}

impl Scene {
    /// The world at `place`; `earlier` goes on in it.
    pub(super) fn open(
        place: &Place,
        state: &Path,
        earlier: Option<&Earlier>,
        company: &Company,
        seen: Option<&Snapshot>,
    ) -> Result<Self> {
        let alone = match place {
            Place::Kept(_) => Some(kept::enter(state)?),
            _ => None,
        };
        let (practice, mode) = match place {
            Place::Live(live) => {
                let doors = Live::new(options(live, company));
                return Ok(Self {
                    target: live.target.clone(),
                    clock: Clock::Live,
                    doors: Arc::new(doors),
                    practice: None,
                    _alone: None,
                });
            }
            Place::Kept(speed) => {
                let away = earlier.map(|earlier| earlier.away);
                let world = kept::open(state, *speed, away.unwrap_or_default())?;
                (world, Mode::Practice)
            }
            Place::Fresh(setup) => {
                let practice = match earlier {
                    Some(earlier) => kept::restore(earlier, setup)?,
                    None => Practice::fresh(setup)?,
                };
                // A dry run that goes on stays one.
                let mode = earlier.map_or(Mode::Rehearsal, |earlier| earlier.story.header.mode);
                (practice, mode)
            }
            Place::Copy(copy) => (Practice::copy(&copy.0, &copy.1)?, Mode::Rehearsal),
            Place::DryRun(_) => {
                let seen = seen.ok_or_else(|| {
                    Error::new(Kind::Bug, "nobody has looked at the target of this dry run")
                })?;
                (Practice::copy(seen, &Setup::default())?, Mode::DryRun)
            }
        };
        practice.start(company.events.clone());
        Ok(Self {
            target: match place {
                // With what no look puts down: who signs, for one.
                Place::DryRun(live) => Target {
                    mode,
                    ..live.target.clone()
                },
                _ => practice.target(mode),
            },
            clock: practice.clock(),
            doors: Arc::new(practice.clone()),
            practice: Some(practice),
            _alone: alone,
        })
    }

    /// From now on the practice world is kept on disk with every record of the journal.
    pub(super) fn keep(&self, request: &Request, journal: &Journal) -> Result<()> {
        let Some(practice) = &self.practice else {
            return Ok(());
        };
        let file = match &request.place {
            Place::Kept(_) => kept::file(&request.state),
            _ => kept::beside(journal.path()),
        };
        journal.keep_beside(Arc::new(kept::keep(practice, file)?));
        Ok(())
    }
}
