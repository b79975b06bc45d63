//! The practice world.
#![expect(
    dead_code,
    unused_imports,
    reason = "the model that uses it is built at the same time"
)]

mod apiserver;
