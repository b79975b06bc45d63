//! What is known of the pods on a full screen: sorted and filtered as they come, so that a frame
//! costs what it shows, however many there are.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use super::super::keys::Key;
use super::frame::Mask;
use crate::event::{PodGroup, PodName, PodNews, PodRow, PodUsage, Tone};
use crate::names::{Bytes, Cpu};
use crate::world::operator::View;

/// Samples in a trend.
const TREND: usize = 16;

/// What the rows are sorted by, and the key that chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Name,
    Status,
    Restarts,
    Age,
    Node,
    Cpu,
    Memory,
}

pub(super) const SORTS: [(char, Sort, &str); 7] = [
    ('n', Sort::Name, "NAME"),
    ('s', Sort::Status, "STATUS"),
    ('r', Sort::Restarts, "RESTARTS"),
    ('a', Sort::Age, "AGE"),
    ('o', Sort::Node, "NODE"),
    ('c', Sort::Cpu, "CPU"),
    ('m', Sort::Memory, "MEMORY"),
];

/// A pod and what it uses.
pub(super) struct Line {
    pub(super) row: Arc<PodRow>,
    pub(super) used: Option<(Cpu, Bytes)>,
}

/// Where a row stands among the others: a number, then a text, then its name.
type Rank = (u64, Arc<str>, PodName);

/// Everything on the screen.
pub(in crate::ui) struct Board {
    viewer: watch::Sender<View>,
    pub(super) target: String,
    pub(super) namespaces: Vec<String>,
    pub(super) at: Timestamp,
    pub(super) zone: TimeZone,
    pub(super) listed: bool,
    lines: BTreeMap<PodName, Line>,
    /// The hubs' own pods.
    hub: BTreeSet<PodName>,
    pub(super) trends: BTreeMap<PodName, VecDeque<Cpu>>,
    pub(super) missing: Vec<PodName>,
    /// The others, those that pass the filter only.
    order: BTreeSet<Rank>,
    pub(super) counts: Counts,
    pub(super) sort: Sort,
    pub(super) reversed: bool,
    pub(super) filter: Filter,
    /// Rows above the window.
    pub(super) above: usize,
    /// Rows of the window, as the last frame had them.
    pub(super) height: usize,
    /// What cannot be shown, and why.
    pub(super) unmeasured: Option<String>,
    /// The last thing said meanwhile.
    pub(super) notice: Option<String>,
    /// Widths of columns only grow: a table that twitches cannot be read.
    pub(super) widths: Vec<usize>,
    pub(super) mask: Mask,
    nothing: Arc<str>,
    changed: bool,
}

/// Which of the others are shown.
#[derive(Default)]
pub(super) struct Filter {
    /// What their name, namespace, status or node holds.
    pub(super) text: String,
    /// It is being typed.
    pub(super) typing: bool,
}

/// How many pods there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) all: usize,
    pub(super) users: usize,
    pub(super) well: usize,
    pub(super) trouble: usize,
}

impl Board {
    pub(in crate::ui) fn new(
        viewer: watch::Sender<View>,
        target: &str,
        namespaces: &[String],
        zone: TimeZone,
    ) -> Self {
        Self {
            viewer,
            target: target.to_owned(),
            namespaces: namespaces.to_vec(),
            at: Timestamp::UNIX_EPOCH,
            zone,
            listed: false,
            lines: BTreeMap::new(),
            hub: BTreeSet::new(),
            trends: BTreeMap::new(),
            missing: Vec::new(),
            order: BTreeSet::new(),
            counts: Counts::default(),
            sort: Sort::Status,
            reversed: false,
            filter: Filter::default(),
            above: 0,
            height: 0,
            unmeasured: None,
            notice: None,
            widths: Vec::new(),
            mask: Mask::default(),
            nothing: Arc::from(""),
            changed: true,
        }
    }

