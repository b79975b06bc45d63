//! The terminal's own state: kept at the start, given back on every way out.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::world::terminal::Size;

/// Whether the window's title is ours.
static TITLED: AtomicBool = AtomicBool::new(false);

/// Remembers that the title was set, and returns the sequence that sets it.
pub(super) fn title(text: &str) -> String {
    // The first one keeps the old title on the terminal's own stack.
    let keep = if TITLED.swap(true, Ordering::SeqCst) {
        ""
    } else {
        "\x1b[22;0t"
    };
    format!("{keep}\x1b]0;{text}\x07")
}

/// The sequence that gives the title back: cleared, then restored where that is known.
pub(super) fn untitle() -> &'static str {
    if TITLED.swap(false, Ordering::SeqCst) {
        "\x1b]0;\x07\x1b[23;0t"
    } else {
        ""
    }
}

/// Whether the other screen is ours.
static FULL: AtomicBool = AtomicBool::new(false);

/// The sequence that takes the terminal's other screen, without cursor and wrapping.
pub(super) fn full_screen() -> &'static str {
    FULL.store(true, Ordering::SeqCst);
    "\x1b[?1049h\x1b[?25l\x1b[?7l"
}

/// The sequence that gives it back, if it was taken: what was there before is there again.
pub(super) fn leave_full_screen() -> &'static str {
    if FULL.swap(false, Ordering::SeqCst) {
        "\x1b[?7h\x1b[?25h\x1b[?1049l"
    } else {
        ""
    }
}

/// Rings.
pub(super) const BELL: &str = "\x07";

#[cfg(unix)]
mod attributes {
    use std::sync::OnceLock;

    use std::io;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;
    use rustix::stdio::{stderr, stdin, stdout};
    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

    use crate::world::terminal::Size;

    /// So much is read of what was typed at once, in bytes.
    const READ: usize = 4096;

    static SAVED: OnceLock<Termios> = OnceLock::new();

    pub(super) fn save() {
        if let Ok(attributes) = tcgetattr(stdin()) {
            SAVED.get_or_init(|| attributes);
        }
    }

    pub(super) fn restore(sequences: &str) {
        if let Some(attributes) = SAVED.get() {
            tcsetattr(stdin(), OptionalActions::Now, attributes).ok();
            // Not through `std`: whoever holds its lock may be the one we are leaving behind.
            rustix::io::write(stderr(), sequences.as_bytes()).ok();
        }
    }

    pub(super) fn raw() -> io::Result<()> {
        let mut attributes = tcgetattr(stdin())?;
        attributes.make_raw();
        Ok(tcsetattr(stdin(), OptionalActions::Now, &attributes)?)
    }

    pub(super) fn size() -> Option<Size> {
        let size = tcgetwinsize(stdout()).or_else(|_| tcgetwinsize(stdin()));
        let size = size.ok()?;
        Some(Size {
            columns: size.ws_col,
            rows: size.ws_row,
        })
    }

    pub(super) fn typed(patience: Duration) -> io::Result<Vec<u8>> {
        let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
        let mut fds = [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)];
        match poll(&mut fds, Some(&patience)) {
            Ok(0) | Err(Errno::INTR) => return Ok(Vec::new()),
            polled => polled?,
        };
        let mut bytes = vec![0; READ];
        let read = rustix::io::read(stdin(), &mut bytes)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.truncate(read);
        Ok(bytes)
    }

    pub(super) fn hung_up(error: &std::io::Error) -> bool {
        matches!(
            Errno::from_io_error(error),
            Some(Errno::IO | Errno::NXIO | Errno::PIPE)
        )
    }
}

#[cfg(not(unix))]
mod attributes {
    use std::io::{self, Write};
    use std::time::Duration;

    use crate::world::terminal::Size;

    pub(super) fn save() {}

    pub(super) fn raw() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn size() -> Option<Size> {
        None
    }

    pub(super) fn typed(_: Duration) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn restore(sequences: &str) {
        let mut stderr = std::io::stderr();
        if std::io::IsTerminal::is_terminal(&stderr) {
            stderr.write_all(sequences.as_bytes()).ok();
        }
    }

    pub(super) fn hung_up(_: &std::io::Error) -> bool {
        false
    }
}

/// Whether a prompt failed because its terminal was closed.
pub(super) fn closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe
    ) || attributes::hung_up(error)
}

/// Hands every key on as it is typed, Ctrl-C too, until [`restore`].
pub(super) fn raw() -> io::Result<()> {
    attributes::raw()
}

/// Hands lines on again, as [`save`] found it.
pub(super) fn cooked() {
    attributes::restore("");
}

/// How large the window is.
pub(super) fn size() -> Size {
    // What every terminal had once.
    const USUAL: Size = Size {
        columns: 80,
        rows: 24,
    };
    attributes::size()
        .filter(|size| size.columns > 0 && size.rows > 0)
        .unwrap_or(USUAL)
}

/// What is typed, waiting so long for it; nothing when nothing was.
pub(super) fn typed(patience: Duration) -> io::Result<Vec<u8>> {
    attributes::typed(patience)
}

/// Remembers the terminal's attributes, the first time.
pub fn save() {
    attributes::save();
}

/// Gives the terminal back as [`save`] found it: attributes, wrapping, cursor and title.
///
/// Callable from any thread at any time, also while a prompt is open.
pub fn restore() {
    let full = leave_full_screen();
    attributes::restore(&format!("{full}\x1b[?7h\x1b[?25h{}", untitle()));
}
