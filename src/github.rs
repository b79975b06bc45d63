//! A file in somebody's repository on GitHub, and a pull request that changes it.
//!
//! No clone: everything is asked of one pinned commit, and a change goes by way of a fork where we
//! may not push. Nothing is ever forced, nothing of anybody's is overwritten, and what is sent is
//! compared with what was meant before a pull request is opened. Never knows what is in the file.

mod call;
mod error;
mod file;
mod follow;
mod fork;
mod look;
mod patch;
mod propose;
mod pulls;
#[cfg(test)]
mod tests;

pub use file::{File, file};
pub use follow::{Standing, follow, standing};
pub use look::{Reach, look, reach};
pub use patch::patch;
pub use propose::{Proposal, Proposed, propose};
pub use pulls::{Pull, adding};
