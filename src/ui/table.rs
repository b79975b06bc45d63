//! Tables as aligned columns, cut to a width.

use std::iter;

use console::measure_text_width;

use super::paint::Paint;
use super::words;
use crate::event::{Align, Cell, Column, Table, Tone};

/// Between two columns.
const GAP: &str = "  ";

/// A column is not cut to less than this.
const LEAST: usize = 8;

/// How wide the columns of a table are.
pub(super) struct Grid {
    widths: Vec<usize>,
    aligns: Vec<Align>,
}

impl Grid {
    /// Wide enough for the headings and these rows, and at least so wide.
    pub(super) fn widths<'a>(
        columns: &[Column],
        rows: impl IntoIterator<Item = &'a [Cell]>,
        least: &[usize],
    ) -> Vec<usize> {
        let names = columns
            .iter()
            .map(|column| measure_text_width(&column.name));
        let mut widths: Vec<usize> = names.collect();
        for (width, least) in iter::zip(&mut widths, least) {
            *width = (*width).max(*least);
        }
        for row in rows {
            for (width, cell) in iter::zip(&mut widths, row) {
                *width = (*width).max(measure_text_width(&cell.text));
            }
        }
        widths
    }

    /// Columns so wide, but together no wider than `width`.
    pub(super) fn within(columns: &[Column], mut widths: Vec<usize>, width: Option<usize>) -> Self {
        if let Some(width) = width {
            shrink(&mut widths, width);
        }
        let aligns = columns.iter().map(|column| column.align).collect();
        Self { widths, aligns }
    }

    /// The headings.
    pub(super) fn head(&self, columns: &[Column], paint: Paint) -> String {
        let names = columns.iter().map(|column| (column.name.as_str(), None));
        paint.dim(&self.line(names, Paint(false)))
    }

    /// A row.
    pub(super) fn row(&self, cells: &[Cell], paint: Paint) -> String {
        self.line(
            cells.iter().map(|cell| (cell.text.as_str(), cell.tone)),
            paint,
        )
    }

    fn line<'a>(
        &self,
        cells: impl Iterator<Item = (&'a str, Option<Tone>)>,
        paint: Paint,
    ) -> String {
        let mut line = String::new();
        let last = self.widths.len().saturating_sub(1);
        let columns = iter::zip(&self.widths, &self.aligns).enumerate();
        for ((at, (width, align)), (text, tone)) in iter::zip(columns, cells) {
            let text = middle(&words::line(text), *width);
            let room = " ".repeat(width.saturating_sub(measure_text_width(&text)));
            let text = toned(&text, tone, paint);
            if at > 0 {
                line.push_str(GAP);
            }
            match align {
                Align::Left if at == last => line.push_str(&text),
                Align::Left => line.extend([text, room]),
                Align::Right => line.extend([room, text]),
            }
        }
        line.trim_end().to_owned()
    }
}

/// Takes from the widest column again and again, until all of them fit.
fn shrink(widths: &mut [usize], width: usize) {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
    while over > 0
        && let Some(widest) = widths.iter_mut().max()
        && *widest > LEAST
    {
        *widest -= 1;
        over -= 1;
    }
}

/// The text, without its middle when it is too long: names differ at both ends.
fn middle(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let start: String = text.chars().take(kept.div_ceil(2)).collect();
    let from = text.chars().count().saturating_sub(kept / 2);
    let end: String = text.chars().skip(from).collect();
    format!("{start}…{end}")
}

/// In the colour of its tone.
pub(super) fn toned(text: &str, tone: Option<Tone>, paint: Paint) -> String {
    match tone {
        None => text.to_owned(),
        Some(Tone::Good) => paint.green(text),
        Some(Tone::Warning) => paint.yellow(text),
        Some(Tone::Alarm) => paint.red(text),
    }
}

/// The whole table.
pub(super) fn lines(table: &Table, width: Option<usize>, paint: Paint) -> Vec<String> {
    let rows = table.rows.iter().map(Vec::as_slice);
    let widths = Grid::widths(&table.columns, rows, &[]);
    let grid = Grid::within(&table.columns, widths, width);
    let mut lines = Vec::with_capacity(table.rows.len() + 3);
    if !table.title.is_empty() {
        lines.push(paint.bold(&words::line(&table.title)));
    }
    if !table.rows.is_empty() {
        lines.push(grid.head(&table.columns, paint));
    }
    lines.extend(table.rows.iter().map(|row| grid.row(row, paint)));
    if let Some(footer) = &table.footer {
        lines.push(paint.dim(&words::line(footer)));
    }
    if let Some(width) = width {
        for line in &mut lines {
            *line = console::truncate_str(line, width, "…").into_owned();
        }
    }
    lines
}

#[cfg(test)]
pub(in crate::ui) mod tests {
    use super::*;

    fn cell(text: &str, tone: Option<Tone>) -> Cell {
        let text = text.to_owned();
        Cell { text, tone }
    }

    fn column(name: &str, align: Align) -> Column {
        let name = name.to_owned();
        Column { name, align }
    }

    pub(in crate::ui) fn pods() -> Table {
        let row = |name: &str, status: &str, tone, cpu: &str| {
            [(name, None), (status, tone), (cpu, None)]
                .map(|(text, tone)| cell(text, tone))
                .to_vec()
        };
        Table {
            title: "prod: the hub's own pods".to_owned(),
            columns: vec![
                column("NAME", Align::Left),
                column("STATUS", Align::Left),
                column("CPU", Align::Right),
            ],
            rows: vec![
                row("hub-7d9f8c6b5d-x2x9q", "Running", Some(Tone::Good), "12m"),
                row(
                    "proxy-6c5b4d7f9-abcde",
                    "CrashLoopBackOff",
                    Some(Tone::Alarm),
                    "1m",
                ),
                row("home-metrics-", "MISSING", Some(Tone::Alarm), ""),
            ],
            footer: Some("one pod is missing".to_owned()),
        }
    }

    fn shown(width: Option<usize>) -> String {
        lines(&pods(), width, Paint(false)).join("\n")
    }

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        insta::assert_snapshot!(shown(None), @r"
        prod: the hub's own pods
        NAME                   STATUS            CPU
        hub-7d9f8c6b5d-x2x9q   Running           12m
        proxy-6c5b4d7f9-abcde  CrashLoopBackOff   1m
        home-metrics-          MISSING
        one pod is missing
        ");
    }

    #[test]
    fn a_narrow_window_cuts_the_widest_column_in_its_middle() {
        insta::assert_snapshot!(shown(Some(40)), @r"
        prod: the hub's own pods
        NAME               STATUS            CPU
        hub-7d9f…5d-x2x9q  Running           12m
        proxy-6c…f9-abcde  CrashLoopBackOff   1m
        home-metrics-      MISSING
        one pod is missing
        ");
        let narrow = shown(Some(16));
        assert!(
            narrow.lines().all(|line| line.chars().count() <= 16),
            "{narrow}"
        );
    }

    #[test]
    fn colours_do_not_move_columns() {
        let plain = shown(None);
        let coloured = lines(&pods(), None, Paint(true)).join("\n");
        assert!(coloured.contains("\x1b[31mMISSING\x1b[0m"), "{coloured:?}");
        assert_eq!(console::strip_ansi_codes(&coloured), plain);
    }

    #[test]
    fn a_table_without_rows_is_its_title_and_footer() {
        let table = Table {
            rows: Vec::new(),
            ..pods()
        };
        let text = lines(&table, Some(80), Paint(false)).join("\n");
        assert_eq!(text, "prod: the hub's own pods\none pod is missing");
    }
}
