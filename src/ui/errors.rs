//! A failure as a person sees it: the fact, the script's lines, the next step.

use std::fmt;
use std::sync::Arc;

use console::Term;
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity,
    SourceCode,
};

use super::Options;
use crate::error::{Error, Kind, Place};

/// Renders a failure, with a line break at its end.
pub fn render_error(error: &Error, options: &Options) -> String {
    let fancy = options.terminal && options.color;
    let theme = if fancy {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::none()
    };
    let width = options.width.unwrap_or_else(|| {
        Term::stderr()
            .size_checked()
            .map_or(100, |(_, columns)| columns)
    });
    let mut report = Report::of(error);
    let mut text = String::new();
    let mut handler = GraphicalReportHandler::new_themed(theme)
        .with_width(usize::from(width.clamp(40, 120)))
        .with_show_related_as_nested(true)
        .without_syntax_highlighting();
    if !report.related.is_empty()
        && let Some(help) = report.help.take()
    {
        // The next step belongs at the end, also after the calls that led there.
        handler = handler.with_footer(format!("help: {help}"));
    }
    if handler.render_report(&mut text, &report).is_err() {
        text = format!("{error}\n");
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n").trim_matches('\n'))
}

/// One file's part of a failure, as `miette` wants it.
#[derive(Debug)]
struct Report {
    message: String,
    code: Option<String>,
    help: Option<String>,
    source: Option<NamedSource<Arc<str>>>,
    labels: Vec<LabeledSpan>,
    related: Vec<Self>,
}

impl Report {
    fn of(error: &Error) -> Self {
        let mut report = Self {
            message: error.message.clone(),
            code: Some(format!("runbook::{}", error.kind.word())),
            help: error.hint.clone(),
            source: None,
            labels: Vec::new(),
            related: Vec::new(),
        };
        if of_the_operator(error.kind) {
            return report;
        }
        let mut elsewhere: Vec<&Place> = Vec::new();
        for place in &error.at {
            if place.text.is_empty() {
                report.message = format!("{}\n{}: {place}", report.message, place.label);
            } else if error
                .at
                .first()
                .is_some_and(|first| first.file == place.file)
            {
                report.add(place);
            } else {
                elsewhere.push(place);
            }
        }
        for place in elsewhere {
            report.related.push(Self::call(place));
        }
        report
    }

    /// Where, in another file, the call came from.
    fn call(place: &Place) -> Self {
        let mut report = Self {
            message: place.label.clone(),
            code: None,
            help: None,
            source: None,
            labels: Vec::new(),
            related: Vec::new(),
        };
        report.add(place);
        for label in &mut report.labels {
            label.set_label(None);
        }
        report
    }

    fn add(&mut self, place: &Place) {
        let (start, length) = span(place);
        self.source
            .get_or_insert_with(|| NamedSource::new(&place.file, Arc::clone(&place.text)));
        self.labels
            .push(LabeledSpan::new(Some(place.label.clone()), start, length));
    }
}

/// Ended by the operator, not by the script: its lines would explain nothing.
fn of_the_operator(kind: Kind) -> bool {
    matches!(kind, Kind::Declined | Kind::NeedsAnswer | Kind::Interrupted)
}

/// Byte offset and length of the word at a place.
fn span(place: &Place) -> (usize, usize) {
    let mut start = 0;
    for (number, line) in place.text.split_inclusive('\n').enumerate() {
        if number + 1 < place.line {
            start += line.len();
            continue;
        }
        let before: usize = line
            .chars()
            .take_while(|c| *c != '\n')
            .take(place.column.saturating_sub(1))
            .map(char::len_utf8)
            .sum();
        let word: usize = line
            .chars()
            .skip(place.column.saturating_sub(1))
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '.'))
            .map(char::len_utf8)
            .sum();
        return (
            start + before,
            word.max(usize::from(before + 1 < line.len())),
        );
    }
    (start, 0)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn code(&self) -> Option<Box<dyn fmt::Display + '_>> {
        let code = self.code.as_ref()?;
        Some(Box::new(code))
    }

    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        let help = self.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        let source = self.source.as_ref()?;
        Some(source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.labels.is_empty() {
            return None;
        }
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related(&self) -> Option<Box<dyn Iterator<Item = &dyn Diagnostic> + '_>> {
        if self.related.is_empty() {
            return None;
        }
        let related = self.related.iter();
        Some(Box::new(
            related.map(|report| -> &dyn Diagnostic { report }),
        ))
    }
}
