//! One wait: what is known of it, and how it looks in a window of a given width.

use console::{measure_text_width, pad_str, truncate_str};
use jiff::Timestamp;

use super::paint::Paint;
use super::words;
use crate::event::{Item, Phase, Usual};

/// A wait that has begun.
pub(super) struct Wait {
    pub(super) what: String,
    pub(super) of: u64,
    pub(super) done: u64,
    pub(super) usual: Option<Usual>,
    pub(super) items: Vec<Item>,
    pub(super) why: Option<String>,
    /// Seconds it had been watched at `since`.
    watched: u64,
    since: Timestamp,
    pub(super) now: Timestamp,
}

impl Wait {
    /// One that begins now, or goes on after so many seconds.
    pub(super) fn begun(
        at: Timestamp,
        what: String,
        of: u64,
        usual: Option<Usual>,
        watched: u64,
    ) -> Self {
        Self {
            what,
            of,
            done: 0,
            usual,
            items: Vec::new(),
            why: None,
            watched,
            since: at,
            now: at,
        }
    }

    /// It has been watched for so many seconds now.
    pub(super) fn watched(&mut self, at: Timestamp, seconds: u64) {
        (self.watched, self.since, self.now) = (seconds, at, at);
    }

    /// The time until now was slept away.
    pub(super) fn slept(&mut self, at: Timestamp) {
        (self.since, self.now) = (at, at);
    }

    /// For how many seconds it has been watched.
    pub(super) fn elapsed_seconds(&self) -> u64 {
        let since = self.now.duration_since(self.since).as_secs();
        self.watched + u64::try_from(since).unwrap_or(0)
    }

    /// That it takes longer than any before, or than was estimated; and why.
    pub(super) fn overdue(&self) -> Option<(String, &str)> {
        let usual = self
            .usual
            .filter(|usual| self.elapsed_seconds() > usual.longest)?;
        let why = self.why.as_deref().unwrap_or("nobody has said why");
        Some((words::overdue(&usual), why))
    }

    /// What is still missing: `node-1 (pulling 2/3), node-2 (booting)`.
    pub(super) fn missing(&self) -> String {
        let missing = (self.items.iter()).filter(|item| item.phase != Phase::Ready);
        let missing: Vec<String> = missing
            .map(|item| format!("{} ({})", item.name, item.note))
            .collect();
        missing.join(", ")
    }

    /// Why it takes its time; a narrow window has the reason on a line of its own.
    fn why_lines(&self, width: usize) -> Vec<String> {
        let Some((overdue, why)) = self.overdue() else {
            let why = self.why.iter();
            return why.map(|why| format!("  why: {why}")).collect();
        };
        let whole = format!("  why: {overdue}: {why}");
        if measure_text_width(&whole) <= width {
            vec![whole]
        } else {
            vec![format!("  {overdue}"), format!("  why: {why}")]
        }
    }

    /// The lines, for at most this many rows.
    pub(super) fn lines(
        &self,
        spinner: &str,
        width: usize,
        rows: usize,
        paint: Paint,
    ) -> Vec<String> {
        let mut lines = vec![self.headline(spinner, width, paint)];
        let why = self.why_lines(width);
        let room = rows.saturating_sub(1 + why.len());
        let shown = if self.items.len() > room {
            room.saturating_sub(1)
        } else {
            self.items.len()
        };
        lines.extend(self.item_lines(shown, width, paint));
        if shown < self.items.len() && room > 0 {
            lines.push(paint.dim(&format!("  +{} more", self.items.len() - shown)));
        }
        let why = why.iter().map(|why| truncate_str(why, width, "…"));
        lines.extend(why.map(|why| paint.dim(&why)));
        lines.truncate(rows.max(1));
        lines
    }

    /// What, bar, done/total, elapsed and usual: as much of it as fits.
    fn headline(&self, spinner: &str, width: usize, paint: Paint) -> String {
        let counts = format!("{}/{}", self.done, self.of);
        let elapsed = words::took(self.elapsed_seconds());
        let usual = self
            .usual
            .map(|usual| format!(", usual {}", words::usual(&usual)))
            .unwrap_or_default();
        let whole = [
            format!("{} {counts}  {elapsed}{usual}", self.bar(20)),
            format!("{} {counts}  {elapsed}{usual}", self.bar(10)),
            format!("{counts}  {elapsed}{usual}"),
            format!("{counts}  {elapsed}"),
        ];
        let wanted = measure_text_width(&self.what);
        let room = |right: &str| width.saturating_sub(4 + measure_text_width(right));
        let least = wanted.min(width / 2);
        let right = whole
            .iter()
            .find(|right| room(right) >= wanted)
            .or_else(|| whole.iter().find(|right| room(right) >= least))
            .unwrap_or(&counts);
        let what = truncate_str(&self.what, room(right), "…");
        format!("{} {what}  {right}", paint.cyan(spinner))
    }

    fn bar(&self, cells: u64) -> String {
        let full = (self.done.min(self.of) * cells)
            .checked_div(self.of)
            .unwrap_or(0);
        (0..cells)
            .map(|cell| if cell < full { '━' } else { '─' })
            .collect()
    }

