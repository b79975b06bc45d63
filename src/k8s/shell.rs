//! A command in a container: at the operator's terminal, or with what it writes as lines.

mod channel;

use kube::api::AttachParams;
use kube::core::Request as Url;

use super::call::begin;
use super::error::{Error, Request};
use super::named::NamedPod;
use crate::error::{self, Kind};
use crate::event::{Level, What};
use crate::world::World;
use crate::world::terminal::{Input, Terminal};
use channel::{Channel, Heard};

/// The best shell an image has.
const SHELL: &str = "command -v bash >/dev/null && exec bash || exec sh";

/// What to run.
#[derive(Debug, Clone, Default)]
pub struct Command {
    /// Where; the pod's own choice, or its first container, when none is named.
    pub container: Option<String>,
    /// What the container's shell carries out; none for the shell itself, at a terminal.
    pub line: Option<String>,
}

/// Runs a command, or a shell at the operator's terminal, and gives back how it ended. What a
/// command writes is said as [`What::Line`].
///
/// # Errors
/// When there is no terminal for a shell, the container has none, the connection is lost, or the
/// terminal is closed.
pub async fn shell(world: &World, pod: &NamedPod, command: &Command) -> error::Result<u8> {
    let (container, said) = pod.container(command.container.as_deref())?;
    if let Some(text) = said {
        let level = Level::Info;
        world.emit(What::Said { level, text });
    }
    let open = async |tty: bool, line: &str| {
        let what = Request {
            verb: "create",
            resource: "pods/exec".to_owned(),
            namespace: Some(pod.namespace.clone()),
            name: Some(pod.name.clone()),
        };
        let params = AttachParams {
            container: Some(container.clone()),
            stdin: tty,
            stdout: true,
            // At a terminal the two are one.
            stderr: !tty,
            tty,
            ..AttachParams::default()
        };
        let url = Url::new(format!("/api/v1/namespaces/{}/pods", pod.namespace));
        let opened = begin(world, &what, async |client| {
            let request = url.exec(&pod.name, ["sh", "-c", line], &params);
            client
                .connect(request.map_err(kube::Error::BuildRequest)?)
                .await
        });
        Ok::<_, Error>(Channel::new(world, opened.await?, &container, pod))
    };
    if let Some(line) = &command.line {
        let source = format!("{}/{}/{container}", pod.namespace, pod.name);
        return lines(world, open(false, line).await?, source).await;
    }
    let terminal = world.terminal().await.map_err(|error| match error.kind {
        Kind::NeedsAnswer => error.hint("pass --command \"...\" to run one command"),
        _ => error,
    })?;
    talk(open(true, SHELL).await?, terminal).await
}

/// Says what a command writes, line by line, until it ends.
async fn lines(world: &World, mut channel: Channel, source: String) -> error::Result<u8> {
    let mut unfinished = [Vec::new(), Vec::new()];
    let say = |line: &[u8], error: bool| {
        world.emit(What::Line {
            source: source.clone(),
            text: String::from_utf8_lossy(line).into_owned(),
            error,
        });
    };
    let code = loop {
        let (bytes, error) = match channel.hear().await? {
            Heard::Out(bytes) => (bytes, false),
            Heard::Err(bytes) => (bytes, true),
            Heard::Ended(code) => break code,
        };
        let [out, err] = &mut unfinished;
        let line = if error { err } else { out };
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(piece);
            if let Some(whole) = line.strip_suffix(b"\n") {
                say(whole, error);
                line.clear();
            }
        }
    };
    for (line, error) in unfinished.iter().zip([false, true]) {
        if !line.is_empty() {
            say(line, error);
        }
    }
    Ok(code)
}

/// Hands everything from the terminal to the shell and back, until it ends.
async fn talk(mut channel: Channel, mut terminal: Box<dyn Terminal>) -> error::Result<u8> {
    let mut keys = channel.keys();
    keys.resized(terminal.size());
    loop {
        let input = async {
            keys.room().await;
            terminal.read().await
        };
        let heard = tokio::select! {
            biased;
            heard = channel.hear() => heard?,
            input = input => {
                match input? {
                    Input::Typed(bytes) => keys.typed(&bytes),
                    Input::Resized(size) => keys.resized(size),
                }
                continue;
            }
        };
        match heard {
            Heard::Out(bytes) | Heard::Err(bytes) => terminal.write(bytes.into()).await?,
            Heard::Ended(code) => return Ok(code),
        }
    }
}
