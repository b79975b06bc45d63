//! What a runbook needs from a hub: who has a server and when they were last active, which image new
//! servers get, and the proof that a person can log in and work.
//!
//! Works with `JupyterHub` 4, 5 and 6. Never follows a redirect (it means "not logged in") and never
//! asks for anybody's tokens. What it writes it reads again; what it starts it takes away.

mod call;
mod check;
mod config;
mod error;
mod kernel;
mod look;
mod progress;
mod servers;
#[cfg(test)]
mod tests;
mod who;

pub use check::{Worked, check_server};
pub use config::{Image, image, set_image};
pub use look::look;
pub use servers::{Known, Server, configured, none, servers, users};
pub use who::{Health, health, includes};
