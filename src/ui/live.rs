//! The live area: a few lines at the bottom that are drawn again and again, below permanent ones.
//!
//! Lines end in real line breaks, so a terminal that reflows on a resize moves them as it moves
//! any other line; how many rows they take is measured again at the new width before they are
//! replaced. While they are written the terminal cuts instead of wrapping, because a program
//! learns of a resize late and may still be drawing for the old width.

use console::{Term, measure_text_width, truncate_str};

const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// Clears from the cursor to the end of the window.
const REST: &str = "\x1b[J";

/// How large the window is; none when there is no window to draw in.
pub(super) struct Window {
    fixed: Option<u16>,
    source: Source,
}

enum Source {
    Terminal(Term),
    None,
    #[cfg(test)]
    Fake(u16, u16),
}

impl Window {
    /// The terminal behind standard error, if it is one.
    pub(super) fn stderr(fixed: Option<u16>) -> Self {
        let term = Term::stderr();
        let source = if term.is_term() {
            Source::Terminal(term)
        } else {
            Source::None
        };
        Self { fixed, source }
    }

    /// No window.
    pub(super) fn none() -> Self {
        Self {
            fixed: None,
            source: Source::None,
        }
    }

    #[cfg(test)]
    pub(super) fn fake(rows: u16, columns: u16) -> Self {
        Self {
            fixed: None,
            source: Source::Fake(rows, columns),
        }
    }

    /// Rows and columns.
    pub(super) fn size(&self) -> Option<(usize, usize)> {
        let (rows, columns) = match &self.source {
            Source::Terminal(term) => term.size(),
            Source::None => return None,
            #[cfg(test)]
            Source::Fake(rows, columns) => (*rows, *columns),
        };
        Some((
            usize::from(rows),
            usize::from(self.fixed.unwrap_or(columns)),
        ))
    }
}

/// What is drawn at the moment.
#[derive(Default)]
pub(super) struct Live {
    widths: Vec<usize>,
    columns: usize,
}

impl Live {
    /// Replaces what is drawn by these lines, cut to the width.
    pub(super) fn draw(&mut self, lines: &[String], columns: usize) -> String {
        // Rows that were wrapped by a resize would stay joined if they were only written over.
        let mut frame = if columns == self.columns {
            self.home(columns)
        } else {
            self.erase(columns)
        };
        self.columns = columns;
        frame.push_str(NO_WRAP);
        for line in lines {
            let line = truncate_str(line, columns.saturating_sub(1), "…");
            self.widths.push(measure_text_width(&line));
            frame.push_str(&line);
            // Per line, not all first: nothing flickers.
            frame.push_str("\x1b[K\n");
        }
        frame + WRAP + REST
    }

    /// Takes away what is drawn, for permanent lines or a prompt.
    pub(super) fn erase(&mut self, columns: usize) -> String {
        if self.widths.is_empty() {
            return String::new();
        }
        self.home(columns) + REST
    }

    /// Whether anything is drawn.
    pub(super) fn is_empty(&self) -> bool {
        self.widths.is_empty()
    }

    fn home(&mut self, columns: usize) -> String {
        let rows: usize = self
            .widths
            .drain(..)
            .map(|width| width.div_ceil(columns.max(1)).max(1))
            .sum();
        if rows == 0 {
            String::new()
        } else {
            format!("\r\x1b[{rows}A")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrower_window_is_cleared_of_every_row_its_lines_now_take() {
        let mut live = Live::default();
        let long = "a".repeat(60);
        assert_eq!(
            live.draw(&[long.clone(), "b".to_owned()], 100),
            format!("\x1b[?7l{long}\x1b[K\nb\x1b[K\n\x1b[?7h\x1b[J")
        );
        let frame = live.draw(&["b".to_owned()], 25);
        assert!(frame.starts_with("\r\x1b[4A\x1b[J\x1b[?7lb"), "{frame:?}");
        assert_eq!(live.erase(25), "\r\x1b[1A\x1b[J");
        assert_eq!(live.erase(25), "");
    }

    #[test]
    fn a_line_never_touches_the_edge() {
        let frame = Live::default().draw(&["x".repeat(20)], 20);
        let cut = format!("{}…\x1b[K", "x".repeat(18));
        assert!(frame.contains(&cut), "{frame:?}");
    }
}
