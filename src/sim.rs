//! The practice world.
#![allow(
    dead_code,
    clippy::allow_attributes,
    unused_imports,
    reason = "the model that uses it is built at the same time"
)]

mod apiserver;
