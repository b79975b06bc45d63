//! The connection of one command: `v4.channel.k8s.io` and `v5.channel.k8s.io` frame alike but for
//! the end of what is typed, which nobody here ends before the command does.

use std::time::Duration;

use futures::channel::mpsc::{self, Sender};
use futures::future::{self, BoxFuture};
use futures::stream::SplitStream;
use futures::{FutureExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use kube::client::Connection;
use kube::core::Status;
use serde_json::json;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Bytes, Message};

use super::super::error::{Error, root};
use super::super::named::NamedPod;
use crate::world::World;
use crate::world::terminal::Size;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;

/// How often the server is asked whether it is still there.
const PING: Duration = Duration::from_secs(15);

/// After that long without a sign of it, it is not.
const SILENCE: Duration = Duration::from_secs(61);

/// So many things may be typed ahead of what was sent.
const QUEUED: usize = 16;

/// What comes from a command.
pub(super) enum Heard {
    Out(Bytes),
    Err(Bytes),
    /// It ended with this exit code.
    Ended(u8),
}

/// The connection of a command.
pub(super) struct Channel {
    world: World,
    coming: SplitStream<WebSocketStream<TokioIo<Upgraded>>>,
    /// Sends what is queued. Beside the reading: a command that waits until its output is read
    /// reads no input.
    going: BoxFuture<'static, tungstenite::Result<()>>,
    queue: Sender<Message>,
    /// `container notebook of jupyter-ada`.
    place: String,
    /// When the server last gave a sign.
    seen: Timestamp,
}

impl Channel {
    pub(super) fn new(
        world: &World,
        connection: Connection,
        container: &str,
        pod: &NamedPod,
    ) -> Self {
        let (sink, coming) = connection.into_stream().split();
        let (queue, queued) = mpsc::channel(QUEUED);
        Self {
            world: world.clone(),
            coming,
            going: queued.map(Ok).forward(sink).boxed(),
            queue,
            place: format!("container {container} of {}", pod.name),
            seen: world.clock().now(),
        }
    }

    /// What comes next. A future that is dropped has lost nothing.
    pub(super) async fn hear(&mut self) -> Result<Heard, Error> {
        loop {
            let message = tokio::select! {
                biased;
                message = self.coming.next() => message,
                sent = &mut self.going => {
                    let why = sent.map_or_else(|failure| root(&failure), |()| String::new());
                    return Err(self.cut(why));
                }
                () = self.world.clock().sleep(PING) => {
                    if self.world.clock().since(self.seen) > SILENCE {
                        let why = format!("no sign of it for {} s", SILENCE.as_secs());
                        return Err(self.cut(why));
                    }
                    // With the queue full, it is not for want of sending that nothing comes.
                    self.queue.try_send(Message::Ping(Bytes::new())).ok();
                    continue;
                }
            };
            self.seen = self.world.clock().now();
            match message {
                Some(Ok(Message::Binary(frame))) => match frame.first() {
                    Some(&STDOUT) if frame.len() > 1 => return Ok(Heard::Out(frame.slice(1..))),
                    Some(&STDERR) if frame.len() > 1 => return Ok(Heard::Err(frame.slice(1..))),
                    Some(&STATUS) => return self.ended(&frame.slice(1..)).map(Heard::Ended),
                    _ => {}
                },
                None | Some(Ok(Message::Close(_))) => {
                    let why = "the server closed it".to_owned();
                    return Err(self.cut(why));
                }
                Some(Err(failure)) => return Err(self.cut(root(&failure))),
                Some(Ok(_)) => {}
            }
        }
    }

    /// Where what a person does at the terminal goes.
    pub(super) fn keys(&self) -> Keys {
        Keys(self.queue.clone())
    }

    /// How the command ended, as the kubelet tells it.
    fn ended(&self, status: &[u8]) -> Result<u8, Error> {
        let status: Status = serde_json::from_slice(status)
            .map_err(|error| self.cut(format!("it ended with what cannot be read: {error}")))?;
        if status.is_success() {
            return Ok(0);
        }
        let causes = status
            .details
            .into_iter()
            .flat_map(|details| details.causes);
        let code = causes
            .filter(|cause| cause.reason == "ExitCode")
            .find_map(|cause| cause.message.parse::<i32>().ok());
        match code {
            // No exit status of ours is larger.
            Some(code) => Ok(u8::try_from(code).unwrap_or(u8::MAX)),
            None => Err(Error::NotRun {
                place: self.place.clone(),
                message: status.message,
            }),
        }
    }

    fn cut(&self, why: String) -> Error {
        Error::Cut {
            place: self.place.clone(),
            why,
        }
    }
}

/// The way to a command for what a person does at the terminal.
pub(super) struct Keys(Sender<Message>);

impl Keys {
    /// Returns when there is room for more.
    pub(super) async fn room(&mut self) {
        // A queue that is gone is noticed by whoever listens.
        future::poll_fn(|context| self.0.poll_ready(context))
            .await
            .ok();
    }

    /// Sends what was typed.
    pub(super) fn typed(&mut self, bytes: &[u8]) {
        self.frame(STDIN, bytes);
    }

    /// Says how large the terminal is.
    pub(super) fn resized(&mut self, size: Size) {
        let size = json!({"Width": size.columns, "Height": size.rows});
        self.frame(RESIZE, size.to_string().as_bytes());
    }

    fn frame(&mut self, channel: u8, bytes: &[u8]) {
        let mut frame = vec![channel];
        frame.extend_from_slice(bytes);
        self.0.try_send(Message::Binary(frame.into())).ok();
    }
}
