//! The map of the house.
pub mod engine;
pub mod error;
pub mod event;
pub mod names;
pub mod ui;
pub mod world;