    /// Takes in news.
    pub(in crate::ui) fn hear(&mut self, at: Timestamp, news: &PodNews) {
        self.at = at;
        self.changed = true;
        match news {
            PodNews::Rows { put, gone, first } => {
                self.listed |= first;
                for row in put {
                    self.put(row);
                }
                for id in gone {
                    self.remove(id);
                }
            }
            PodNews::Missing { pods } => self.missing.clone_from(pods),
            PodNews::Usage { used, unmeasured } => {
                for used in used {
                    self.used(used);
                }
                self.unmeasured.clone_from(unmeasured);
                self.sample();
            }
            PodNews::Began { .. } | PodNews::Beat | PodNews::Ended => {}
        }
    }

    /// Something was said that has no other place now.
    pub(in crate::ui) fn notice(&mut self, text: &str) {
        self.notice = Some(text.to_owned());
        self.changed = true;
    }

    /// Whether what is on the screen is out of date.
    pub(in crate::ui) fn is_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    fn put(&mut self, row: &Arc<PodRow>) {
        let used = self.remove(&row.id).and_then(|line| line.used);
        self.counts.add(row);
        let line = Line {
            row: Arc::clone(row),
            used,
        };
        if row.group == PodGroup::Hub {
            self.hub.insert(row.id.clone());
        } else if self.passes(row) {
            self.order.insert(self.rank(&line));
        }
        self.lines.insert(row.id.clone(), line);
    }

    fn remove(&mut self, id: &PodName) -> Option<Line> {
        let line = self.lines.remove(id)?;
        self.counts.remove(&line.row);
        self.hub.remove(id);
        self.order.remove(&self.rank(&line));
        Some(line)
    }

    fn used(&mut self, used: &PodUsage) {
        if let Some(mut line) = self.lines.remove(&used.id) {
            let ranked = self.order.remove(&self.rank(&line));
            line.used = Some((used.cpu, used.memory));
            if ranked {
                self.order.insert(self.rank(&line));
            }
            self.lines.insert(used.id.clone(), line);
        }
    }

    /// Every hub pod's trend goes on with what it uses now.
    fn sample(&mut self) {
        self.trends.retain(|id, _| self.hub.contains(id));
        for id in &self.hub {
            let Some((cpu, _)) = self.lines.get(id).and_then(|line| line.used) else {
                continue;
            };
            let trend = self.trends.entry(id.clone()).or_default();
            trend.push_back(cpu);
            if trend.len() > TREND {
                trend.pop_front();
            }
        }
    }

    fn passes(&self, row: &PodRow) -> bool {
        let holds = |text: &str| text.to_lowercase().contains(&self.filter.text);
        self.filter.text.is_empty()
            || [&row.id.name, &row.id.namespace, &row.status, &row.node]
                .into_iter()
                .any(|text| holds(text))
    }

    /// What interests most comes first: trouble, what is young, what uses much.
    fn rank(&self, line: &Line) -> Rank {
        let row = &line.row;
        let most = |number: u64| u64::MAX - number;
        let (number, text) = match self.sort {
            Sort::Name => (0, &self.nothing),
            Sort::Status => {
                let severity = match row.tone {
                    Some(Tone::Alarm) => 0,
                    Some(Tone::Warning) => 1,
                    Some(Tone::Good) | None => 2,
                };
                (severity, &row.status)
            }
            Sort::Restarts => (most(row.restarts.into()), &self.nothing),
            Sort::Age => {
                let seconds = row.created.map_or(0, Timestamp::as_second);
                (most(u64::try_from(seconds).unwrap_or(0)), &self.nothing)
            }
            Sort::Node => (0, &row.node),
            Sort::Cpu => (most(line.used.map_or(0, |(cpu, _)| cpu.0)), &self.nothing),
            Sort::Memory => (
                most(line.used.map_or(0, |(_, memory)| memory.0)),
                &self.nothing,
            ),
        };
        (number, Arc::clone(text), row.id.clone())
    }

