//! What a runbook needs from a hub's own REST API: who has a server, and when they were last
//! active.
//!
//! Works with `JupyterHub` 4, 5 and 6. Never follows a redirect (it means "not logged in"), never
//! asks for anybody's tokens, and changes nothing.

mod call;
mod error;
mod servers;
#[cfg(test)]
mod tests;

pub use servers::{Server, configured, none, servers};
