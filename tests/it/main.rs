//! The integration tests: one binary.
#![expect(clippy::unwrap_used, reason = "a failed test says where by panicking")]

mod canned;
mod live_doors;
mod tidy;
