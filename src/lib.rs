//! The map of the house.
pub mod error;
pub mod event;
pub mod names;
pub mod ui;
pub mod world;
pub mod engine;
