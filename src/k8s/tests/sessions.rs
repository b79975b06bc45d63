//! Logs and shells, against the practice world.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::json;

use super::super::{Command, LogOptions, NamedPod, logs, pod_named, shell};
use crate::error::{Error, Kind, Result};
use crate::event::{Events, What};
use crate::sim::{Fault, Practice, Setup};
use crate::world::operator::{Answer, Question};
use crate::world::terminal::{Input, Size};
use crate::world::testing::{Seen, parts};
use crate::world::{Operator, Terminal, World};

/// What a person does, in order.
#[derive(Clone)]
enum Does {
    Types(&'static str),
    Resizes(u16, u16),
    Waits(u64),
    Closes,
}

/// A person at a terminal.
#[derive(Clone, Default)]
struct Person {
    does: Arc<Mutex<VecDeque<Does>>>,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Person {
    fn who(does: &[Does]) -> Self {
        let does = does.iter().cloned().collect();
        Self {
            does: Arc::new(Mutex::new(does)),
            shown: Arc::default(),
        }
    }

    fn saw(&self) -> String {
        String::from_utf8(self.shown.lock().unwrap().clone()).unwrap()
    }
}

impl Operator for Person {
    fn ask(&self, _: Question) -> BoxFuture<'_, Result<Answer>> {
        unreachable!()
    }

    fn lend(&self) -> BoxFuture<'_, Result<Box<dyn Terminal>>> {
        let lent: Box<dyn Terminal> = Box::new(self.clone());
        Box::pin(async { Ok(lent) })
    }
}

impl Terminal for Person {
    fn size(&self) -> Size {
        Size {
            columns: 80,
            rows: 24,
        }
    }

    fn read(&mut self) -> BoxFuture<'_, Result<Input>> {
        Box::pin(async {
            loop {
                let next = self.does.lock().unwrap().front().cloned();
                if let Some(Does::Waits(seconds)) = next {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                }
                self.does.lock().unwrap().pop_front();
                return match next {
                    Some(Does::Types(text)) => Ok(Input::Typed(text.into())),
                    Some(Does::Resizes(columns, rows)) => {
                        Ok(Input::Resized(Size { columns, rows }))
                    }
                    Some(Does::Closes) => Err(Error::new(Kind::Interrupted, "closed")),
                    Some(Does::Waits(_)) => continue,
                    None => std::future::pending().await,
                };
            }
        })
    }

    fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, Result<()>> {
        self.shown.lock().unwrap().extend(bytes);
        Box::pin(async { Ok(()) })
    }
}

/// A practice world with people in it.
fn practice(faults: &[&str], person: Option<&Person>) -> (World, Seen) {
    let faults = faults.iter().map(|fault| Fault::parse(fault).unwrap());
    let practice = Practice::fresh(&Setup {
        scenario: "users".to_owned(),
        faults: faults.collect(),
        ..Setup::default()
    });
    let practice = practice.unwrap();
    practice.start(Events::new(|_| {}));
    let (mut parts, seen) = parts(None, None);
    parts.clock = practice.clock();
    parts.doors = Arc::new(practice);
    if let Some(person) = person {
        parts.operator = Arc::new(person.clone());
    }
    (World::new(parts), seen)
}

async fn somebody(world: &World) -> NamedPod {
    let users = super::super::users(world, None).await.unwrap();
    pod_named(world, None, &users[0].user).await.unwrap()
}

fn lines(seen: &Seen) -> Vec<String> {
    let lines = seen.events().into_iter().filter_map(|what| match what {
        What::Line { text, error, .. } if error => Some(format!("!{text}")),
        What::Line { text, .. } => Some(text),
        _ => None,
    });
    lines.collect()
}

