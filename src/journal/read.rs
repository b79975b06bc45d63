//! Reading a journal back: all of it, or nothing.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::record::{FORMAT, Record};
use super::{Error, line};

/// What every format's header has.
#[derive(Deserialize)]
struct Version {
    format: u32,
    #[serde(default)]
    program: String,
}

/// Every record of a journal, in order. A torn last line, which a crash leaves, is left out.
///
/// # Errors
/// When the file cannot be read, is of a newer format, or a line is not what was written.
pub fn read(path: &Path) -> Result<Vec<Record>, Error> {
    Ok(read_whole(path)?.0)
}

/// Every record before the first damage, and the damage.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn sound(path: &Path) -> Result<(Vec<Record>, Option<Error>), Error> {
    let (records, _, damage) = parse(path, &bytes(path)?);
    Ok((records, damage))
}

/// The same as [`read`], and how many bytes the records take.
pub(super) fn read_whole(path: &Path) -> Result<(Vec<Record>, u64), Error> {
    let (records, whole, damage) = parse(path, &bytes(path)?);
    damage.map_or(Ok((records, whole)), Err)
}

fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|why| Error::Read {
        file: path.to_owned(),
        why,
    })
}

/// The records up to the first damage, how many bytes they take, and the damage.
fn parse(path: &Path, bytes: &[u8]) -> (Vec<Record>, u64, Option<Error>) {
    let mut records = Vec::new();
    let mut whole = 0;
    for (at, text) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let Some(text) = text.strip_suffix(b"\n") else {
            break;
        };
        match record(path, at + 1, text) {
            Ok(record) => records.push(record),
            Err(damage) => return (records, whole, Some(damage)),
        }
        whole += u64::try_from(text.len() + 1).unwrap_or(u64::MAX);
    }
    (records, whole, None)
}

/// The record in one line, given without its end.
pub(super) fn record(path: &Path, number: usize, text: &[u8]) -> Result<Record, Error> {
    let damaged = |why: String| Error::Damaged {
        file: path.to_owned(),
        line: number,
        why,
    };
    let text = line::read(number, text).map_err(damaged)?;
    if number == 1 {
        let version: Version = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
        if version.format > FORMAT {
            return Err(Error::Newer {
                file: path.to_owned(),
                format: version.format,
                program: version.program,
            });
        }
    }
    serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))
}
