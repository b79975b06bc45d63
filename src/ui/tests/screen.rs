//! A terminal for tests.

/// Just enough of a terminal: lines, cursor up or anywhere, erase. Wraps at its width.
pub(in crate::ui) struct Screen {
    width: usize,
    rows: Vec<String>,
    row: usize,
    column: usize,
}

impl Screen {
    pub(in crate::ui) fn read(width: usize, text: &str) -> Self {
        let mut screen = Self {
            width,
            rows: vec![String::new()],
            row: 0,
            column: 0,
        };
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\n' => screen.down(),
                '\r' => screen.column = 0,
                '\x07' => {}
                '\x1b' => screen.escape(&mut rest),
                c => screen.put(c),
            }
        }
        screen
    }

    fn escape(&mut self, rest: &mut std::str::Chars<'_>) {
        if rest.next() == Some(']') {
            rest.find(|c| *c == '\x07');
            return;
        }
        let mut number = String::new();
        for c in rest {
            match c {
                '0'..='9' | ';' | '?' => number.push(c),
                'A' => {
                    return self.row = self
                        .row
                        .checked_sub(number.parse().unwrap())
                        .expect("above the top");
                }
                'H' => {
                    let (row, column) = number.split_once(';').unwrap();
                    let from_one = |text: &str| text.parse::<usize>().unwrap() - 1;
                    (self.row, self.column) = (from_one(row), from_one(column));
                    return self.grow();
                }
                'J' if number == "2" => return self.rows.fill(String::new()),
                'J' => return self.rows.truncate(self.row + usize::from(self.column > 0)),
                'K' => {
                    let kept: String = self.rows[self.row].chars().take(self.column).collect();
                    return self.rows[self.row] = kept;
                }
                _ => return,
            }
        }
    }

    fn down(&mut self) {
        (self.row, self.column) = (self.row + 1, 0);
        self.grow();
    }

    fn put(&mut self, c: char) {
        if self.column == self.width {
            self.down();
        }
        self.grow();
        let mut row: Vec<char> = self.rows[self.row].chars().collect();
        row.resize(row.len().max(self.column + 1), ' ');
        row[self.column] = c;
        self.rows[self.row] = row.into_iter().collect();
        self.column += 1;
    }

    fn grow(&mut self) {
        let rows = self.rows.len().max(self.row + 1);
        self.rows.resize(rows, String::new());
    }

    pub(in crate::ui) fn text(&self) -> String {
        self.rows.join("\n").trim_end().to_owned()
    }
}
