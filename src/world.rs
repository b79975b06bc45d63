//! The doors through which effects go out, and the little a run shares: clock, stop, operator.
//!
//! A [`World`] is all a domain room ever sees. Whether the doors behind it are real
//!  or simulated (`sim`) it cannot tell, and it never knows scripts.

pub(crate) mod address;
mod asleep;
pub mod clock;
pub mod desk;
mod doors;
pub mod github;
mod guard;
pub mod http;
mod kept;
pub mod live;
mod note;
pub mod operator;
pub(crate) mod post;
pub mod record;
pub mod retry;
pub mod secret;
pub mod snapshot;
pub mod stop;
mod target;
pub mod terminal;
#[cfg(test)]
pub(crate) mod testing;
pub mod wait;
pub mod webhook;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::error;
use crate::event::{self, Change, Event, Events, Fate, Level, Usual, What};

use asleep::Asleep;

pub use clock::Clock;
pub use desk::Desk;
pub use doors::Doors;
pub use github::GitHub;
pub(crate) use guard::unplanned;
pub use guard::{Guard, NoGuard};
pub use http::Http;
pub use kept::Kept;
pub use note::{Begun, Note, Notes};
pub use operator::{Operator, Question, View};
pub use snapshot::Snapshot;
pub use stop::Stop;
pub use target::Target;
pub use terminal::Terminal;

/// How long practice goes on where nobody looks.
const LONELY: Duration = Duration::from_hours(1);

/// Everything an effect may touch.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    target: Target,
    clock: Clock,
    doors: Arc<dyn Doors>,
    operator: Arc<dyn Operator>,
    who: String,
    events: Events,
    notes: Arc<dyn Notes>,
    stop: Stop,
    changes: Mutex<Vec<Change>>,
    effect: Mutex<Effect>,
    steps: Mutex<Vec<String>>,
    asleep: Asleep,
    unsure: AtomicBool,
    /// Nothing is tried a second time.
    hasty: AtomicBool,
    waits: AtomicU64,
}

/// What the effect under way is told of earlier times, and of what was planned.
#[derive(Debug, Clone, Default)]
pub struct Effect {
    /// An earlier session began it.
    pub begun: Option<Begun>,
    /// How long it usually takes.
    pub usual: Option<Usual>,
    /// The changes it may make, where not every one.
    pub planned: Option<Vec<Change>>,
}

/// What a world is made of.
pub struct Parts {
    /// Where.
    pub target: Target,
    /// When.
    pub clock: Clock,
    /// The services.
    pub doors: Arc<dyn Doors>,
    /// The person.
    pub operator: Arc<dyn Operator>,
    /// The person's name: `ann@laptop`.
    pub who: String,
    /// Who listens.
    pub events: Events,
    /// The journal's ear.
    pub notes: Arc<dyn Notes>,
    /// Ctrl-C.
    pub stop: Stop,
}

impl World {
    /// A world of these parts.
    pub fn new(parts: Parts) -> Self {
        let asleep = Asleep::since_now(&parts.clock);
        Self(Arc::new(Inner {
            target: parts.target,
            clock: parts.clock,
            doors: parts.doors,
            operator: parts.operator,
            who: parts.who,
            events: parts.events,
            notes: parts.notes,
            stop: parts.stop,
            changes: Mutex::default(),
            effect: Mutex::default(),
            steps: Mutex::default(),
            asleep,
            unsure: AtomicBool::new(false),
            hasty: AtomicBool::new(false),
            waits: AtomicU64::new(1),
        }))
    }

    /// Where the run acts.
    pub fn target(&self) -> &Target {
        &self.0.target
    }

    /// The operator's name: `ann@laptop`.
    pub fn who(&self) -> &str {
        &self.0.who
    }

    /// The one clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The services.
    pub fn doors(&self) -> &dyn Doors {
        &*self.0.doors
    }

    /// Ctrl-C, and the shield that holds it while a write is on its way.
    pub fn stop(&self) -> &Stop {
        &self.0.stop
    }

    /// Says that something happened, now.
    pub fn emit(&self, what: What) {
        self.0.events.emit(Event {
            at: self.0.clock.now(),
            what,
        });
    }

