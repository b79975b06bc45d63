//! A container's log, line by line; followed, it goes on where a lost connection left it.

mod shown;

use std::time::Duration;

use futures::AsyncBufReadExt as _;
use kube::api::LogParams;
use kube::core::Request as Url;

use super::call::call;
use super::error::{Error, Request, root};
use super::named::{self, NamedPod};
use super::object::{ContainerStatus, Terminated};
use crate::error::{self, Kind};
use crate::event::{Level, What, seconds};
use crate::world::World;
use shown::{Shown, split};

/// A followed log that is silent for so long is asked for anew: a connection can be dead and not
/// say so.
const SILENCE: Duration = Duration::from_mins(5);

/// Pauses between connections that bring nothing double up to this.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What is wanted of a log.
#[derive(Debug, Clone, Default)]
pub struct LogOptions {
    /// Whose; the pod's own choice, or its first, when none is named.
    pub container: Option<String>,
    /// Whether to go on until the container ends.
    pub follow: bool,
    /// Whether to show what the container wrote before it was last started again.
    pub previous: bool,
    /// No lines older than that.
    pub since: Option<Duration>,
    /// No more than so many of the lines that are there.
    pub tail: Option<u32>,
}

/// What was shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Told {
    /// Which container's.
    pub container: String,
    /// How many lines.
    pub lines: u64,
    /// How the container ended, if it did while it was followed.
    pub ended: Option<String>,
}

/// Says each line of a container's log as [`What::Line`].
///
/// # Errors
/// When there is no such container, it has written nothing yet, or the log cannot be read.
pub async fn logs(world: &World, pod: &NamedPod, options: &LogOptions) -> error::Result<Told> {
    let (container, said) = pod.container(options.container.as_deref())?;
    if let Some(text) = said {
        let level = Level::Info;
        world.emit(What::Said { level, text });
    }
    let what = Request {
        verb: "get",
        resource: "pods/log".to_owned(),
        namespace: Some(pod.namespace.clone()),
        name: Some(pod.name.clone()),
    };
    let mut log = Log {
        world,
        pod,
        options,
        source: format!("{}/{}/{container}", pod.namespace, pod.name),
        container,
        what,
        shown: Shown::default(),
        rest: Vec::new(),
        lines: 0,
    };
    let over = async {
        match world.endless().filter(|_| options.follow) {
            Some(limit) => world.clock().sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        biased;
        ended = log.read() => ended?,
        () = over => None,
    };
    Ok(Told {
        container: log.container,
        lines: log.lines,
        ended,
    })
}

/// A log that is being read.
struct Log<'a> {
    world: &'a World,
    pod: &'a NamedPod,
    options: &'a LogOptions,
    source: String,
    container: String,
    what: Request,
    shown: Shown,
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
    lines: u64,
}

/// How a connection ended.
enum End {
    /// The server had nothing more to send.
    Whole,
    /// It was lost.
    Cut(String),
    /// Nothing came for a long time.
    Silent,
    /// Nobody reads the lines any more.
    Unheard,
}

/// A container, as the server knows it now.
struct Look {
    /// The pod's own number: another one may come to have its name.
    uid: Option<String>,
    status: ContainerStatus,
}