    fn item_lines(&self, shown: usize, width: usize, paint: Paint) -> impl Iterator<Item = String> {
        let widest = |text: fn(&Item) -> &str| {
            self.items
                .iter()
                .map(|item| measure_text_width(text(item)))
                .max()
                .unwrap_or(0)
        };
        let notes = widest(|item| &item.note).min(width / 2);
        let names = widest(|item| &item.name).min(width.saturating_sub(6 + notes).max(4));
        self.items.iter().take(shown).map(move |item| {
            let name = tail(&item.name, names);
            let text = format!(
                "{}  {}",
                pad_str(&name, names, console::Alignment::Left, None),
                item.note
            );
            let glyph = match item.phase {
                Phase::Ready => paint.green(words::glyph(item.phase)),
                Phase::Trouble => paint.red(words::glyph(item.phase)),
                Phase::Booting
                | Phase::Registering
                | Phase::Pulling
                | Phase::Staying
                | Phase::Leaving => words::glyph(item.phase).to_owned(),
            };
            format!(
                "  {glyph} {}",
                truncate_str(&text, width.saturating_sub(4), "…")
            )
        })
    }
}

/// The end of a name: nodes of a pool differ there.
fn tail(name: &str, width: usize) -> String {
    let excess = name.chars().count().saturating_sub(width);
    if excess == 0 {
        return name.to_owned();
    }
    let end: String = name.chars().skip(excess + 1).collect();
    format!("…{end}")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::ui) fn items() -> Vec<Item> {
        let item = |name: &str, phase, note: &str| Item {
            name: name.to_owned(),
            phase,
            note: note.to_owned(),
        };
        vec![
            item(
                "gke-callysto-cluster-nb-user-3c1f4a2e-7xkq",
                Phase::Ready,
                "ready",
            ),
            item(
                "gke-callysto-cluster-nb-user-3c1f4a2e-m2d9",
                Phase::Pulling,
                "pulling 2/3",
            ),
        ]
    }

    fn wait() -> Wait {
        let began: Timestamp = "2026-11-22T13:00:00Z".parse().unwrap();
        Wait {
            what: "2 nodes of nb-user ready with the image".to_owned(),
            of: 2,
            done: 1,
            usual: Some(Usual::estimate(1200, 1500)),
            items: items(),
            why: Some("pulling image quay.io/callysto/pims-r:2026.11 (4.1 GB)".to_owned()),
            watched: 0,
            since: began,
            now: began + jiff::SignedDuration::from_secs(432),
        }
    }

    fn shown(width: usize, rows: usize) -> String {
        let lines = wait().lines("*", width, rows, Paint(false));
        for line in &lines {
            assert!(measure_text_width(line) <= width, "{line}");
        }
        lines.join("\n")
    }

    #[test]
    fn a_wide_window_shows_everything() {
        insta::assert_snapshot!(shown(99, 20), @r"
        * 2 nodes of nb-user ready with the image  ━━━━━━━━━━────────── 1/2  7 min 12 s, usual 20-25 min
          ✓ gke-callysto-cluster-nb-user-3c1f4a2e-7xkq  ready
          ↓ gke-callysto-cluster-nb-user-3c1f4a2e-m2d9  pulling 2/3
          why: pulling image quay.io/callysto/pims-r:2026.11 (4.1 GB)
        ");
    }

    #[test]
    fn a_wait_that_takes_longer_than_any_before_says_so_and_why() {
        let mut wait = wait();
        wait.usual = Some(Usual {
            median: 1260,
            shortest: 1140,
            longest: 1500,
            runs: 6,
        });
        wait.watched(wait.now, 1620);
        insta::assert_snapshot!(wait.lines("*", 110, 20, Paint(false)).join("\n"), @r"
    * 2 nodes of nb-user ready with the image  ━━━━━━━━━━────────── 1/2  27 min 00 s, usual 21 min (19-25)
      ✓ gke-callysto-cluster-nb-user-3c1f4a2e-7xkq  ready
      ↓ gke-callysto-cluster-nb-user-3c1f4a2e-m2d9  pulling 2/3
      why: longer than ever seen here (25 min): pulling image quay.io/callysto/pims-r:2026.11 (4.1 GB)
    ");
        wait.why = None;
        let lines = wait.lines("*", 110, 20, Paint(false));
        assert_eq!(
            lines.last().unwrap(),
            "  why: longer than ever seen here (25 min): nobody has said why"
        );
    }

    #[test]
    fn a_narrow_window_keeps_what_tells_nodes_apart() {
        insta::assert_snapshot!(shown(39, 20), @r"
        * 2 nodes of nb-user …  1/2  7 min 12 s
          ✓ …nb-user-3c1f4a2e-7xkq  ready
          ↓ …nb-user-3c1f4a2e-m2d9  pulling 2/3
          why: pulling image quay.io/callysto/…
        ");
    }

    #[test]
    fn twenty_columns_are_enough_to_see_how_far_it_is() {
        insta::assert_snapshot!(shown(19, 20), @r"
        * 2 nodes of …  1/2
          ✓ …xkq  ready
          ↓ …2d9  pulling …
          why: pulling ima…
        ");
    }

    #[test]
    fn a_low_window_says_how_many_it_leaves_out() {
        let mut wait = wait();
        wait.items = (0..9).flat_map(|_| items()).collect();
        let lines = wait.lines("*", 99, 6, Paint(false));
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[4], "  +15 more");
        assert_eq!(wait.lines("*", 99, 1, Paint(false)).len(), 1);
    }

    #[test]
    fn nothing_to_wait_for_is_an_empty_bar() {
        let mut wait = wait();
        wait.of = 0;
        assert_eq!(wait.bar(4), "────");
    }
}
