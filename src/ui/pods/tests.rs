//! A full screen of pods, key by key; and lines for whoever has none.

use std::sync::Arc;
use std::sync::mpsc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::Told;
use crate::event::{Event, Level, PodGroup, PodName, PodNews, PodRow, PodUsage, Tone, What};
use crate::names::{Bytes, Cpu};
use crate::ui::bars::Bars;
use crate::ui::keys::Key;
use crate::ui::live::Window;
use crate::ui::streams::{Collected, Streams};
use crate::ui::tests::runs::options;
use crate::ui::tests::screen::Screen;
use crate::ui::writer::Face as _;
use crate::ui::{Output, Redactor, json};
use crate::world::operator::View;

fn start() -> Timestamp {
    "2026-01-15T13:00:00Z".parse().unwrap()
}

fn id(name: &str) -> PodName {
    PodName {
        namespace: "prod".into(),
        name: name.into(),
    }
}

fn row(name: &str, status: &str, minutes: i64) -> Arc<PodRow> {
    let group = match name {
        name if name.starts_with("jupyter-") => PodGroup::User,
        name if name.starts_with("hub-") || name.starts_with("proxy-") => PodGroup::Hub,
        _ => PodGroup::Other,
    };
    let running = status == "Running";
    Arc::new(PodRow {
        id: id(name),
        group,
        ready: (running.into(), 1),
        status: status.into(),
        tone: (!running).then_some(Tone::Alarm),
        restarts: u32::from(!running) * 3,
        restarted: (!running).then(|| start() - SignedDuration::from_secs(100)),
        created: Some(start() - SignedDuration::from_mins(minutes)),
        node: "gke-callysto-cluster-nb-user-beeb8da1-rmw9".into(),
    })
}

fn rows(put: &[Arc<PodRow>], gone: &[&str], first: bool) -> PodNews {
    PodNews::Rows {
        put: put.to_vec(),
        gone: gone.iter().map(|name| id(name)).collect(),
        first,
    }
}

fn used(name: &str, cpu: u64, memory: u64) -> PodUsage {
    PodUsage {
        id: id(name),
        cpu: Cpu(cpu * 1_000_000),
        memory: Bytes(memory << 20),
    }
}

fn usage(used: &[PodUsage]) -> PodNews {
    PodNews::Usage {
        used: used.to_vec(),
        unmeasured: None,
    }
}

fn began() -> PodNews {
    PodNews::Began {
        target: "callysto".to_owned(),
        namespaces: vec!["prod".to_owned()],
    }
}

/// A terminal with a full screen of pods.
struct Terminal {
    bars: Bars,
    streams: Streams,
    collected: Collected,
    view: watch::Receiver<View>,
    width: u16,
    seconds: i64,
}

impl Terminal {
    fn new(height: u16, width: u16) -> Self {
        let (streams, collected) = Streams::collecting();
        let window = Window::fake(height, width);
        let mut bars = Bars::new(&options(Output::Bars), window, Redactor::default());
        let (viewer, view) = watch::channel(View::default());
        bars.viewer(viewer, mpsc::channel().0);
        let mut terminal = Self {
            bars,
            streams,
            collected,
            view,
            width,
            seconds: 0,
        };
        terminal.hear(began());
        terminal
    }

    fn with_pods(height: u16, width: u16) -> Self {
        let mut terminal = Self::new(height, width);
        let first = [
            row("hub-7d9f8c6b5d-x2x9q", "Running", 27_000),
            row("proxy-6c5b4d7f9-abcde", "Running", 27_000),
            row("jupyter-ann", "Running", 64),
            row("jupyter-bob", "CrashLoopBackOff", 12),
            row("jupyter-cyd", "Running", 3),
            row("user-scheduler-1", "Running", 27_000),
        ];
        terminal.hear(rows(&first, &[], true));
        terminal.hear(PodNews::Missing {
            pods: vec![id("home-metrics-")],
        });
        for cpu in [12, 20, 80, 250, 15] {
            terminal.hear(usage(&[
                used("hub-7d9f8c6b5d-x2x9q", cpu, 210),
                used("jupyter-ann", 5, 1300),
                used("jupyter-cyd", 750, 400),
            ]));
        }
        terminal
    }

    fn hear(&mut self, news: PodNews) {
        self.show(What::Pods(news));
    }

    fn show(&mut self, what: What) {
        let at = start() + SignedDuration::from_secs(self.seconds);
        self.seconds += 1;
        self.bars.show(&Event { at, what }, &mut self.streams);
    }

    fn press(&mut self, keys: &[Key]) {
        for key in keys {
            self.bars.key(*key, &mut self.streams);
        }
    }

    fn typed(&mut self, text: &str) {
        let keys: Vec<Key> = text.chars().map(Key::Char).collect();
        self.press(&keys);
    }

