//! A small imitation of the shell in a container: enough commands to practise with. It computes
//! what a line does; whoever drives it sends the output and lets the time pass.

mod line;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::objects::text;
use line::{Link, parse};

/// What a program does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Writes to its standard output.
    Out(String),
    /// Writes to its standard error.
    Err(String),
    /// Does nothing for a while.
    Sleep(Duration),
    /// Reads lines and carries them out.
    Listen,
    /// Writes what it reads.
    Copy,
    /// Ends.
    Exit(u8),
}

/// A shell in a container.
#[derive(Debug)]
pub(super) struct Shell {
    user: &'static str,
    host: String,
    home: &'static str,
    cwd: String,
    files: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
    /// How the last command ended.
    code: u8,
    /// Columns and rows of the terminal, once they are known.
    pub(super) size: (u16, u16),
}

impl Shell {
    /// The shell of that container; none in an image that holds a single program.
    pub(super) fn of(pod: &Value, container: &str) -> Option<Self> {
        if container == "pause" {
            return None;
        }
        let host = text(pod, "/metadata/name").to_owned();
        let (user, home) = match container {
            "notebook" | "hub" => ("jovyan", "/home/jovyan"),
            _ => ("root", "/root"),
        };
        let mut files = BTreeMap::from([
            ("/etc/hostname".to_owned(), format!("{host}\n")),
            (
                "/etc/os-release".to_owned(),
                "NAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\n".to_owned(),
            ),
        ]);
        let mut env = BTreeMap::from([
            ("HOME", home.to_owned()),
            ("HOSTNAME", host.clone()),
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("TERM", "xterm".to_owned()),
        ]);
        if container == "notebook" {
            files.insert(
                format!("{home}/README.md"),
                "# Welcome\nThis is a practice server.\n".to_owned(),
            );
            files.insert(
                format!("{home}/lesson-1.ipynb"),
                "{\"cells\": [], \"nbformat\": 4}\n".to_owned(),
            );
            let username = text(pod, "/metadata/annotations/hub.jupyter.org~1username");
            env.insert("JUPYTERHUB_USER", username.to_owned());
        }
        let env = env
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Some(Self {
            user,
            host,
            home,
            cwd: home.to_owned(),
            files,
            env: env.collect(),
            code: 0,
            size: (0, 0),
        })
    }

    /// What it shows when it waits for a line at a terminal.
    pub(super) fn prompt(&self) -> String {
        let short = match self.cwd.strip_prefix(self.home) {
            Some(rest) => format!("~{rest}"),
            None => self.cwd.clone(),
        };
        let mark = if self.user == "root" { '#' } else { '$' };
        format!("{}@{}:{short}{mark} ", self.user, self.host)
    }

    /// How the last command ended.
    pub(super) fn code(&self) -> u8 {
        self.code
    }

    /// A command was broken off.
    pub(super) fn broken_off(&mut self) {
        self.code = 130;
    }

    /// Starts a program, as the container's runtime does; none when there is no such program.
    pub(super) fn start(&mut self, argv: &[String]) -> Option<Vec<Act>> {
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        let mut acts = Vec::new();
        let code = self.program(&words, &mut acts)?;
        if !ends(&acts) && !matches!(acts.last(), Some(Act::Copy)) {
            acts.push(Act::Exit(code));
        }
        Some(acts)
    }

    /// Carries out a line.
    pub(super) fn line(&mut self, text: &str) -> Vec<Act> {
        let mut acts = Vec::new();
        for command in parse(text) {
            let goes = match command.link {
                Link::Then => true,
                Link::And => self.code == 0,
                Link::Or => self.code != 0,
            };
            if !goes {
                continue;
            }
            let words: Vec<String> = command
                .words
                .iter()
                .map(|word| self.spelled(word))
                .collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let mut told = Vec::new();
            self.code = self.command(&words, &mut told);
            acts.extend(told.into_iter().filter_map(|act| command.redirected(act)));
            if ends(&acts) {
                break;
            }
        }
        acts
    }

    /// A word with its variables replaced.
    fn spelled(&self, word: &[line::Piece]) -> String {
        let pieces = word.iter().map(|piece| match piece {
            line::Piece::Text(text) => text.clone(),
            line::Piece::Variable(name) if name == "?" => self.code.to_string(),
            line::Piece::Variable(name) => self.env.get(name).cloned().unwrap_or_default(),
        });
        pieces.collect()
    }