async fn within<T>(limit: u64, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(Duration::from_secs(limit), work)
        .await
        .ok()
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_found_by_name_by_beginning_and_by_part() {
    let (world, _) = practice(&[], None);
    let hub = pod_named(&world, Some("prod"), "hub").await.unwrap();
    assert!(hub.name.starts_with("hub-") && hub.namespace == "prod" && hub.user.is_none());
    let same = [
        format!("prod/{}", hub.name),
        format!("prod/{}", &hub.name[2..]),
    ];
    for name in [hub.name.as_str(), &same[0], &same[1]] {
        assert_eq!(pod_named(&world, None, name).await.unwrap(), hub, "{name}");
    }
    let user = somebody(&world).await;
    assert_eq!(
        user.name,
        format!("jupyter-{}", user.user.as_ref().unwrap())
    );
    let several = pod_named(&world, None, "hub").await.unwrap_err();
    assert!(
        several.message.starts_with("`hub` is 2 pods: prod/hub-"),
        "{several}"
    );
    assert!(several.message.contains(", staging/hub-"), "{several}");
    let none = pod_named(&world, Some("prod"), "hbu").await.unwrap_err();
    assert_eq!(
        (none.kind, none.message.as_str()),
        (Kind::NotFound, "no pod `hbu` in namespace prod")
    );
    assert_eq!(
        none.hint.unwrap(),
        format!("did you mean prod/{}?", hub.name)
    );
    let none = pod_named(&world, None, "grafana").await.unwrap_err();
    assert_eq!(none.message, "no pod `grafana` in namespaces prod, staging");
}

#[test]
fn a_container_is_chosen_and_said_where_there_is_a_choice() {
    let pod = |own, default: Option<&str>| NamedPod {
        namespace: "prod".to_owned(),
        name: "p".to_owned(),
        user: None,
        containers: ["a", "b", "prepares"].map(str::to_owned).to_vec(),
        own,
        default: default.map(str::to_owned),
    };
    let said = Some("container a of p; there are: a, b, prepares".to_owned());
    assert_eq!(
        pod(2, None).container(None).unwrap(),
        ("a".to_owned(), said)
    );
    assert_eq!(pod(2, Some("b")).container(None).unwrap().0, "b");
    assert_eq!(
        pod(1, None).container(None).unwrap(),
        ("a".to_owned(), None)
    );
    assert_eq!(
        pod(2, None).container(Some("prepares")).unwrap().0,
        "prepares"
    );
    let error = pod(2, None).container(Some("c")).unwrap_err();
    assert_eq!(error.hint.unwrap(), "it has: a, b, prepares");
}

#[tokio::test(start_paused = true)]
async fn a_log_is_shown_from_where_it_was_asked_for() {
    let (world, seen) = practice(&[], None);
    let hub = pod_named(&world, Some("prod"), "hub").await.unwrap();
    let all = logs(&world, &hub, &LogOptions::default()).await.unwrap();
    assert!(all.lines > 1000 && all.ended.is_none(), "{all:?}");
    let whole = lines(&seen);
    let some = LogOptions {
        tail: Some(3),
        ..LogOptions::default()
    };
    assert_eq!(logs(&world, &hub, &some).await.unwrap().lines, 3);
    assert_eq!(lines(&seen)[whole.len()..], whole[whole.len() - 3..]);
    let some = LogOptions {
        since: Some(Duration::from_mins(10)),
        ..LogOptions::default()
    };
    let recent = logs(&world, &hub, &some).await.unwrap().lines;
    assert!((20..80).contains(&recent), "{recent}");
    let puller = pod_named(&world, Some("prod"), "continuous-image-puller")
        .await
        .unwrap();
    assert_eq!(
        logs(&world, &puller, &LogOptions::default())
            .await
            .unwrap()
            .lines,
        0
    );
    let prepares = LogOptions {
        container: Some("image-pull-singleuser".to_owned()),
        ..LogOptions::default()
    };
    assert_eq!(logs(&world, &puller, &prepares).await.unwrap().lines, 1);
    let before = LogOptions {
        previous: true,
        ..LogOptions::default()
    };
    let none = logs(&world, &hub, &before).await.unwrap_err();
    assert!(
        none.message
            .contains("previous terminated container \"hub\" in pod"),
        "{none}"
    );
    assert!(none.hint.unwrap().contains("leave --previous off"));
}

#[tokio::test(start_paused = true)]
async fn a_followed_log_goes_on_where_its_connection_was_cut() {
    // Asleep after a minute: every connection is cut, and the credentials are old.
    let (world, seen) = practice(&["laptop-asleep@1m"], None);
    let hub = pod_named(&world, Some("prod"), "hub").await.unwrap();
    let follow = LogOptions {
        follow: true,
        tail: Some(2),
        ..LogOptions::default()
    };
    assert!(within(300, logs(&world, &hub, &follow)).await.is_none());
    let followed = lines(&seen);
    let cut = |what: &What| matches!(what, What::Retrying { .. });
    assert!(seen.events().iter().any(cut), "{:?}", seen.events());
    let since = LogOptions {
        since: Some(Duration::from_hours(3)),
        ..LogOptions::default()
    };
    logs(&world, &hub, &since).await.unwrap();
    let whole = lines(&seen).split_off(followed.len());
    let from = whole.iter().position(|line| *line == followed[0]).unwrap();
    assert!(followed.len() > 500, "{}", followed.len());
    assert_eq!(followed, whole[from..][..followed.len()]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_ends_ends_its_log_and_says_so() {
    let (world, seen) = practice(&[], None);
    let user = somebody(&world).await;
    let follow = LogOptions {
        follow: true,
        ..LogOptions::default()
    };
    let delete = async {
        world.clock().sleep(Duration::from_mins(2)).await;
        let client = world.doors().k8s().await.unwrap();
        let path = format!("/api/v1/namespaces/prod/pods/{}", user.name);
        let request = http::Request::delete(path).body(Vec::new()).unwrap();
        client.request_text(request).await.unwrap();
    };
    let (told, ()) = tokio::join!(within(600, logs(&world, &user, &follow)), delete);
    let how = told.unwrap().unwrap().ended.unwrap();
    assert_eq!(how, format!("pod {} is gone", user.name));
    assert!(
        seen.events()
            .iter()
            .any(|what| matches!(what, What::Said { text, .. } if *text == how))
    );
}

#[tokio::test(start_paused = true)]
async fn a_command_s_lines_and_exit_code_come_back() {
    let (world, seen) = practice(&[], None);
    let user = somebody(&world).await;
    let run = async |line: &str| {
        let line = Some(line.to_owned());
        shell(
            &world,
            &user,
            &Command {
                line,
                container: None,
            },
        )
        .await
    };
    let code = run("echo one; echo two >&2; sleep 100; echo -n three; exit 3").await;
    assert_eq!(code.unwrap(), 3);
    assert_eq!(lines(&seen), ["one", "!two", "three"]);
    assert_eq!(run("nosuch").await.unwrap(), 127);
    assert_eq!(run("seq 5000").await.unwrap(), 0);
    assert_eq!(lines(&seen).len(), 3 + 1 + 5000);
}

#[tokio::test(start_paused = true)]
async fn a_shell_has_the_terminal_to_itself_until_it_ends() {
    let ann = Person::who(&[
        Does::Types("echo hi\r"),
        Does::Waits(5),
        Does::Resizes(120, 40),
        Does::Types("stty size\r"),
        Does::Waits(200),
        Does::Types("exit 7\r"),
    ]);
    let (world, seen) = practice(&[], Some(&ann));
    let user = somebody(&world).await;
    let code = within(600, shell(&world, &user, &Command::default())).await;
    assert_eq!(code.unwrap().unwrap(), 7);
    let prompt = format!("jovyan@{}:~$ ", user.name);
    assert_eq!(
        ann.saw(),
        format!("{prompt}echo hi\r\nhi\r\n{prompt}stty size\r\n40 120\r\n{prompt}exit 7\r\n")
    );
    assert_eq!(lines(&seen), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn whatever_takes_a_shell_away_says_what_it_was() {
    let closes = Person::who(&[Does::Waits(3), Does::Closes]);
    let (world, _) = practice(&[], Some(&closes));
    let user = somebody(&world).await;
    let error = within(600, shell(&world, &user, &Command::default()))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind, Kind::Interrupted);
    let stays = Person::who(&[]);
    let (world, _) = practice(&["laptop-asleep@1m"], Some(&stays));
    let user = somebody(&world).await;
    let error = within(600, shell(&world, &user, &Command::default()))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind, Kind::Unreachable);
    assert!(
        error
            .message
            .starts_with("the connection to container notebook of jupyter-"),
        "{error}"
    );
    let (world, _) = practice(&["denied"], Some(&stays));
    let user = somebody(&world).await;
    let error = shell(&world, &user, &Command::default()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Denied);
    assert!(
        error.message.contains("create pods/exec jupyter-"),
        "{error}"
    );
    let hint = error.hint.unwrap();
    assert!(
        hint.contains("roles/container.developer") && hint.contains("create pods/exec -n prod"),
        "{hint}"
    );
    // Nobody there.
    let (world, _) = practice(&[], None);
    let error = shell(&world, &user, &Command::default()).await.unwrap_err();
    assert_eq!(error.kind, Kind::NeedsAnswer);
    assert!(error.hint.unwrap().contains("--command"));
    let puller = pod_named(&world, Some("prod"), "continuous-image-puller")
        .await
        .unwrap();
    let line = Some("ls".to_owned());
    let error = shell(
        &world,
        &puller,
        &Command {
            line,
            container: None,
        },
    )
    .await
    .unwrap_err();
    assert!(
        error.message.starts_with("no shell in container pause of"),
        "{error}"
    );
    assert!(
        json!(error)["hint"]
            .as_str()
            .unwrap()
            .contains("--container")
    );
}