    fn reorder(&mut self) {
        let others = self.lines.values();
        let others = others.filter(|line| line.row.group != PodGroup::Hub);
        let passing = others.filter(|line| self.passes(&line.row));
        self.order = passing.map(|line| self.rank(line)).collect();
    }

    /// The hubs' own pods.
    pub(super) fn hubs(&self) -> impl Iterator<Item = &Line> {
        self.hub.iter().filter_map(|id| self.lines.get(id))
    }

    /// How many others pass the filter.
    pub(super) fn others(&self) -> usize {
        self.order.len()
    }

    /// Those of the others that are in the window.
    pub(super) fn window(&self) -> Vec<&Line> {
        let line = |(_, _, id): &Rank| self.lines.get(id);
        if self.reversed {
            let order = self.order.iter().rev();
            order
                .skip(self.above)
                .take(self.height)
                .filter_map(line)
                .collect()
        } else {
            let order = self.order.iter();
            order
                .skip(self.above)
                .take(self.height)
                .filter_map(line)
                .collect()
        }
    }

    /// A key was pressed.
    pub(in crate::ui) fn key(&mut self, key: Key) {
        self.changed |= key != Key::Tick;
        if self.filter.typing {
            return self.type_filter(key);
        }
        let page = self.height.saturating_sub(1).max(1);
        match key {
            Key::Quit | Key::Char('q') => {
                self.viewer.send_modify(|view| view.left = true);
            }
            Key::Char('/') => {
                self.filter.typing = true;
                self.filter.text.clear();
                self.reorder();
            }
            Key::Escape => {
                self.filter.text.clear();
                self.reorder();
            }
            Key::Up | Key::Char('k') => self.above = self.above.saturating_sub(1),
            Key::Down | Key::Char('j') => self.above += 1,
            Key::PageUp => self.above = self.above.saturating_sub(page),
            Key::PageDown | Key::Char(' ') => self.above += page,
            Key::Home => self.above = 0,
            Key::End => self.above = self.others(),
            Key::Char(c) => {
                if let Some((_, sort, _)) = SORTS.iter().find(|(key, ..)| *key == c) {
                    self.reversed = self.sort == *sort && !self.reversed;
                    self.sort = *sort;
                    self.above = 0;
                    self.reorder();
                }
            }
            Key::Enter | Key::Backspace | Key::Tick => {}
        }
    }

    fn type_filter(&mut self, key: Key) {
        match key {
            Key::Char(c) => self.filter.text.extend(c.to_lowercase()),
            Key::Backspace => drop(self.filter.text.pop()),
            Key::Escape => {
                self.filter.text.clear();
                self.filter.typing = false;
            }
            Key::Enter => self.filter.typing = false,
            Key::Quit => self.viewer.send_modify(|view| view.left = true),
            _ => return,
        }
        self.above = 0;
        self.reorder();
    }

    /// Says what is on the screen, so that it is measured.
    pub(super) fn publish(&self) {
        let hubs = self.hubs().map(|line| line.row.id.clone());
        let others = self.window().into_iter().map(|line| line.row.id.clone());
        let mut pods: Vec<PodName> = hubs.chain(others).collect();
        pods.sort();
        let by_usage = matches!(self.sort, Sort::Cpu | Sort::Memory);
        self.viewer.send_if_modified(|view| {
            let news = view.pods != pods || view.by_usage != by_usage;
            view.pods = pods;
            view.by_usage = by_usage;
            news
        });
    }
}

impl Counts {
    fn add(&mut self, row: &PodRow) {
        self.all += 1;
        self.users += usize::from(row.group == PodGroup::User);
        self.well += usize::from(row.tone.is_none());
        self.trouble += usize::from(row.tone == Some(Tone::Alarm));
    }

    fn remove(&mut self, row: &PodRow) {
        self.all -= 1;
        self.users -= usize::from(row.group == PodGroup::User);
        self.well -= usize::from(row.tone.is_none());
        self.trouble -= usize::from(row.tone == Some(Tone::Alarm));
    }
}
