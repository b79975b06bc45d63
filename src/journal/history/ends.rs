//! The first and the last lines of a file that may be long, read from its two ends.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// How much is read at once.
const BLOCK: u64 = 4096;

/// A file, as far as it has been read.
#[derive(Debug)]
pub(super) struct Ends {
    file: File,
    /// From its beginning.
    head: Vec<u8>,
    /// From `tail_at` to its end; unused while `head` is all of it.
    tail: Vec<u8>,
    tail_at: u64,
}

impl Ends {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut head = Vec::with_capacity(usize::try_from(BLOCK).unwrap_or_default());
        let read = (&mut file).take(BLOCK).read_to_end(&mut head)?;
        let mut tail = Vec::new();
        let mut tail_at = 0;
        if u64::try_from(read).unwrap_or(u64::MAX) == BLOCK {
            tail_at = file.seek(SeekFrom::End(0))?;
        } else {
            tail.clone_from(&head);
        }
        Ok(Self {
            file,
            head,
            tail,
            tail_at,
        })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// The first line, without its end; none when there is no whole line.
    pub(super) fn first(&mut self) -> io::Result<Option<&[u8]>> {
        while !self.head.contains(&b'\n') {
            let at = u64::try_from(self.head.len()).unwrap_or(u64::MAX);
            self.file.seek(SeekFrom::Start(at))?;
            if (&mut self.file).take(BLOCK).read_to_end(&mut self.head)? == 0 {
                return Ok(None);
            }
        }
        Ok(self.head.split(|byte| *byte == b'\n').next())
    }

    /// The last whole line but `before`, without its end; what was torn off does not count.
    pub(super) fn last(&mut self, before: usize) -> io::Result<Option<&[u8]>> {
        // What follows its end, the lines after it, and the end of the line before it.
        while self.tail_at > 0 && pieces(&self.tail) < before + 3 {
            self.grow()?;
        }
        // The piece after the last end is empty, or torn.
        let whole = self.tail.rsplit(|byte| *byte == b'\n').skip(1);
        Ok(whole.into_iter().nth(before))
    }

    /// Reads one more block, or as much as there already is, before the tail.
    fn grow(&mut self) -> io::Result<()> {
        let held = u64::try_from(self.tail.len()).unwrap_or(u64::MAX);
        let more = held.max(BLOCK).min(self.tail_at);
        self.tail_at -= more;
        self.file.seek(SeekFrom::Start(self.tail_at))?;
        let mut tail = Vec::with_capacity(usize::try_from(held + more).unwrap_or_default());
        (&mut self.file).take(more).read_to_end(&mut tail)?;
        tail.append(&mut self.tail);
        self.tail = tail;
        Ok(())
    }
}

/// How many pieces the ends of lines cut a text into.
fn pieces(text: &[u8]) -> usize {
    text.split(|byte| *byte == b'\n').count()
}
