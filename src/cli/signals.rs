//! Ctrl-C and its relatives: the first asks a run to stop, the second leaves at once, and so does
//! the first when nothing runs.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::error::Kind;
use crate::run::STACK;
use crate::ui::terminal;
use crate::world::Stop;

/// What a signal stops.
#[derive(Clone, Default)]
pub(super) struct Running(Arc<Mutex<Option<Stop>>>);

impl Running {
    /// From now on a signal stops this.
    pub(super) fn set(&self, stop: Stop) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(stop);
    }

    /// A signal came.
    fn signal(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*running {
            Some(stop) if !stop.is_stopped() => stop.stop(),
            Some(_) | None => leave(),
        }
    }
}

/// Does the work on the script's thread while this one listens for signals; gives its exit status.
pub(super) fn listening(work: impl FnOnce(Running) -> u8 + Send) -> u8 {
    let running = Running::default();
    let bug = Kind::Bug.exit_code();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
    else {
        return bug;
    };
    std::thread::scope(|scope| {
        let (done, finished) = oneshot::channel();
        let for_work = running.clone();
        let thread = std::thread::Builder::new()
            .name("script".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, move || {
                // Dropped when the work is over, also when it panics.
                let _done: oneshot::Sender<()> = done;
                work(for_work)
            });
        runtime.block_on(pass_on(&running, finished));
        thread.map_or(bug, |thread| thread.join().unwrap_or(bug))
    })
}

async fn pass_on(running: &Running, mut finished: oneshot::Receiver<()>) {
    let Ok(mut signals) = Signals::new() else {
        finished.await.ok();
        return;
    };
    loop {
        tokio::select! {
            _ = &mut finished => return,
            () = signals.next() => running.signal(),
        }
    }
}

/// Nothing is waited for any more.
#[expect(clippy::exit, reason = "the operator insists")]
fn leave() -> ! {
    terminal::restore();
    std::process::exit(i32::from(Kind::Interrupted.exit_code()))
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