    /// A command of a shell: one of its own, or a program.
    fn command(&mut self, words: &[&str], acts: &mut Vec<Act>) -> u8 {
        let Some((name, rest)) = words.split_first() else {
            return self.code;
        };
        match (*name, rest) {
            ("exit", _) => {
                let code = rest.first().and_then(|code| code.parse().ok());
                acts.push(Act::Exit(code.unwrap_or(self.code)));
                0
            }
            ("cd", _) => self.enter(rest.first().copied().unwrap_or(self.home), acts),
            ("exec", _) => {
                let code = self.command(rest, acts);
                if !ends(acts) {
                    acts.push(Act::Exit(code));
                }
                code
            }
            ("command", ["-v", wanted, ..]) => {
                let found = PROGRAMS.contains(wanted);
                if found {
                    acts.push(Act::Out(format!("/usr/bin/{wanted}\n")));
                }
                u8::from(!found)
            }
            _ => self.program(words, acts).unwrap_or_else(|| {
                acts.push(Act::Err(format!("sh: 1: {name}: not found\n")));
                127
            }),
        }
    }

    /// A program of the container; none when there is no such one.
    fn program(&mut self, words: &[&str], acts: &mut Vec<Act>) -> Option<u8> {
        let (path, rest) = words.split_first()?;
        let name = path.rsplit('/').next().unwrap_or(path);
        if !PROGRAMS.contains(&name) {
            return None;
        }
        let mut out = |text: String| {
            acts.push(Act::Out(text));
            0
        };
        Some(match (name, rest) {
            ("echo", ["-n", rest @ ..]) => out(rest.join(" ")),
            ("echo", rest) => out(format!("{}\n", rest.join(" "))),
            ("pwd", _) => out(format!("{}\n", self.cwd)),
            ("whoami", _) => out(format!("{}\n", self.user)),
            ("hostname", _) => out(format!("{}\n", self.host)),
            ("env", _) => {
                let all = self.env.iter();
                out(lines(all.map(|(name, value)| format!("{name}={value}"))))
            }
            ("false", _) => 1,
            ("sleep", [seconds, ..]) => {
                let seconds = seconds.parse().unwrap_or(0.0_f64).clamp(0.0, 1e6);
                acts.push(Act::Sleep(Duration::from_secs_f64(seconds)));
                0
            }
            ("seq", [last, ..]) => {
                let last: u32 = last.parse().unwrap_or(0);
                out(lines((1..=last).map(|number| number.to_string())))
            }
            ("stty", ["size"]) => match self.size {
                (0, 0) => {
                    let complaint = "stty: 'standard input': Inappropriate ioctl for device\n";
                    acts.push(Act::Err(complaint.to_owned()));
                    1
                }
                (columns, rows) => out(format!("{rows} {columns}\n")),
            },
            ("ls", rest) => self.list(rest.iter().find(|word| !word.starts_with('-')), acts),
            ("cat", []) => {
                acts.push(Act::Copy);
                0
            }
            ("cat", files) => self.show(files, acts),
            ("sh" | "bash", ["-c", script, ..]) => {
                acts.extend(self.line(script));
                self.code
            }
            ("sh" | "bash", _) => {
                acts.push(Act::Listen);
                0
            }
            _ => 0,
        })
    }

    fn enter(&mut self, wanted: &str, acts: &mut Vec<Act>) -> u8 {
        let path = self.path(wanted);
        let inside = format!("{}/", path.trim_end_matches('/'));
        if path != self.home && !self.files.keys().any(|file| file.starts_with(&inside)) {
            let complaint = format!("sh: 1: cd: can't cd to {wanted}\n");
            acts.push(Act::Err(complaint));
            return 2;
        }
        self.cwd = path;
        0
    }

