//! A full screen of pods, as lines.

use std::collections::VecDeque;
use std::iter;
use std::time::Duration;

use super::super::paint::Paint;
use super::super::table::Grid;
use super::super::words;
use super::board::{Board, Line, SORTS};
use crate::event::{Align, Cell, Column, PodName, Tone};
use crate::names::{Age, Cpu};

const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A trend below this is flat: ten thousandths of a core.
const FLAT: u64 = 10_000_000;

const HELP: &str = "q quit · / filter · ↑↓ scroll · sort by: n name, s status, r restarts, a age, \
                    o node, c CPU, m memory (again: reversed)";

/// Every column, and how wide a window must be to have room for it.
const COLUMNS: [(&str, usize); 10] = [
    ("NAMESPACE", 50),
    ("NAME", 0),
    ("READY", 70),
    ("STATUS", 0),
    ("RESTARTS", 90),
    ("AGE", 60),
    ("NODE", 110),
    ("CPU", 0),
    ("MEMORY", 0),
    ("TREND", 80),
];

/// Which of the columns are shown.
pub(super) type Mask = [bool; COLUMNS.len()];

impl Board {
    /// The whole screen.
    pub(in crate::ui) fn frame(
        &mut self,
        rows: usize,
        columns: usize,
        paint: Paint,
    ) -> Vec<String> {
        let mask = COLUMNS.map(|(name, room)| {
            columns >= room && (name != "NAMESPACE" || self.namespaces.len() != 1)
        });
        if mask != self.mask {
            self.mask = mask;
            self.widths.clear();
        }
        let hub: Vec<Vec<Cell>> = (self.hubs().map(|line| self.row(line)))
            .chain(self.missing.iter().map(|id| self.lost(id)))
            .collect();
        let notices = [&self.unmeasured, &self.notice].into_iter().flatten();
        let notices: Vec<String> = notices
            .map(|notice| paint.yellow(&words::line(notice)))
            .collect();
        // Title, counts, headings, the last line, and an empty line before each of the tables.
        self.height = rows.saturating_sub(notices.len() + hub.len() + 6);
        self.above = self.above.min(self.others().saturating_sub(self.height));
        let others: Vec<Vec<Cell>> = (self.window().into_iter())
            .map(|line| self.row(line))
            .collect();
        let headings = self.headings();
        let shown = hub.iter().chain(&others).map(Vec::as_slice);
        self.widths = Grid::widths(&headings, shown, &self.widths);
        let grid = Grid::within(&headings, self.widths.clone(), Some(columns));
        let mut lines = vec![paint.bold(&self.title()), self.counted()];
        lines.extend(notices);
        lines.push(String::new());
        lines.push(grid.head(&headings, paint));
        lines.extend(hub.iter().map(|row| grid.row(row, paint)));
        lines.push(String::new());
        lines.extend(others.iter().map(|row| grid.row(row, paint)));
        lines.resize(rows.saturating_sub(1), String::new());
        lines.push(self.last(paint));
        self.publish();
        lines
    }

    fn title(&self) -> String {
        let place = match self.namespaces.as_slice() {
            [] => "every namespace".to_owned(),
            names => names.join(", "),
        };
        words::line(&format!("pods · {} · {place}", self.target))
    }

    fn counted(&self) -> String {
        let time = self.at.to_zoned(self.zone.clone());
        let time = time.strftime("%H:%M:%S");
        if !self.listed {
            return format!("listing… · {time}");
        }
        let counts = self.counts;
        let below = match self.others().saturating_sub(self.above + self.height) {
            0 => String::new(),
            below => format!(" · {below} below"),
        };
        format!(
            "{time} · {} pods, {} of people; {} well, {} in trouble{below}",
            counts.all, counts.users, counts.well, counts.trouble
        )
    }

    fn last(&self, paint: Paint) -> String {
        if self.filter.typing {
            return format!("/{}▏", self.filter.text);
        }
        if self.filter.text.is_empty() {
            return paint.dim(HELP);
        }
        format!(
            "/{} · {} pods · Esc shows all",
            self.filter.text,
            self.others()
        )
    }

    fn headings(&self) -> Vec<Column> {
        let column = |name: &str| {
            let mut sorts = SORTS.iter();
            let sorted = sorts.any(|(_, sort, of)| *of == name && *sort == self.sort);
            let mark = match (sorted, self.reversed) {
                (false, _) => "",
                (true, false) => "↓",
                (true, true) => "↑",
            };
            Column {
                name: format!("{name}{mark}"),
                align: match name {
                    "CPU" | "MEMORY" => Align::Right,
                    _ => Align::Left,
                },
            }
        };
        self.masked(COLUMNS.map(|(name, _)| column(name)))
    }

    /// Those there is room for.
    fn masked<T>(&self, all: [T; COLUMNS.len()]) -> Vec<T> {
        let all = iter::zip(all, self.mask);
        all.filter_map(|(one, shown)| shown.then_some(one))
            .collect()
    }

    fn cells(&self, texts: [String; COLUMNS.len()], tone: Option<Tone>) -> Vec<Cell> {
        let mut cells = texts.map(|text| Cell { text, tone: None });
        let [_, _, _, status, ..] = &mut cells;
        status.tone = tone;
        self.masked(cells)
    }

    fn row(&self, line: &Line) -> Vec<Cell> {
        let row = &line.row;
        let since = |then| {
            let age = Duration::try_from(self.at.duration_since(then)).unwrap_or_default();
            Age(age).to_string()
        };
        let restarts = match row.restarted.filter(|_| row.restarts > 0) {
            Some(then) => format!("{} ({} ago)", row.restarts, since(then)),
            None => row.restarts.to_string(),
        };
        let (cpu, memory) = line.used.map_or_else(Default::default, |(cpu, memory)| {
            (cpu.to_string(), memory.to_string())
        });
        let texts = [
            row.id.namespace.to_string(),
            row.id.name.to_string(),
            format!("{}/{}", row.ready.0, row.ready.1),
            row.status.to_string(),
            restarts,
            row.created.map_or_else(String::new, since),
            row.node.to_string(),
            cpu,
            memory,
            self.trends.get(&row.id).map_or_else(String::new, sparkline),
        ];
        self.cells(texts, row.tone)
    }

    /// One of the hub's own pods that is not there.
    fn lost(&self, id: &PodName) -> Vec<Cell> {
        let mut texts: [String; COLUMNS.len()] = Default::default();
        let [namespace, name, ready, status, ..] = &mut texts;
        *namespace = id.namespace.to_string();
        *name = format!("{}*", id.name);
        "0/1".clone_into(ready);
        "MISSING".clone_into(status);
        self.cells(texts, Some(Tone::Alarm))
    }
}

/// `▁▂▅█`, against the most it used.
fn sparkline(trend: &VecDeque<Cpu>) -> String {
    let most = trend.iter().map(|cpu| cpu.0).max().unwrap_or(0).max(FLAT);
    let spark = |cpu: &Cpu| {
        let level = u128::from(cpu.0) * 7 / u128::from(most);
        let level = usize::try_from(level).unwrap_or(0);
        SPARKS.get(level).copied().unwrap_or('█')
    };
    trend.iter().map(spark).collect()
}