    /// What the screen shows.
    fn screen(&mut self) -> String {
        self.press(&[Key::Tick]);
        self.streams.flush();
        Screen::read(self.width.into(), &self.collected.err()).text()
    }

    /// The first column of the rows below the hub's own.
    fn names(&mut self) -> Vec<String> {
        let screen = self.screen();
        let rows = screen.lines().filter_map(|line| line.split(' ').next());
        rows.filter(|name| name.starts_with("jupyter-") || name.starts_with("user-"))
            .map(str::to_owned)
            .collect()
    }
}

#[test]
fn the_hubs_own_pods_stand_above_the_others_with_their_trend() {
    insta::assert_snapshot!(Terminal::with_pods(16, 130).screen());
}

#[test]
fn a_narrow_window_leaves_columns_out() {
    insta::assert_snapshot!(Terminal::with_pods(16, 64).screen());
}

#[test]
fn until_pods_are_listed_it_says_so() {
    let screen = Terminal::new(8, 80).screen();
    assert!(screen.contains("listing…"), "{screen}");
}

#[test]
fn keys_sort_and_the_same_key_reverses() {
    let mut terminal = Terminal::with_pods(20, 130);
    assert_eq!(terminal.names()[0], "jupyter-bob", "trouble comes first");
    for (key, first, last) in [
        ('n', "jupyter-ann", "user-scheduler-1"),
        ('a', "jupyter-cyd", "user-scheduler-1"),
        ('c', "jupyter-cyd", "user-scheduler-1"),
        ('m', "jupyter-ann", "user-scheduler-1"),
        ('r', "jupyter-bob", "user-scheduler-1"),
    ] {
        terminal.typed(&key.to_string());
        let names = terminal.names();
        assert_eq!(
            (names[0].as_str(), names[3].as_str()),
            (first, last),
            "{key}"
        );
        terminal.typed(&key.to_string());
        assert_eq!(terminal.names()[3], first, "{key} again");
    }
    assert!(!terminal.view.borrow().by_usage);
    terminal.typed("c");
    assert!(terminal.view.borrow().by_usage);
}

#[test]
fn a_filter_is_typed_kept_and_cleared() {
    let mut terminal = Terminal::with_pods(20, 130);
    terminal.typed("/BO");
    assert_eq!(terminal.names(), ["jupyter-bob"]);
    assert!(terminal.screen().ends_with("/bo▏"));
    terminal.press(&[Key::Backspace, Key::Backspace]);
    terminal.typed("crash");
    terminal.press(&[Key::Enter]);
    assert_eq!(terminal.names(), ["jupyter-bob"]);
    // What comes later passes the filter too, or does not.
    terminal.hear(rows(
        &[
            row("jupyter-dan", "CrashLoopBackOff", 1),
            row("jupyter-eve", "Running", 1),
        ],
        &[],
        false,
    ));
    assert_eq!(terminal.names(), ["jupyter-bob", "jupyter-dan"]);
    terminal.hear(rows(&[row("jupyter-bob", "Running", 12)], &[], false));
    assert_eq!(terminal.names(), ["jupyter-dan"]);
    terminal.press(&[Key::Escape]);
    assert_eq!(terminal.names().len(), 6);
    // The letters of a filter are no commands.
    assert!(!terminal.view.borrow().left);
    terminal.typed("/q");
    assert!(!terminal.view.borrow().left);
    terminal.press(&[Key::Quit]);
    assert!(terminal.view.borrow().left);
}

