//! Rhai.
pub mod table;
