//! What containers write into their logs: the same lines for the same pod at the same moments,
//! however often and from wherever they are read. Nothing is kept: a line is a number's, and the
//! number is made of pod, container and time.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::objects::{fingerprint, text};

/// Before that, the kubelet has thrown a log away.
const KEPT: SignedDuration = SignedDuration::from_hours(6);

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    at: Timestamp,
    text: String,
}

impl Line {
    /// As it is sent, with its time in front or without.
    pub(super) fn write(&self, stamped: bool) -> String {
        if stamped {
            let at = self.at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ");
            format!("{at} {}\n", self.text)
        } else {
            format!("{}\n", self.text)
        }
    }
}

/// What kind of program runs in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    Hub,
    Proxy,
    Notebook,
    Puller,
    Pause,
    Other,
}

impl Program {
    fn of(pod: &Value, container: &str) -> Self {
        match (text(pod, "/metadata/labels/component"), container) {
            (_, "pause") => Self::Pause,
            (_, name) if name.starts_with("image-pull-") => Self::Puller,
            ("hub", "hub") => Self::Hub,
            ("proxy", _) => Self::Proxy,
            ("singleuser-server", "notebook") => Self::Notebook,
            _ => Self::Other,
        }
    }

    /// In every stretch of so many seconds it writes one line, or none.
    fn stretch(self) -> Option<i64> {
        match self {
            Self::Hub => Some(8),
            Self::Proxy => Some(20),
            Self::Notebook => Some(45),
            Self::Other => Some(60),
            Self::Puller | Self::Pause => None,
        }
    }

    /// What it says first.
    fn greeting(self) -> &'static [&'static str] {
        match self {
            Self::Hub => &[
                "Running JupyterHub version 5.3.0",
                "Using Authenticator: oauthenticator.auth0.Auth0OAuthenticator-17.3.0",
                "Using Spawner: kubespawner.spawner.KubeSpawner-7.0.0",
                "JupyterHub is now running, internal Hub API at http://hub:8081/hub/",
            ],
            Self::Proxy => &["Proxying http://*:8000 to (no default)"],
            Self::Notebook => &[
                "jupyterlab | extension was successfully loaded.",
                "Serving notebooks from local directory: /home/jovyan",
                "Jupyter Server 2.16.0 is running at:",
            ],
            Self::Puller => &["Pulling complete"],
            Self::Pause => &[],
            Self::Other => &["starting"],
        }
    }

    /// What it says when `number` has come up.
    fn remark(self, number: u64) -> String {
        let took = 2 + number % 80;
        let who = number / 7 % 40;
        match (self, number % 5) {
            (Self::Hub, 0 | 1) => {
                format!(
                    "200 POST /hub/api/users/user-{who}/activity (user-{who}@10.8.2.{who}) {took}.31ms"
                )
            }
            (Self::Hub, 2) => format!("200 GET /hub/api/ (jupyterhub-idle-culler@::1) {took}.07ms"),
            (Self::Hub, 3) => format!("200 GET /hub/home (user-{who}@10.8.2.{who}) {took}.88ms"),
            (Self::Hub, _) => {
                format!("302 GET /hub/ -> /hub/home (user-{who}@10.8.2.{who}) {took}.12ms")
            }
            (Self::Proxy, 0..=3) => "200 GET /api/routes".to_owned(),
            (Self::Proxy, _) => {
                format!("Adding route /user/user-{who} -> http://10.8.2.{who}:8888")
            }
            (Self::Notebook, 0 | 1) => format!("Saving file at /lesson-{}.ipynb", 1 + who % 6),
            (Self::Notebook, 2) => format!("Kernel started: {:08x}-{who:04x}", number >> 32),
            (Self::Notebook, 3) => {
                format!("Starting buffering for {:08x}-{who:04x}", number >> 32)
            }
            (Self::Notebook, _) => {
                format!("200 GET /user/api/contents (@10.8.2.{who}) {took}.50ms")
            }
            (Self::Other | Self::Puller | Self::Pause, _) => format!("done in {took} ms"),
        }
    }

    /// The line as this program's logger writes it.
    fn line(self, at: Timestamp, said: &str) -> Line {
        let day = at.strftime("%Y-%m-%d %H:%M:%S.%3f");
        let text = match self {
            Self::Hub => format!("[I {day} JupyterHub log:192] {said}"),
            Self::Proxy => format!("{} [ConfigProxy] info: {said}", at.strftime("%H:%M:%S.%3f")),
            Self::Notebook => format!("[I {day} ServerApp] {said}"),
            Self::Puller | Self::Pause => said.to_owned(),
            Self::Other => format!("level=info ts={} msg=\"{said}\"", at.strftime("%FT%TZ")),
        };
        Line { at, text }
    }
}

