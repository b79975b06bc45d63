//! One line of a journal: a JSON object whose first member is a checksum of its number and its text.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::names::hex;

/// What every line begins with, before the checksum.
const SUM: &str = "{\"sum\":\"";

/// Digits of the checksum.
const DIGITS: usize = 8;

/// The line of this number, from 1, with its end.
pub(super) fn write(number: usize, record: &Value) -> String {
    let text = record.to_string();
    let members = text.strip_prefix('{').unwrap_or(&text);
    format!("{SUM}{}\",{members}\n", sum(number, members))
}

/// The record in a line, given without its end.
pub(super) fn read(number: usize, line: &[u8]) -> Result<String, String> {
    let line = std::str::from_utf8(line).map_err(|e| e.to_string())?;
    let members = line.strip_prefix(SUM).and_then(|rest| {
        let (sum, rest) = rest.split_at_checked(DIGITS)?;
        Some((sum, rest.strip_prefix("\",")?))
    });
    let Some((found, members)) = members else {
        return Err("it does not begin with a checksum".to_owned());
    };
    if found != sum(number, members) {
        return Err("its checksum is wrong".to_owned());
    }
    Ok(format!("{{{members}"))
}

fn sum(number: usize, members: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(number.to_string());
    hash.update(members);
    let digest = hash.finalize();
    hex(digest.iter().take(DIGITS / 2))
}
