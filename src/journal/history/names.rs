//! What the names of journals tell without opening them: `20260115T130000Z-warm_up-2.jsonl`.

use std::cmp::Reverse;
use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use crate::journal::Error;

/// The name of one journal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// The run's id: the name without its ending.
    pub(super) run: String,
}

/// How the start of a run is written in its id.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

impl Name {
    /// When it began, and what it is called; nothing when somebody else made this name.
    fn parts(&self) -> Option<(&str, &str)> {
        let (time, rest) = self.run.split_once('-')?;
        let digits = time.bytes().filter(u8::is_ascii_digit).count();
        (time.len() == 16 && digits == 14).then_some((time, rest))
    }

    /// The number that tells runs of one second apart.
    fn number(&self) -> u32 {
        let number = self.run.rsplit_once('-').map(|(_, number)| number);
        number.and_then(|number| number.parse().ok()).unwrap_or(1)
    }

    /// Whether it began in this second or later, as far as the name tells.
    pub(super) fn is_since(&self, since: &str) -> bool {
        self.parts().is_none_or(|(time, _)| time >= since)
    }

    /// Whether it may be a run of this runbook, as far as the name tells.
    pub(super) fn may_be_of(&self, runbook: &str) -> bool {
        self.parts().is_none_or(|(_, rest)| {
            rest.strip_prefix(runbook).is_some_and(|more| {
                let number = more.strip_prefix('-').map(str::parse::<u32>);
                more.is_empty() || number.is_some_and(|number| number.is_ok())
            })
        })
    }

    /// Orders by time, then by number.
    fn key(&self) -> (&str, u32, &str) {
        let time = self.parts().map_or(self.run.as_str(), |(time, _)| time);
        (time, self.number(), &self.run)
    }
}

/// The names of all journals in a folder, newest first; none when there is no folder.
pub(super) fn all(folder: &Path) -> Result<Vec<Name>, Error> {
    let failed = |why| Error::Read {
        file: folder.to_owned(),
        why,
    };
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed(e)),
    };
    let mut names = Vec::new();
    for file in files {
        let name = file.map_err(failed)?.file_name();
        if let Some(run) = name.to_string_lossy().strip_suffix(".jsonl") {
            let run = run.to_owned();
            names.push(Name { run });
        }
    }
    names.sort_unstable_by(|a, b| Reverse(a.key()).cmp(&Reverse(b.key())));
    Ok(names)
}
