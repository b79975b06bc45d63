//! The map of the house.
pub mod error;
pub mod event;
pub mod names;
pub mod world;
pub mod engine;