impl Log<'_> {
    /// Reads to the end; says how the container ended if it did.
    async fn read(&mut self) -> error::Result<Option<String>> {
        let clock = self.world.clock();
        let mut began = None;
        let mut pause = Duration::from_secs(1);
        let mut known = if self.options.follow {
            self.look().await?
        } else {
            None
        };
        loop {
            let before = self.lines;
            let elapsed = began.map(|began| clock.since(began));
            began = began.or(Some(clock.now()));
            let end = self.connection(elapsed).await?;
            if matches!(end, End::Unheard) {
                return Ok(None);
            }
            if self.options.follow {
                let look = self.look().await?;
                if let Some(how) = self.over(known.as_ref(), look.as_ref()) {
                    let rest = std::mem::take(&mut self.rest);
                    self.line(&rest);
                    self.say(&how);
                    return Ok(Some(how));
                }
                known = look;
            } else if matches!(end, End::Whole) {
                return Ok(None);
            }
            if self.lines > before {
                pause = Duration::from_secs(1);
            }
            let why = match end {
                End::Silent | End::Unheard => None,
                End::Whole => Some("the server closed the connection".to_owned()),
                End::Cut(why) => Some(why),
            };
            if let Some(why) = why {
                self.world.emit(What::Retrying {
                    what: self.what.to_string(),
                    why,
                    after_seconds: seconds(pause),
                });
                clock.sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            self.shown.lost();
        }
    }

    fn say(&self, text: &str) {
        let (level, text) = (Level::Warning, text.to_owned());
        self.world.emit(What::Said { level, text });
    }

    /// Reads until the connection ends.
    async fn connection(&mut self, elapsed: Option<Duration>) -> error::Result<End> {
        let params = self.params(elapsed);
        let open = async |client: kube::Client| {
            let url = format!("/api/v1/namespaces/{}/pods", self.pod.namespace);
            let request = Url::new(url).logs(&self.pod.name, &params);
            let request = request.map_err(kube::Error::BuildRequest)?;
            client.request_stream(request).await
        };
        let opened = call(self.world, &self.what, open).await;
        let stream = opened.map_err(|failure| refused(failure, self.pod))?;
        let mut stream = std::pin::pin!(stream);
        self.rest.clear();
        loop {
            let mut line = Vec::new();
            let read = tokio::select! {
                biased;
                read = stream.read_until(b'\n', &mut line) => read,
                () = self.world.clock().sleep(SILENCE), if self.options.follow => {
                    return Ok(End::Silent);
                }
            };
            match read {
                Err(error) => return Ok(End::Cut(root(&error))),
                Ok(0) => return Ok(End::Whole),
                // It may be sent again as a whole; or it is the last one, which may have no end.
                Ok(_) if self.options.follow && !line.ends_with(b"\n") => self.rest = line,
                Ok(_) => self.line(&line),
            }
            // Whoever wanted them has seen enough: `| head`.
            if !self.world.is_heard() {
                return Ok(End::Unheard);
            }
        }
    }

    fn line(&mut self, line: &[u8]) {
        if line.is_empty() {
            return;
        }
        let raw = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line));
        let text = match split(&raw) {
            Some((at, text)) if self.shown.is_new(at, text) => text,
            Some(_) => return,
            None => &raw,
        };
        self.lines += 1;
        self.world.emit(What::Line {
            source: self.source.clone(),
            text: text.to_owned(),
            error: false,
        });
    }

    /// What is asked for now; `elapsed` is how long ago it was first, if it was.
    fn params(&self, elapsed: Option<Duration>) -> LogParams {
        let options = self.options;
        let mut params = LogParams {
            container: Some(self.container.clone()),
            follow: options.follow,
            previous: options.previous,
            timestamps: true,
            ..LogParams::default()
        };
        let whole = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        match (self.shown.since(), elapsed) {
            (Some(since), _) => params.since_time = Some(since),
            (None, None) => {
                params.since_seconds = options.since.map(whole);
                params.tail_lines = options.tail.map(i64::from);
            }
            // Nothing came; since then it may have been any number of lines.
            (None, Some(elapsed)) => {
                let since = options
                    .since
                    .or(options.tail.map(|_| Duration::from_secs(1)));
                params.since_seconds = since.map(|since| whole(since + elapsed));
            }
        }
        params
    }

    /// The container as it is now; nothing when its pod is gone.
    async fn look(&self) -> error::Result<Option<Look>> {
        let found = named::get(self.world, &self.pod.namespace, &self.pod.name);
        let pod = match found.await {
            Ok(pod) => pod,
            Err(failure) if failure.code() == Some(404) => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        let status = pod.status.unwrap_or_default();
        let all = status.container_statuses.into_iter();
        let mut all = all.chain(status.init_container_statuses);
        let status = all.find(|status| status.name == self.container);
        Ok(Some(Look {
            uid: pod.metadata.uid,
            status: status.unwrap_or_default(),
        }))
    }

    /// How the container ended, if it will write nothing more. One that was started again is
    /// followed on.
    fn over(&self, known: Option<&Look>, now: Option<&Look>) -> Option<String> {
        let now = now.filter(|now| known.is_none_or(|known| known.uid == now.uid));
        let Some(Look { status, .. }) = now else {
            return Some(format!("pod {} is gone", self.pod.name));
        };
        if let Some(ended) = &status.state.terminated {
            return Some(self.ended(ended));
        }
        let ended = status.last.terminated.as_ref()?;
        if let Some(waiting) = &status.state.waiting {
            let (how, why) = (self.ended(ended), &waiting.reason);
            return Some(format!("{how}; to be started again: {why}"));
        }
        if known.is_some_and(|known| known.status.restarts != status.restarts) {
            self.say(&format!("{}, and was started again", self.ended(ended)));
        }
        None
    }

    fn ended(&self, ended: &Terminated) -> String {
        let (container, code) = (&self.container, ended.exit_code);
        match ended.reason.as_str() {
            "" | "Completed" | "Error" => {
                format!("container {container} ended with exit code {code}")
            }
            reason => format!("container {container} ended with exit code {code} ({reason})"),
        }
    }
}

/// What keeps a log from being read, in words a person can do something with.
fn refused(failure: Error, pod: &NamedPod) -> error::Error {
    let Error::Api {
        code: 400, message, ..
    } = &failure
    else {
        return failure.into();
    };
    let hint = if message.contains("previous terminated") {
        "it has not been started again since it was made; leave --previous off".to_owned()
    } else if message.contains("waiting to start") {
        format!(
            "it has written nothing yet; `kubectl -n {} describe pod {}` says what keeps it",
            pod.namespace, pod.name
        )
    } else {
        return failure.into();
    };
    error::Error::new(Kind::NotFound, message.clone()).hint(hint)
}