#[test]
fn what_is_on_the_screen_is_told_and_a_long_table_scrolls() {
    let mut terminal = Terminal::with_pods(12, 130);
    let many: Vec<_> = (0..50)
        .map(|n| row(&format!("jupyter-x{n:02}"), "Running", 5))
        .collect();
    terminal.hear(rows(&many, &[], false));
    terminal.typed("n");
    let shown = |terminal: &mut Terminal| {
        terminal.screen();
        let view = terminal.view.borrow().clone();
        let others = view
            .pods
            .iter()
            .filter(|id| id.name.starts_with("jupyter-"));
        others.map(|id| id.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        shown(&mut terminal),
        ["jupyter-ann", "jupyter-bob", "jupyter-cyd"]
    );
    terminal.press(&[Key::Down, Key::Down]);
    assert_eq!(
        shown(&mut terminal),
        ["jupyter-cyd", "jupyter-x00", "jupyter-x01"]
    );
    terminal.press(&[Key::PageDown]);
    assert_eq!(
        shown(&mut terminal),
        ["jupyter-x01", "jupyter-x02", "jupyter-x03"]
    );
    terminal.press(&[Key::End, Key::Down]);
    assert_eq!(shown(&mut terminal), ["jupyter-x48", "jupyter-x49"]);
    assert!(!terminal.screen().contains("below"));
    terminal.press(&[Key::Home]);
    assert_eq!(shown(&mut terminal)[0], "jupyter-ann");
    assert!(
        terminal.screen().contains("51 below"),
        "{}",
        terminal.screen()
    );
}

#[test]
fn a_pod_that_goes_and_comes_back_stands_there_once() {
    let mut terminal = Terminal::with_pods(20, 130);
    terminal.hear(rows(&[], &["jupyter-ann", "hub-7d9f8c6b5d-x2x9q"], false));
    assert_eq!(terminal.names().len(), 3);
    assert!(!terminal.screen().contains("x2x9q"));
    terminal.hear(rows(&[row("jupyter-ann", "Running", 0)], &[], false));
    terminal.hear(rows(
        &[row("jupyter-ann", "CrashLoopBackOff", 0)],
        &[],
        false,
    ));
    assert_eq!(terminal.names().len(), 4);
    assert!(
        terminal
            .screen()
            .contains("5 pods, 3 of people; 3 well, 2 in trouble"),
        "{}",
        terminal.screen()
    );
}

#[test]
fn nothing_changed_is_nothing_written() {
    let mut terminal = Terminal::with_pods(20, 130);
    terminal.screen();
    let before = terminal.collected.err().len();
    terminal.press(&[Key::Tick, Key::Tick]);
    terminal.streams.flush();
    assert_eq!(terminal.collected.err().len(), before);
    // A second later a line has another time, and no more than ages has changed.
    terminal.hear(PodNews::Beat);
    terminal.screen();
    assert!(terminal.collected.err().len() - before < 1200);
}

#[test]
fn the_screen_is_given_back_with_what_was_said_meanwhile() {
    let mut terminal = Terminal::with_pods(16, 130);
    terminal.show(What::Retrying {
        what: "watch pods in namespace prod".to_owned(),
        why: "Kubernetes is busy".to_owned(),
        after_seconds: 4,
    });
    terminal.show(What::Said {
        level: Level::Warning,
        text: "something".to_owned(),
    });
    let screen = terminal.screen();
    assert!(screen.contains("! something"), "{screen}");
    terminal.hear(PodNews::Ended);
    terminal.streams.flush();
    let written = terminal.collected.err();
    let (screen, after) = written.split_once("\x1b[?1049l").unwrap();
    assert!(
        screen.contains("\x1b[?1049h\x1b[?25l\x1b[?7l"),
        "taken first"
    );
    assert!(
        screen.ends_with("\x1b[?7h\x1b[?25h"),
        "{:?}",
        &screen[screen.len() - 40..]
    );
    assert_eq!(
        after,
        "  again in 4 s: watch pods in namespace prod (Kubernetes is busy)\n! something\n"
    );
}

#[test]
fn a_run_that_fails_gives_the_screen_back_too() {
    let mut terminal = Terminal::with_pods(16, 130);
    let finished = crate::ui::tests::runs::finished(1, None, Vec::new());
    terminal.show(finished);
    terminal.streams.flush();
    assert!(
        terminal.collected.err().contains("\x1b[?1049l✗ warm_up"),
        "{:?}",
        terminal.collected.err()
    );
}

#[test]
fn a_log_has_one_line_per_change() {
    let mut told = Told::default();
    let mut lines = Vec::new();
    let first = [
        row("hub-1", "Running", 100),
        row("jupyter-ann", "Running", 64),
        row("user-scheduler-1", "Running", 64),
    ];
    for news in [
        began(),
        rows(&first, &[], true),
        PodNews::Missing {
            pods: vec![id("proxy-")],
        },
        rows(&[row("jupyter-bob", "ContainerCreating", 0)], &[], false),
        rows(&[row("jupyter-bob", "Running", 0)], &["jupyter-ann"], false),
        PodNews::Missing { pods: Vec::new() },
        PodNews::Beat,
        PodNews::Usage {
            used: Vec::new(),
            unmeasured: Some("no CPU".to_owned()),
        },
        PodNews::Usage {
            used: Vec::new(),
            unmeasured: Some("no CPU".to_owned()),
        },
        PodNews::Ended,
    ] {
        lines.extend(told.lines(&news));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn programs_get_one_event_per_change_and_can_read_it_back() {
    let (mut streams, collected) = Streams::collecting();
    let mut face = json::Json {
        verbose: false,
        told: None,
    };
    let news = rows(
        &[row("jupyter-ann", "Running", 1), row("hub-1", "Error", 9)],
        &["jupyter-bob"],
        false,
    );
    face.show(
        &Event {
            at: start(),
            what: What::Pods(news),
        },
        &mut streams,
    );
    streams.flush();
    let events: Vec<Event> = (collected.out().lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let whats: Vec<What> = events.into_iter().map(|event| event.what).collect();
    assert_eq!(
        whats,
        [
            What::Pods(rows(&[row("jupyter-ann", "Running", 1)], &[], false)),
            What::Pods(rows(&[row("hub-1", "Error", 9)], &[], false)),
            What::Pods(rows(&[], &["jupyter-bob"], false)),
        ]
    );
}