/// What a container says once it has begun.
struct Speech {
    program: Program,
    key: u64,
    /// In milliseconds.
    stretch: i64,
    greetings: Vec<Line>,
    /// Nothing is remarked before that.
    greeted: Timestamp,
}

impl Speech {
    fn of(pod: &Value, container: &str, began: Timestamp) -> Self {
        let program = Program::of(pod, container);
        let greetings: Vec<Line> = (program.greeting().iter().zip(0..))
            .map(|(said, at)| program.line(after(began, at * 400), said))
            .collect();
        let uid = text(pod, "/metadata/uid");
        Self {
            program,
            key: fingerprint(&format!("{uid}/{container}")),
            stretch: program.stretch().unwrap_or_default() * 1000,
            greeted: greetings.last().map_or(began, |line| after(line.at, 1)),
            greetings,
        }
    }

    /// What it says from a moment on, in order; without an end.
    fn from(&self, from: Timestamp) -> impl Iterator<Item = Line> {
        let from = from.max(self.greeted);
        let silent = self.stretch == 0;
        let stretches = (!silent).then(|| from.as_millisecond() / self.stretch..);
        let remarks = stretches.into_iter().flatten();
        remarks
            .filter_map(|number| self.remark(number))
            .filter(move |line| line.at >= from)
    }

    /// What it says in a stretch of time, if anything.
    fn remark(&self, stretch: i64) -> Option<Line> {
        let number = fingerprint(&format!("{:x} {stretch}", self.key));
        let part = i64::try_from(number % 997).ok()?;
        let at = stretch * self.stretch + self.stretch * part / 997;
        let at = Timestamp::from_millisecond(at).ok()?;
        let said = (!number.is_multiple_of(4)).then(|| self.program.remark(number >> 8));
        Some(self.program.line(at, &said?))
    }
}

fn after(at: Timestamp, millis: i64) -> Timestamp {
    let later = at.saturating_add(SignedDuration::from_millis(millis));
    later.unwrap_or(Timestamp::MAX)
}

/// What a container that began then wrote between two moments, the second not included.
pub(super) fn lines(
    pod: &Value,
    container: &str,
    began: Timestamp,
    (from, to): (Timestamp, Timestamp),
) -> Vec<Line> {
    let speech = Speech::of(pod, container, began);
    let kept = to.saturating_sub(KEPT).unwrap_or(from);
    let remarks = speech.from(from.max(kept)).take_while(|line| line.at < to);
    let greetings = speech.greetings.iter().cloned();
    greetings
        .filter(|line| (from..to).contains(&line.at))
        .chain(remarks)
        .collect()
}

/// When it has next written something, at `told` or later; a long time when it never does.
pub(super) fn next(pod: &Value, container: &str, began: Timestamp, told: Timestamp) -> Timestamp {
    let speech = Speech::of(pod, container, began);
    let mut greetings = speech.greetings.iter();
    let line = greetings
        .find(|line| line.at >= told)
        .cloned()
        .or_else(|| speech.from(told).next());
    line.map_or_else(|| after(told, 6 * 3_600_000), |line| after(line.at, 1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hub() -> Value {
        json!({"metadata": {"uid": "u", "labels": {"component": "hub"}}})
    }

    fn at(clock: &str) -> Timestamp {
        format!("2026-01-15T{clock}Z").parse().unwrap()
    }

    #[test]
    fn what_was_written_does_not_depend_on_how_it_is_read() {
        let began = at("13:00:00");
        let whole = lines(&hub(), "hub", began, (began, at("14:00:00")));
        assert!(whole.len() > 200, "{}", whole.len());
        assert!(whole.is_sorted_by_key(|line| line.at));
        let mut told = began;
        let mut pieces = Vec::new();
        while told < at("14:00:00") {
            let until = next(&hub(), "hub", began, told).min(at("14:00:00"));
            let piece = lines(&hub(), "hub", began, (told, until));
            assert!(piece.len() == 1 || until == at("14:00:00"), "{piece:?}");
            pieces.extend(piece);
            told = until;
        }
        assert_eq!(pieces, whole);
        let stamped = whole[4].write(true);
        assert!(stamped.starts_with("2026-01-15T13:0") && stamped.contains("000Z [I 2026"));
    }

    #[test]
    fn a_pause_says_nothing_and_a_puller_one_thing() {
        let began = at("13:00:00");
        let puller = json!({"metadata": {"uid": "p"}});
        let all = (began, at("14:00:00"));
        assert_eq!(lines(&puller, "pause", began, all), []);
        let said = lines(&puller, "image-pull-singleuser", began, all);
        assert_eq!(said[0].write(false), "Pulling complete\n");
        assert_eq!(said.len(), 1);
    }
}
