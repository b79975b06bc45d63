//! One command under way: frames in and out, the terminal's line discipline, time passing.

use std::collections::VecDeque;

use axum::body::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::super::Cluster;
use super::super::object::text;
use crate::sim::shell::{Act, Shell};

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
/// What follows names the channel that has ended (v5).
const CLOSE: u8 = 255;

/// What a container's runtime tells of a program that was killed.
const KILLED: u8 = 137;

/// The pod a command runs in.
pub(super) struct Place {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) uid: String,
}

/// What the client, or the world, did.
enum Heard {
    Typed(Bytes),
    /// Nothing more will be typed.
    Eof,
    Resized,
    /// The client has gone away, or the connection was cut.
    Left,
    /// The pod has.
    Killed,
    /// It was waited for so long.
    Awake,
}

pub(super) struct Session<C> {
    cluster: C,
    socket: WebSocketStream<TokioIo<Upgraded>>,
    place: Place,
    shell: Option<Shell>,
    tty: bool,
    stdin: bool,
    /// What is still to be done of what was begun.
    acts: VecDeque<Act>,
    /// What was typed, and nobody has read yet.
    typed: VecDeque<u8>,
    /// The line that is being typed.
    line: Vec<u8>,
    cuts: u64,
}

impl<C: Cluster> Session<C> {
    pub(super) fn new(
        cluster: C,
        socket: WebSocketStream<TokioIo<Upgraded>>,
        place: Place,
        shell: Option<Shell>,
        (tty, stdin): (bool, bool),
    ) -> Self {
        let cuts = cluster.news().cuts();
        Self {
            cluster,
            socket,
            place,
            shell,
            tty,
            stdin,
            acts: VecDeque::new(),
            typed: VecDeque::new(),
            line: Vec::new(),
            cuts,
        }
    }

    /// Carries the command out and says how it ended.
    pub(super) async fn run(mut self, argv: &[String]) -> Result<(), Error> {
        // The real server begins with an empty frame.
        self.send(STDOUT, b"").await?;
        let program = argv.first().map_or("", String::as_str);
        let started = self.shell.as_mut().and_then(|shell| shell.start(argv));
        let status = match (started, self.shell.take()) {
            (Some(acts), Some(shell)) => {
                self.acts = acts.into();
                match self.work(shell).await? {
                    Some(code) => ended(code),
                    None => return Ok(()),
                }
            }
            _ => not_started(program),
        };
        self.send(STATUS, status.to_string().as_bytes()).await?;
        let close = CloseFrame {
            code: CloseCode::Normal,
            reason: "".into(),
        };
        self.socket.close(Some(close)).await
    }

    async fn send(&mut self, channel: u8, bytes: &[u8]) -> Result<(), Error> {
        let mut frame = vec![channel];
        frame.extend_from_slice(bytes);
        self.socket.send(Message::Binary(frame.into())).await
    }

    /// Output as a terminal shows it.
    async fn show(&mut self, channel: u8, text: &str) -> Result<(), Error> {
        if self.tty {
            let text = text.replace('\n', "\r\n");
            return self.send(STDOUT, text.as_bytes()).await;
        }
        self.send(channel, text.as_bytes()).await
    }

    /// How it ended; nothing when nobody is there to be told.
    async fn work(&mut self, mut shell: Shell) -> Result<Option<u8>, Error> {
        while let Some(act) = self.acts.pop_front() {
            match act {
                Act::Out(text) => self.show(STDOUT, &text).await?,
                Act::Err(text) => self.show(STDERR, &text).await?,
                Act::Exit(code) => return Ok(Some(code)),
                Act::Sleep(wait) => {
                    let until = Instant::now() + wait;
                    loop {
                        match self.hear(Some(until), &mut shell).await? {
                            Heard::Awake => break,
                            Heard::Left => return Ok(None),
                            Heard::Killed => return Ok(Some(KILLED)),
                            Heard::Typed(bytes) if self.tty && bytes.contains(&3) => {
                                // What was typed before is lost, as at any terminal.
                                let after = bytes.into_iter().skip_while(|byte| *byte != 3);
                                self.typed = after.skip(1).collect();
                                self.show(STDOUT, "^C\n").await?;
                                shell.broken_off();
                                self.acts.retain(|act| *act == Act::Listen);
                                break;
                            }
                            Heard::Typed(bytes) => self.typed.extend(bytes),
                            Heard::Eof | Heard::Resized => {}
                        }
                    }
                }
                Act::Copy => loop {
                    match self.hear(None, &mut shell).await? {
                        Heard::Typed(bytes) => self.send(STDOUT, &bytes).await?,
                        Heard::Eof => return Ok(Some(0)),
                        Heard::Left => return Ok(None),
                        Heard::Killed => return Ok(Some(KILLED)),
                        Heard::Resized | Heard::Awake => {}
                    }
                },
                Act::Listen => {
                    if self.tty {
                        self.show(STDOUT, &shell.prompt()).await?;
                    }
                    let line = loop {
                        if let Some(line) = self.typed_line(&mut shell).await? {
                            break line;
                        }
                        match self.hear(None, &mut shell).await? {
                            Heard::Typed(bytes) => self.typed.extend(bytes),
                            Heard::Eof => return Ok(Some(shell.code())),
                            Heard::Left => return Ok(None),
                            Heard::Killed => return Ok(Some(KILLED)),
                            Heard::Resized | Heard::Awake => {}
                        }
                    };
                    self.acts.extend(shell.line(&line));
                    self.acts.push_back(Act::Listen);
                }
            }
        }
        Ok(Some(shell.code()))
    }

