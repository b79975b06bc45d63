//! The live area: a few lines at the bottom that are drawn again and again, below permanent ones.
//!
//! Lines end in real line breaks and are never as wide as the window, so a terminal that reflows
//! on a resize moves them as it moves any other line; what is drawn is then measured at the new
//! width before it is replaced. Permanent lines are never touched.

use console::{Term, measure_text_width, truncate_str};

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
}

impl Live {
    /// Replaces what is drawn by these lines, cut to the width.
    pub(super) fn draw(&mut self, lines: &[String], columns: usize) -> String {
        let mut frame = self.home(columns);
        let widest = columns.saturating_sub(1);
        for line in lines {
            let line = truncate_str(line, widest, "…");
            self.widths.push(measure_text_width(&line));
            frame.push_str(&line);
            // Per line, not all first: nothing flickers.
            frame.push_str("\x1b[K\n");
        }
        frame.push_str("\x1b[J");
        frame
    }

    /// Takes away what is drawn, for permanent lines or a prompt.
    pub(super) fn erase(&mut self, columns: usize) -> String {
        if self.widths.is_empty() {
            return String::new();
        }
        self.home(columns) + "\x1b[J"
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
        assert_eq!(
            live.draw(&["a".repeat(60), "b".to_owned()], 100),
            format!("{}\x1b[K\nb\x1b[K\n\x1b[J", "a".repeat(60))
        );
        assert_eq!(live.erase(25), "\r\x1b[4A\x1b[J");
        assert_eq!(live.erase(25), "");
    }

    #[test]
    fn a_line_never_touches_the_edge() {
        let mut live = Live::default();
        let frame = live.draw(&["x".repeat(20)], 20);
        assert_eq!(frame, format!("{}…\x1b[K\n\x1b[J", "x".repeat(18)));
    }
}
