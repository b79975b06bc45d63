//! The practice world.
#![cfg_attr(
    not(test),
    expect(dead_code, reason = "the model that uses it is built at the same time")
)]

mod apiserver;