    /// The next whole line that was typed, shown as it is typed where there is a terminal.
    async fn typed_line(&mut self, shell: &mut Shell) -> Result<Option<String>, Error> {
        let mut echo = Vec::new();
        let mut whole = None;
        while whole.is_none()
            && let Some(byte) = self.typed.pop_front()
        {
            match byte {
                b'\n' | b'\r' => whole = Some(std::mem::take(&mut self.line)),
                3 if self.tty => {
                    shell.broken_off();
                    self.line.clear();
                    echo.extend(b"^C");
                    whole = Some(Vec::new());
                }
                4 if self.tty && self.line.is_empty() => whole = Some(b"exit".to_vec()),
                8 | 127 if self.tty => {
                    if self.line.pop().is_some() {
                        echo.extend(b"\x08 \x08");
                    }
                }
                byte => {
                    self.line.push(byte);
                    echo.push(byte);
                }
            }
        }
        if self.tty {
            if whole.is_some() {
                echo.extend(b"\r\n");
            }
            if !echo.is_empty() {
                self.send(STDOUT, &echo).await?;
            }
        }
        Ok(whole.map(|line| String::from_utf8_lossy(&line).into_owned()))
    }

    /// What happens next, until a moment if there is one.
    async fn hear(&mut self, until: Option<Instant>, shell: &mut Shell) -> Result<Heard, Error> {
        loop {
            let version = self.cluster.news().version();
            if self.cluster.news().cuts() > self.cuts {
                return Ok(Heard::Left);
            }
            if !self.alive() {
                return Ok(Heard::Killed);
            }
            let awake = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                message = self.socket.next() => match message {
                    None | Some(Err(_) | Ok(Message::Close(_))) => return Ok(Heard::Left),
                    Some(Ok(Message::Binary(frame))) => {
                        if let Some(heard) = self.frame(&frame, shell) {
                            return Ok(heard);
                        }
                    }
                    Some(Ok(_)) => {}
                },
                () = self.cluster.news().beyond(version, self.cuts) => {}
                () = awake => return Ok(Heard::Awake),
            }
        }
    }

    /// What a frame means; nothing when nobody asked for it.
    fn frame(&self, frame: &Bytes, shell: &mut Shell) -> Option<Heard> {
        match (frame.first()?, frame.get(1..)?) {
            (&STDIN, _) if self.stdin => Some(Heard::Typed(frame.slice(1..))),
            (&CLOSE, [STDIN]) => Some(Heard::Eof),
            (&RESIZE, size) if self.tty => {
                let size: Value = serde_json::from_slice(size).ok()?;
                let measure = |name: &str| u16::try_from(size.get(name)?.as_u64()?).ok();
                shell.size = (measure("Width")?, measure("Height")?);
                Some(Heard::Resized)
            }
            _ => None,
        }
    }

    /// Whether the pod is still the one the command runs in.
    fn alive(&self) -> bool {
        let place = &self.place;
        let pod = self
            .cluster
            .with(|store| store.object("Pod", Some(&place.namespace), &place.pod));
        pod.is_some_and(|pod| {
            text(&pod, "/metadata/uid") == place.uid
                && !matches!(text(&pod, "/status/phase"), "Succeeded" | "Failed")
        })
    }
}

/// How a command ended, as the kubelet tells it.
fn ended(code: u8) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    let message = format!(
        "command terminated with non-zero exit code: command terminated with exit code {code}"
    );
    json!({"metadata": {}, "status": "Failure", "message": message, "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]}})
}

/// There is no such program in the container.
fn not_started(program: &str) -> Value {
    let why = format!(
        "Internal error occurred: error executing command in container: failed to exec in \
         container: failed to start exec \"practice\": OCI runtime exec failed: exec failed: unable \
         to start container process: exec: \"{program}\": executable file not found in $PATH: \
         unknown"
    );
    json!({"metadata": {}, "status": "Failure", "code": 500, "reason": "InternalError",
        "message": format!("Internal error occurred: {why}"),
        "details": {"causes": [{"message": why}]}})
}
