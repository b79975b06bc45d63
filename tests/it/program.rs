//! The program itself, run as a person runs it: cleared environment, a state folder of its own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A place to run the program in.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// An empty folder: no `runbook.toml`, no runbooks but the built-in ones.
    pub(crate) fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into it.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let file = self.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// Writes `runbook.toml` and trusts it.
    pub(crate) fn configure(&self, text: &str) {
        self.write("runbook.toml", text);
        assert_eq!(self.run("trust").exit, 0);
    }

    /// The program with these arguments, ready to run.
    pub(crate) fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runbook"));
        command
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("USER", "ann")
            .env("COLUMNS", "100")
            .env("RUNBOOK_STATE_DIR", self.state())
            .stdin(Stdio::null());
        command
    }

    /// Runs it with the words of `line` as arguments.
    pub(crate) fn run(&self, line: &str) -> Ran {
        Ran::from(self.command(line.split_whitespace()).output().unwrap())
    }

    /// The state folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    /// Every journal, oldest first.
    pub(crate) fn journals(&self) -> Vec<PathBuf> {
        self.kept("jsonl")
    }

    /// The practice worlds beside them.
    pub(crate) fn beside_journals(&self) -> Vec<PathBuf> {
        self.kept("json")
    }

    fn kept(&self, extension: &str) -> Vec<PathBuf> {
        let runs = std::fs::read_dir(self.state().join("runs"));
        let mut files: Vec<PathBuf> = runs
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == extension))
            .collect();
        files.sort();
        files
    }
}

/// What it wrote and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) exit: i32,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            exit: output.status.code().unwrap_or(-1),
        }
    }
}

/// What `rehearse`, a function of the test's own, makes of the flags: a snapshot, and how it ended.
macro_rules! rehearsed {
    ($name:literal, $flags:expr, $exit:literal) => {{
        let ran = rehearse($flags);
        insta::assert_snapshot!($name, ran.whole());
        assert_eq!(ran.exit, $exit);
        ran
    }};
}
pub(crate) use rehearsed;

impl Ran {
    /// It ended with this status.
    #[track_caller]
    pub(crate) fn ends(&self, exit: i32) {
        assert_eq!(self.exit, exit, "{}", self.whole());
    }

    /// Standard output has this.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        assert!(self.out.contains(text), "no {text:?}: {}", self.whole());
    }

    /// Standard error has this.
    #[track_caller]
    pub(crate) fn complains(&self, text: &str) {
        assert!(self.err.contains(text), "no {text:?}: {}", self.whole());
    }

    /// Everything, for a snapshot: without what the wall clock and this machine say.
    pub(crate) fn whole(&self) -> String {
        let text = masked(&self.raw());
        let mut parts = text.split("ann@");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| {
            let machine = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            format!("{text}ann@HERE{}", &part[machine.unwrap_or(part.len())..])
        })
    }

    /// Everything.
    pub(crate) fn raw(&self) -> String {
        let Self { out, err, exit } = self;
        format!("exit {exit}\n--- standard output\n{out}--- standard error\n{err}")
    }
}

/// The second a run began in, by the wall clock, stands in its id and nowhere else.
pub(crate) fn masked(text: &str) -> String {
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    let mut masked = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('T') {
        let id = at.checked_sub(8).and_then(|from| rest.get(from..at + 8));
        let id = id.filter(|id| id.ends_with('Z') && digits(&id[..8]) && digits(&id[9..15]));
        let keep = if id.is_some() { at - 8 } else { at + 1 };
        masked.push_str(&rest[..keep]);
        if id.is_some() {
            masked.push_str("RUN");
        }
        rest = &rest[if id.is_some() { at + 8 } else { keep }..];
    }
    masked + rest
}

#[test]
fn only_the_moment_in_an_id_is_masked() {
    assert_eq!(
        masked("go on with 20261123T190511Z-warm_up: T"),
        "go on with RUN-warm_up: T"
    );
    assert_eq!(masked("2026-01-15T13:00:00Z é"), "2026-01-15T13:00:00Z é");
}

/// Everything in the files of a folder and below.
pub(crate) fn texts_in(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(path).unwrap();
                texts.push(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
    texts
}

/// A program of this machine, or the reason why a test is left out.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test looks for a program, and says so when it is not there"
)]
pub(crate) fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    if found.is_none() {
        println!("skipped: {program} is not installed");
    }
    found
}

/// Whether the environment wants all of it and not the little that every run of the tests does.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by their environment"
)]
pub(crate) fn all(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|which| which == "all")
}

/// A program beside a test: it answers lines, and ends with its input.
pub(crate) struct Beside {
    child: std::process::Child,
    input: Option<std::process::ChildStdin>,
    output: std::io::BufReader<std::process::ChildStdout>,
}

impl Beside {
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let output = std::io::BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            input,
            output,
        }
    }

    /// The next thing it says.
    pub(crate) fn says(&mut self) -> serde_json::Value {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut self.output, &mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// What it says to a line.
    pub(crate) fn answers(&mut self, line: &str) -> serde_json::Value {
        use std::io::Write as _;
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
        self.says()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        drop(self.input.take());
        self.child.wait().ok();
    }
}
