//! The room over a scripted GKE, in virtual time.

mod killed;
mod failures;
mod grow;
mod limits;
mod operations;
mod reading;
mod set_limits;
mod stub;
