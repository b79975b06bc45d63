//! A full screen: what is on it is replaced line by line, and only where it differs.

use std::fmt::Write as _;

use console::truncate_str;

/// What is on the screen at the moment.
#[derive(Default)]
pub(super) struct Full {
    lines: Vec<String>,
    size: (usize, usize),
}

impl Full {
    /// Shows these lines, cut to the window.
    pub(super) fn draw(&mut self, lines: &[String], (rows, columns): (usize, usize)) -> String {
        let mut frame = String::new();
        if self.size != (rows, columns) {
            self.size = (rows, columns);
            self.lines.clear();
            frame.push_str("\x1b[2J");
        }
        for at in 0..rows {
            let line = lines.get(at).map_or("", String::as_str);
            let line = truncate_str(line, columns, "…");
            if self.lines.get(at).is_some_and(|shown| *shown == line) {
                continue;
            }
            write!(frame, "\x1b[{};1H{line}\x1b[K", at + 1).ok();
            match self.lines.get_mut(at) {
                Some(shown) => *shown = line.into_owned(),
                None => self.lines.push(line.into_owned()),
            }
        }
        frame
    }

    /// Whether the window has another size than what was drawn last.
    pub(super) fn is_resized(&self, size: (usize, usize)) -> bool {
        self.size != size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn only_what_differs_is_written() {
        let mut full = Full::default();
        assert_eq!(
            full.draw(&lines(&["a", "b"]), (3, 10)),
            "\x1b[2J\x1b[1;1Ha\x1b[K\x1b[2;1Hb\x1b[K\x1b[3;1H\x1b[K"
        );
        assert_eq!(full.draw(&lines(&["a", "c"]), (3, 10)), "\x1b[2;1Hc\x1b[K");
        assert_eq!(full.draw(&lines(&["a", "c"]), (3, 10)), "");
        assert_eq!(full.draw(&lines(&["a"]), (3, 10)), "\x1b[2;1H\x1b[K");
    }

    #[test]
    fn a_resized_window_is_drawn_anew_and_nothing_leaves_it() {
        let mut full = Full::default();
        full.draw(&lines(&["abcdef", "b"]), (2, 10));
        assert_eq!(
            full.draw(&lines(&["abcdef", "b"]), (1, 4)),
            "\x1b[2J\x1b[1;1Habc…\x1b[K"
        );
    }
}
