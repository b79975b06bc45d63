//! Tells a webhook that a long wait is over. Its failure is a warning, never the run's.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::event::{Event, Events, Level, What};
use crate::names::Took;
use crate::world::secret::Secret;
use crate::world::{Target, webhook};

/// Shorter waits are over before anybody has gone away.
const LONG_SECONDS: u64 = 60;

/// Listens for the ends of long waits and calls the webhook.
#[derive(Clone)]
pub(super) struct Caller(Arc<Inner>);

struct Inner {
    url: Secret,
    target: String,
    runtime: Handle,
    calls: Mutex<Vec<JoinHandle<()>>>,
}

impl Caller {
    pub(super) fn new(url: Secret, target: &Target, runtime: Handle) -> Self {
        Self(Arc::new(Inner {
            url,
            target: target.name.clone(),
            runtime,
            calls: Mutex::default(),
        }))
    }

    pub(super) fn listening(&self, events: Events) -> Events {
        let caller = self.clone();
        Events::new(move |event: Event| {
            if let What::WaitEnded {
                what,
                ok,
                took_seconds,
                ..
            } = &event.what
                && *took_seconds >= LONG_SECONDS
            {
                let took = Took(std::time::Duration::from_secs(*took_seconds));
                let how = if *ok { "done" } else { "FAILED" };
                let text = format!("{}: {what}: {how} after {took}", caller.0.target);
                caller.call(text, event.at, events.clone());
            }
            events.emit(event);
        })
    }

    fn call(&self, text: String, at: jiff::Timestamp, events: Events) {
        let url = self.0.url.clone();
        let call = self.0.runtime.spawn(async move {
            if let Err(why) = webhook::post(&url, &text).await {
                let text = format!("the webhook was not told: {why}");
                let level = Level::Warning;
                let what = What::Said { level, text };
                events.emit(Event { at, what });
            }
        });
        let mut calls = self.0.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(call);
    }

    /// Waits for the calls that are still on their way; each gives up by itself.
    pub(super) async fn done(self) {
        let calls =
            std::mem::take(&mut *self.0.calls.lock().unwrap_or_else(PoisonError::into_inner));
        for call in calls {
            call.await.ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::names::{ClusterName, K8sEndpoint, Mode};

    /// Emits the end of a wait; gives what the webhook was sent, and what came out as events.
    async fn told(took_seconds: u64, ok: bool, status: &str) -> (Option<String>, Vec<What>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/T0/secret", listener.local_addr().unwrap());
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        let chat = tokio::spawn(async move { one_request(&listener, &answer).await });
        let target = Target {
            name: "callysto".to_owned(),
            cluster: ClusterName {
                project: String::new(),
                location: String::new(),
                cluster: String::new(),
            },
            watch: Vec::new(),
            home: String::new(),
            debt_age: Duration::ZERO,
            price: None,
            hub_pods: Vec::new(),
            hub_namespace: None,
            check_user: String::new(),
            allow_list: None,
            author: None,
            registry_mirror: None,
            k8s_endpoint: K8sEndpoint::default(),
            impersonate: None,
            type_name: false,
            timezone: None,
            mode: Mode::Live,
        };
        let caller = Caller::new(Secret::new(url), &target, Handle::current());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        let events = caller.listening(Events::new(move |event: Event| {
            kept.lock().unwrap().push(event.what);
        }));
        let what = What::WaitEnded {
            id: 1,
            what: "2 nodes of nb-user".to_owned(),
            ok,
            took_seconds,
        };
        let at = jiff::Timestamp::UNIX_EPOCH;
        events.emit(Event { at, what });
        caller.done().await;
        let sent = tokio::time::timeout(Duration::from_millis(100), chat).await;
        let heard = heard.lock().unwrap().clone();
        (sent.ok().map(|sent| sent.unwrap()), heard)
    }

    /// Reads one request and answers it; gives its first line and its body.
    async fn one_request(listener: &TcpListener, answer: &str) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = String::new();
        // The body is one JSON object, and the last thing sent.
        while !text.ends_with('}') {
            let mut buffer = [0; 1024];
            let count = stream.read(&mut buffer).await.unwrap();
            text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        format!("{}\n{body}", head.lines().next().unwrap())
    }

    #[tokio::test]
    async fn the_end_of_a_long_wait_is_told() {
        let (sent, heard) = told(60, true, "200 OK").await;
        assert_eq!(
            sent.unwrap(),
            "POST /T0/secret HTTP/1.1\n\
             {\"text\":\"callysto: 2 nodes of nb-user: done after 1 min 00 s\"}"
        );
        assert_eq!(heard.len(), 1, "the event itself goes on, and nothing more");
        let (sent, _) = told(4500, false, "200 OK").await;
        assert!(
            sent.unwrap()
                .ends_with("{\"text\":\"callysto: 2 nodes of nb-user: FAILED after 1 h 15 min\"}")
        );
    }

    #[tokio::test]
    async fn a_short_wait_is_not_told() {
        let (sent, heard) = told(59, true, "200 OK").await;
        assert_eq!((sent, heard.len()), (None, 1));
    }

    #[tokio::test]
    async fn a_webhook_that_fails_is_a_warning_without_its_address() {
        let (sent, heard) = told(60, true, "404 Not Found").await;
        assert!(sent.is_some());
        let warning = What::Said {
            level: Level::Warning,
            text: "the webhook was not told: the webhook answered 404 Not Found".to_owned(),
        };
        assert_eq!(heard.last(), Some(&warning));
    }
}
