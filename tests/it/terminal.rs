//! The program at a terminal of its own: a shell has it, and gives it back as it was.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::program::Place;

/// The program, and the other end of its terminal.
struct Session {
    child: Child,
    ours: Option<File>,
    theirs: OwnedFd,
    shown: String,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Session {
    fn begin(place: &Place, line: &str) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let theirs = File::options().read(true).write(true).open(name).unwrap();
        let end = || Stdio::from(theirs.try_clone().unwrap());
        let mut command = place.command(line.split_whitespace());
        command.stdin(end()).stdout(end()).stderr(end());
        let session = Self {
            child: command
                .env_remove("COLUMNS")
                .env("TERM", "xterm")
                .spawn()
                .unwrap(),
            ours: Some(File::from(ours)),
            theirs: theirs.into(),
            shown: String::new(),
        };
        session.resize(80, 24);
        session
    }

    fn resize(&self, columns: u16, rows: u16) {
        let size = Winsize {
            ws_col: columns,
            ws_row: rows,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(self.ours.as_ref().unwrap(), size).unwrap();
    }

    /// Reads until it has shown this, after what was read before.
    #[track_caller]
    fn shows(&mut self, wanted: &str) -> String {
        let mut bytes = [0; 4096];
        while !self.shown.contains(wanted) {
            let read = self.ours.as_mut().unwrap().read(&mut bytes).unwrap_or(0);
            assert_ne!(read, 0, "never shown: {wanted}\n{}", self.shown);
            self.shown += &String::from_utf8_lossy(&bytes[..read]);
        }
        let (before, after) = self.shown.split_once(wanted).unwrap();
        let (before, after) = (before.to_owned(), after.to_owned());
        self.shown = after;
        before
    }

    fn types(&mut self, keys: &str) {
        self.ours
            .as_mut()
            .unwrap()
            .write_all(keys.as_bytes())
            .unwrap();
    }

    /// Whether keys are handed on one by one, Ctrl-C too.
    fn is_raw(&self) -> bool {
        let modes = tcgetattr(self.theirs.as_fd()).unwrap().local_modes;
        !modes.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    fn ends(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }
}

const SHELL: &str = "rehearse shell prod/hub";

#[test]
fn a_shell_has_the_terminal_and_gives_it_back() {
    let place = Place::empty();
    let mut session = Session::begin(&place, SHELL);
    session.shows("~$ ");
    assert!(session.is_raw());
    session.types("stty size\r");
    session.shows("24 80\r\n");
    session.resize(100, 30);
    session.shows("~$ ");
    // Time passes as it does for the person: Ctrl-C comes while the other side sleeps.
    session.types("sleep 600\r");
    session.shows("sleep 600\r\n");
    session.types("\x03");
    session.shows("^C\r\n");
    session.types("stty size; sleep 0.2; exit 4\r");
    session.shows("30 100\r\n");
    session.shows("the shell ended with exit code 4");
    assert_eq!(session.ends(), 4);
    assert!(!session.is_raw());
    let journal = std::fs::read_to_string(&place.journals()[0]).unwrap();
    assert!(!journal.contains("stty"), "{journal}");
}

#[test]
fn whatever_ends_a_shell_the_terminal_is_given_back() {
    let mut session = Session::begin(&Place::empty(), SHELL);
    session.shows("~$ ");
    kill_process(Pid::from_child(&session.child), Signal::TERM).unwrap();
    session.shows("interrupted after");
    assert_eq!(session.ends(), 130);
    assert!(!session.is_raw());
    // Asleep, and every connection with it.
    let mut session = Session::begin(
        &Place::empty(),
        "rehearse shell prod/hub --fault laptop-asleep@2s",
    );
    session.shows("~$ ");
    session.shows("the connection to container hub of hub-");
    assert_eq!(session.ends(), 1);
    assert!(!session.is_raw());
}

#[test]
fn a_terminal_that_is_closed_ends_its_shell() {
    let mut session = Session::begin(&Place::empty(), SHELL);
    session.shows("~$ ");
    session.ours = None;
    assert_eq!(session.ends(), 130);
}
