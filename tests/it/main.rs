//! The house as a whole: its arrows, its command line, its rehearsals, the live doors.
#![expect(clippy::unwrap_used, reason = "a failed test says where by panicking")]
#![expect(
    clippy::indexing_slicing,
    reason = "a failed test says where by panicking"
)]

mod access;
mod allow_domain;
mod canned;
mod check_holds;
mod cluster;
mod commands;
mod copies;
mod doctor;
mod dry_run;
mod history;
mod hub_contract;
#[cfg(unix)]
mod kills;
mod live_doors;
mod live_github;
mod live_hub;
#[cfg(unix)]
mod live_resume;
mod live_runs;
mod live_sessions;
mod looks;
mod program;
mod rehearsals;
#[cfg(unix)]
mod resume;
#[cfg(unix)]
mod running;
mod serve;
mod sessions;
#[cfg(unix)]
mod signals;
mod status;
mod teardown;
mod terminal;
mod tidy;
mod update_image;
mod yaml;
