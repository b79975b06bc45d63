//! The program while it runs: what it has said so far, and signals sent to it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::program::{Place, Ran};

/// More than the program needs for anything that is to happen at once.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// The program, running.
pub(crate) struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    read: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        // A failed test leaves nothing behind.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let read = String::new();
        Self { child, out, read }
    }

    /// A rehearsal that has said this.
    pub(crate) fn until(place: &Place, line: &str, said: &str) -> Self {
        Self::start(place.command(line.split_whitespace())).reading(said)
    }

    /// Reads until it has said this.
    pub(crate) fn reading(mut self, said: &str) -> Self {
        while !self.read.contains(said) {
            let read = self.out.read_line(&mut self.read).unwrap();
            assert_ne!(read, 0, "never said: {said}\n{}", self.read);
        }
        self
    }

    pub(crate) fn send(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// It is still there after a moment in which it could have ended.
    #[track_caller]
    #[expect(
        clippy::disallowed_methods,
        reason = "the program has its own time, this has ours"
    )]
    pub(crate) fn goes_on(&mut self) {
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(self.child.try_wait().unwrap(), None);
    }

    /// What it wrote in all, and how it ended.
    pub(crate) fn end(mut self) -> Ran {
        let mut out = std::mem::take(&mut self.read);
        self.out.read_to_string(&mut out).unwrap();
        let mut err = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut err).unwrap();
        let exit = self.child.wait().unwrap().code().unwrap_or(-1);
        Ran { out, err, exit }
    }

    /// Kills it: it cannot do anything about that.
    pub(crate) fn killed(self) -> Ran {
        self.send(Signal::KILL);
        self.end()
    }

    /// Sends the signal; it has to end soon, with the exit status of an interrupted run.
    #[track_caller]
    #[expect(
        clippy::disallowed_methods,
        reason = "the program has its own time, this has ours"
    )]
    pub(crate) fn interrupted(self, signal: Signal) -> Ran {
        let sent = Instant::now();
        self.send(signal);
        let ran = self.end();
        assert_eq!(ran.exit, 130, "{}", ran.whole());
        assert!(sent.elapsed() < SOON, "{:?}", sent.elapsed());
        ran
    }
}
