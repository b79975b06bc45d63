//! The two standard streams: redacted, buffered, and quiet once nobody reads them.

use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use console::Term;

use super::redact::Redactor;

/// Standard output and standard error.
pub(super) struct Streams {
    out: Stream,
    err: Stream,
    redactor: Redactor,
    page: Page,
    /// Whether anybody reads standard output.
    heard: Arc<AtomicBool>,
}

/// Where standard output goes.
enum Page {
    /// To a window.
    Window(Term),
    /// To whoever reads it, who wants it whole or in a given width.
    Given(Option<u16>),
}

impl Streams {
    /// The process's own.
    pub(super) fn standard(width: Option<u16>) -> Self {
        let term = Term::stdout();
        let page = if term.is_term() && width.is_none() {
            Page::Window(term)
        } else {
            Page::Given(width)
        };
        Self {
            page,
            ..Self::new(io::stdout(), io::stderr())
        }
    }

    /// Two that are kept in memory.
    pub(super) fn collecting() -> (Self, Collected) {
        let collected = Collected::default();
        (
            Self::new(collected.out.clone(), collected.err.clone()),
            collected,
        )
    }

    fn new(out: impl Write + Send + 'static, err: impl Write + Send + 'static) -> Self {
        Self {
            out: Stream::new(out),
            err: Stream::new(err),
            redactor: Redactor::default(),
            page: Page::Given(None),
            heard: Arc::new(AtomicBool::new(true)),
        }
    }

    /// How wide a line of standard output may be; none when it is not looked at in a window.
    pub(super) fn width(&self) -> Option<usize> {
        match &self.page {
            Page::Window(term) => Some(term.size().1.into()),
            Page::Given(width) => width.map(usize::from),
        }
    }

    /// Whether standard output is a window, which may show colours.
    pub(super) fn is_window(&self) -> bool {
        matches!(self.page, Page::Window(_))
    }

    /// What keeps secrets out of both.
    pub(super) fn redactor(&self) -> Redactor {
        self.redactor.clone()
    }

    /// Whether anybody reads standard output, now and later.
    pub(super) fn heard(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.heard)
    }

    /// Writes a line, or several, to standard output.
    pub(super) fn out(&mut self, text: &str) {
        // What is written to the other stream must not overtake what was said before it.
        self.err.flush();
        self.out.write(&format!("{}\n", self.redactor.scrub(text)));
        self.heard.store(self.out.0.is_some(), Ordering::Relaxed);
    }

    /// Writes a line, or several, to standard error.
    pub(super) fn err(&mut self, text: &str) {
        self.raw(&format!("{text}\n"));
    }

    /// Writes a line of somebody else's where it was written.
    pub(super) fn line(&mut self, text: &str, error: bool) {
        if error {
            self.err(text);
        } else {
            self.out(text);
        }
    }

    /// Writes to standard error as it is.
    pub(super) fn raw(&mut self, text: &str) {
        self.out.flush();
        self.err.write(&self.redactor.scrub(text));
    }

    /// Hands everything on.
    pub(super) fn flush(&mut self) {
        self.out.flush();
        self.heard.store(self.out.0.is_some(), Ordering::Relaxed);
        self.err.flush();
    }
}

/// One stream. The first failure closes it: there is nobody left to tell.
struct Stream(Option<BufWriter<Box<dyn Write + Send>>>);

impl Stream {
    fn new(to: impl Write + Send + 'static) -> Self {
        Self(Some(BufWriter::new(Box::new(to))))
    }

    fn write(&mut self, text: &str) {
        self.attempt(|to| to.write_all(text.as_bytes()));
    }

    fn flush(&mut self) {
        self.attempt(Write::flush);
    }

    fn attempt(
        &mut self,
        write: impl FnOnce(&mut BufWriter<Box<dyn Write + Send>>) -> io::Result<()>,
    ) {
        if let Some(mut to) = self.0.take() {
            match write(&mut to) {
                Ok(()) => self.0 = Some(to),
                // Dropping the buffer would try to write it once more.
                Err(_) => drop(to.into_parts()),
            }
        }
    }
}

/// What a screen in memory has written so far.
#[derive(Debug, Clone, Default)]
pub struct Collected {
    out: Shared,
    err: Shared,
}

impl Collected {
    /// What went to standard output.
    pub fn out(&self) -> String {
        self.out.text()
    }

    /// What went to standard error.
    pub fn err(&self) -> String {
        self.err.text()
    }
}

#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn a_reader_that_has_gone_away_silences_its_stream_only() {
        let err = Shared::default();
        let mut streams = Streams::new(Gone, err.clone());
        streams.out("one");
        streams.flush();
        assert!(streams.out.0.is_none() && !streams.heard().load(Ordering::Relaxed));
        streams.out("two");
        streams.err("three");
        streams.flush();
        assert_eq!(err.text(), "three\n");
    }

    #[test]
    fn secrets_reach_neither_stream() {
        let (mut streams, collected) = Streams::collecting();
        streams.redactor().add("hunter22");
        streams.out("a hunter22");
        streams.raw("b hunter22");
        streams.flush();
        assert_eq!(
            (collected.out().as_str(), collected.err().as_str()),
            ("a ***\n", "b ***")
        );
    }
}
