//! The room over a scripted GKE, in virtual time.

mod begun;
mod failures;
mod grow;
mod killed;
mod limits;
mod operations;
mod reading;
mod set_limits;
mod shrink;
mod stub;