    /// Asks the operator, and keeps and shows the answer.
    ///
    /// # Errors
    /// When nobody can be asked, or the answer could not be kept.
    pub async fn ask(&self, question: Question) -> error::Result<String> {
        let (key, text) = (question.key.clone(), question.text.clone());
        self.emit(What::Asked {
            key: key.clone(),
            question: text.clone(),
        });
        let answer = self.0.operator.ask(question).await?;
        let (value, by) = (answer.value, answer.by);
        self.emit(What::Answered {
            key: key.clone(),
            answer: value.clone(),
            by: by.clone(),
        });
        self.note(&Note::Answered {
            key,
            question: text,
            answer: value.clone(),
            by,
            who: self.0.who.clone(),
        })?;
        Ok(value)
    }

    /// Whether anybody still reads what was asked for.
    pub fn is_heard(&self) -> bool {
        self.0.operator.hears()
    }

    /// The operator's terminal, until it is dropped.
    ///
    /// # Errors
    /// When there is none.
    pub async fn terminal(&self) -> error::Result<Box<dyn Terminal>> {
        self.0.operator.lend().await
    }

    /// Asks the operator to look at pods; none when nobody can.
    pub fn viewer(&self) -> Option<watch::Receiver<View>> {
        self.0.operator.viewer()
    }

    /// For how long something goes on that has no end of its own: for ever, but for an hour in
    /// practice where nobody looks at it, who could end it.
    pub fn endless(&self) -> Option<Duration> {
        let lonely = self.viewer().is_none() && self.target().mode.is_practice();
        lonely.then_some(LONELY)
    }

    /// Looks whether the machine has slept. Then credentials are made anew, and nobody can be sure
    /// of anything seen before.
    ///
    /// # Errors
    /// When there are no credentials any more.
    pub async fn wake(&self) -> error::Result<()> {
        let Some(slept) = self.0.asleep.look(&self.0.clock) else {
            return Ok(());
        };
        let seconds = event::seconds(slept);
        self.emit(What::Slept { seconds });
        self.doubt();
        self.note(&Note::Slept { seconds })?;
        self.doors().renew().await
    }

    /// Looks every few seconds, for as long as it is polled.
    pub async fn keep_waking(self) {
        loop {
            tokio::time::sleep(asleep::LOOK).await;
            // Whoever needs them next will say that there are none.
            self.wake().await.ok();
        }
    }