    fn list(&self, wanted: Option<&&str>, acts: &mut Vec<Act>) -> u8 {
        let path = wanted.map_or_else(|| self.cwd.clone(), |wanted| self.path(wanted));
        if self.files.contains_key(&path) {
            acts.push(Act::Out(format!("{path}\n")));
            return 0;
        }
        let inside = format!("{}/", path.trim_end_matches('/'));
        let under = self
            .files
            .keys()
            .filter_map(|file| file.strip_prefix(&inside));
        let mut names: Vec<&str> = under.filter_map(|rest| rest.split('/').next()).collect();
        names.dedup();
        if names.is_empty() && path != self.home {
            let wanted = wanted.copied().unwrap_or_default();
            acts.push(Act::Err(format!(
                "ls: cannot access '{wanted}': No such file or directory\n"
            )));
            return 2;
        }
        acts.push(Act::Out(lines(names.into_iter().map(str::to_owned))));
        0
    }

    fn show(&self, files: &[&str], acts: &mut Vec<Act>) -> u8 {
        let mut code = 0;
        for file in files {
            if let Some(text) = self.files.get(&self.path(file)) {
                acts.push(Act::Out(text.clone()));
            } else {
                let complaint = format!(
                    "cat: {file}: No such file or directory
"
                );
                acts.push(Act::Err(complaint));
                code = 1;
            }
        }
        code
    }

    /// A path from the root on.
    fn path(&self, wanted: &str) -> String {
        let from = if wanted.starts_with('/') {
            ""
        } else {
            &self.cwd
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in from.split('/').chain(wanted.split('/')) {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        format!("/{}", parts.join("/"))
    }
}

/// What can be started, from any path.
const PROGRAMS: [&str; 15] = [
    "bash", "cat", "echo", "env", "false", "hostname", "ls", "pwd", "seq", "sh", "sleep", "stty",
    "true", "uptime", "whoami",
];

fn lines(all: impl Iterator<Item = String>) -> String {
    all.fold(String::new(), |lines, line| lines + line.as_str() + "\n")
}

/// Whether nothing comes after these.
fn ends(acts: &[Act]) -> bool {
    matches!(acts.last(), Some(Act::Exit(_) | Act::Listen))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shell() -> Shell {
        let pod = json!({"metadata": {"name": "jupyter-ada",
            "annotations": {"hub.jupyter.org/username": "ada"}}});
        Shell::of(&pod, "notebook").unwrap()
    }

    /// What a line writes, and how it ended.
    fn said(line: &str) -> (String, u8) {
        let mut shell = shell();
        let acts = shell
            .start(&["sh".to_owned(), "-c".to_owned(), line.to_owned()])
            .unwrap();
        let mut text = String::new();
        for act in acts {
            match act {
                Act::Out(out) => text.push_str(&out),
                Act::Err(err) => text = text + "!" + err.as_str(),
                Act::Exit(code) => return (text, code),
                act => text = format!("{text}{act:?}"),
            }
        }
        panic!("it does not end: {text}")
    }

    #[test]
    fn it_does_what_a_shell_does() {
        for (line, wrote, code) in [
            ("echo out; echo err >&2; exit 3", "out\n!err\n", 3),
            ("pwd && cd / || echo no", "/home/jovyan\n", 0),
            ("cd /etc && ls", "hostname\nos-release\n", 0),
            (
                "cat README.md nope",
                "# Welcome\nThis is a practice server.\n!cat: nope: No such file or directory\n",
                1,
            ),
            (
                "echo \"$JUPYTERHUB_USER is\" '$HOME' $HOME",
                "ada is $HOME /home/jovyan\n",
                0,
            ),
            ("false; echo $?", "1\n", 0),
            ("nosuch", "!sh: 1: nosuch: not found\n", 127),
            ("nosuch 2>/dev/null || whoami", "jovyan\n", 0),
            ("sh -c 'exit 4'", "", 4),
            (
                "stty size",
                "!stty: 'standard input': Inappropriate ioctl for device\n",
                1,
            ),
            ("sleep 0.5", "Sleep(500ms)", 0),
        ] {
            assert_eq!(said(line), (wrote.to_owned(), code), "{line}");
        }
    }

    #[test]
    fn what_is_asked_for_by_name_must_be_there() {
        let mut shell = shell();
        assert_eq!(shell.start(&["nosuch".to_owned()]), None);
        let exec = "command -v bash >/dev/null && exec bash || exec sh";
        assert_eq!(shell.line(exec), [Act::Listen]);
        assert_eq!(shell.prompt(), "jovyan@jupyter-ada:~$ ");
        assert!(Shell::of(&json!({}), "pause").is_none());
    }
}
