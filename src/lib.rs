//! The map of the house.
pub mod config;
pub mod engine;
pub mod error;
pub mod event;
pub mod names;
pub mod runbook;
pub mod world;