    /// From now on nothing is tried a second time, until what this gives is dropped.
    pub(crate) fn hasten(&self) -> Hasty<'_> {
        self.0.hasty.store(true, Ordering::SeqCst);
        Hasty(self)
    }

    /// Whether nothing is to be tried a second time.
    pub(crate) fn is_hasty(&self) -> bool {
        self.0.hasty.load(Ordering::SeqCst)
    }

    /// The world may have moved on unseen.
    pub(crate) fn doubt(&self) {
        self.0.unsure.store(true, Ordering::SeqCst);
    }

    /// Whether it may have; once it has been looked at again, it has not.
    pub(crate) fn is_unsure(&self) -> bool {
        self.0.unsure.load(Ordering::SeqCst)
    }

    /// It has been looked at again.
    pub(crate) fn trust(&self) {
        self.0.unsure.store(false, Ordering::SeqCst);
    }

    /// The next heading of the script is reached.
    pub fn begin_step(&self, title: String) {
        lock(&self.0.steps).push(title.clone());
        self.emit(What::Step { title });
    }

    /// The headings reached so far, in order.
    pub fn steps(&self) -> Vec<String> {
        lock(&self.0.steps).clone()
    }

    /// A number that pairs one wait's events.
    fn next_wait(&self) -> u64 {
        self.0.waits.fetch_add(1, Ordering::Relaxed)
    }

    /// Keeps a note about the effect under way.
    ///
    /// # Errors
    /// When the record could not be kept; nothing more may be changed then.
    pub fn note(&self, note: &Note) -> error::Result<()> {
        self.0.notes.note(self.0.clock.now(), note)
    }

    /// Another effect is under way.
    pub(crate) fn enter(&self, effect: Effect) {
        *lock(&self.0.effect) = effect;
    }

    /// What an earlier session left of the effect under way; given once.
    pub fn take_begun(&self) -> Option<Begun> {
        lock(&self.0.effect).begun.take()
    }

    /// For how long earlier sessions watched the effect under way, and how long it usually takes;
    /// given once.
    fn take_watched(&self) -> (Duration, Option<Usual>) {
        let mut effect = lock(&self.0.effect);
        let begun = effect.begun.as_mut();
        let watched = begun.map(|begun| std::mem::take(&mut begun.watched));
        (watched.unwrap_or_default(), effect.usual.take())
    }

    /// Makes sure that the effect under way may make a change, before anything of it is sent: it is
    /// planned, or takes back what this run did.
    ///
    /// # Errors
    /// `refused` when a run is held to a plan that says something else.
    pub(crate) fn may_change(&self, change: &Change) -> error::Result<()> {
        let effect = lock(&self.0.effect);
        let Some(planned) = &effect.planned else {
            return Ok(());
        };
        let same = |one: &Change| {
            (&one.what, &one.before, &one.after) == (&change.what, &change.before, &change.after)
        };
        let takes_back = |one: &Change| one.what == change.what && one.before == change.after;
        if planned.iter().any(same) || lock(&self.0.changes).iter().any(takes_back) {
            return Ok(());
        }
        let show = |one: &Change| format!("{}: {} -> {}", one.what, one.before, one.after);
        let about = planned.iter().find(|one| one.what == change.what);
        let planned = about.map_or_else(|| "nothing of the kind".to_owned(), show);
        Err(unplanned(&format!("the plan has {planned}"), &show(change)))
    }

    /// Keeps, remembers and shows a change that was accepted.
    ///
    /// # Errors
    /// When the record could not be kept; the change is remembered and shown all the same.
    pub fn changed(&self, change: Change) -> error::Result<()> {
        let kept = self.note(&Note::Changed {
            change: change.clone(),
        });
        lock(&self.0.changes).push(change.clone());
        self.emit(What::Changed(change));
        kept
    }

    /// Accounts for a change that turned out to be there: an earlier session of the run was about to
    /// make it, and nobody saw that it had. Says whether it did.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub(crate) fn found_made(&self, change: Change) -> error::Result<bool> {
        let Some(begun) = self.take_begun() else {
            return Ok(false);
        };
        if begun.changes.is_empty() {
            self.changed(change)?;
        }
        Ok(true)
    }

    /// Takes away what was made for a while; what is left behind after all is said, and is nobody's
    /// failure: whoever made it has an outcome of his own.
    pub(crate) async fn clean<E: std::fmt::Display>(
        &self,
        what: &str,
        limit: Duration,
        work: impl Future<Output = Result<(), E>>,
    ) {
        let why = tokio::select! {
            biased;
            gone = work => match gone {
                Ok(()) => return,
                Err(failure) => failure.to_string(),
            },
            () = self.0.clock.sleep(limit) => format!("it took more than {} s", limit.as_secs()),
        };
        self.emit(What::Said {
            level: Level::Warning,
            text: format!("{what} may be left behind: {why}"),
        });
    }

    /// Remembers what earlier sessions changed.
    pub(crate) fn remember(&self, changes: Vec<Change>) {
        *lock(&self.0.changes) = changes;
    }

    /// Keeps and remembers what became of the change that `operation` carries out.
    ///
    /// # Errors
    /// When the record could not be kept.
    pub fn settled(&self, operation: &str, fate: Fate) -> error::Result<()> {
        if !event::settle(&mut lock(&self.0.changes), operation, fate) {
            return Ok(());
        }
        self.note(&Note::Settled {
            operation: operation.to_owned(),
            fate,
        })
    }

    /// Everything changed so far, in order.
    pub fn changes(&self) -> Vec<Change> {
        lock(&self.0.changes).clone()
    }
}

/// For as long as this is held, nothing is tried a second time.
pub(crate) struct Hasty<'a>(&'a World);

impl Drop for Hasty<'_> {
    fn drop(&mut self) {
        self.0.0.hasty.store(false, Ordering::SeqCst);
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("target", &self.0.target)
            .finish_non_exhaustive()
    }
}
