//! A line for the shell, taken apart: commands, how they hang together, words, redirections.

use super::Act;

/// When a command is carried out, by how the one before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Then,
    And,
    Or,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Variable(String),
}

/// One command of a line.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) link: Link,
    pub(super) words: Vec<Vec<Piece>>,
    /// What becomes of its output and of its complaints.
    out: Sink,
    err: Sink,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sink {
    Out,
    Err,
    Nowhere,
}

impl Command {
    fn after(link: Link) -> Self {
        Self {
            link,
            words: Vec::new(),
            out: Sink::Out,
            err: Sink::Err,
        }
    }

    /// What it does, with its output sent where the line says.
    pub(super) fn redirected(&self, act: Act) -> Option<Act> {
        let (text, to) = match act {
            Act::Out(text) => (text, self.out),
            Act::Err(text) => (text, self.err),
            act => return Some(act),
        };
        match to {
            Sink::Out => Some(Act::Out(text)),
            Sink::Err => Some(Act::Err(text)),
            Sink::Nowhere => None,
        }
    }

    /// Takes a word, which may be a redirection.
    fn take(&mut self, word: Vec<Piece>) {
        let text = match word.as_slice() {
            [Piece::Text(text)] => text.as_str(),
            _ => "",
        };
        match text {
            ">&2" | "1>&2" => self.out = Sink::Err,
            "2>&1" => self.err = self.out,
            ">/dev/null" | "1>/dev/null" => self.out = Sink::Nowhere,
            "2>/dev/null" => self.err = Sink::Nowhere,
            _ => self.words.push(word),
        }
    }
}

/// The commands of a line, in order.
pub(super) fn parse(text: &str) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut command = Command::after(Link::Then);
    let mut word: Option<Vec<Piece>> = None;
    let mut quote: Option<char> = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let link = match (letter, letters.peek()) {
            (';' | '\n', _) => Some(Link::Then),
            ('&', Some('&')) => Some(Link::And),
            ('|', Some('|')) => Some(Link::Or),
            _ => None,
        };
        match (letter, quote) {
            (letter, Some(open)) if letter == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            ('$', None | Some('"')) => {
                let mut name = String::new();
                while let Some(next) = letters
                    .next_if(|c| c.is_alphanumeric() || *c == '_' || (*c == '?' && name.is_empty()))
                {
                    name.push(next);
                }
                word.get_or_insert_default().push(Piece::Variable(name));
            }
            ('\\', None) => {
                if let Some(next) = letters.next() {
                    push(&mut word, next);
                }
            }
            (_, None) if link.is_some() || letter.is_whitespace() => {
                if let Some(word) = word.take() {
                    command.take(word);
                }
                if let Some(link) = link {
                    if link != Link::Then {
                        letters.next();
                    }
                    commands.push(std::mem::replace(&mut command, Command::after(link)));
                }
            }
            (letter, _) => push(&mut word, letter),
        }
    }
    if let Some(word) = word.take() {
        command.take(word);
    }
    commands.push(command);
    commands.retain(|command| !command.words.is_empty());
    commands
}

fn push(word: &mut Option<Vec<Piece>>, letter: char) {
    let word = word.get_or_insert_default();
    if let Some(Piece::Text(text)) = word.last_mut() {
        text.push(letter);
    } else {
        word.push(Piece::Text(letter.to_string()));
    }
}
