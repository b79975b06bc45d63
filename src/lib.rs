//! A scriptable runbook engine. This file is the map of the house, in reading order.
//!
//! Rooms that stand: the shared vocabulary ([`names`], [`event`], [`error`]), the doors
//! ([`world`]), what a script is ([`runbook`], [`config`]), the table of what it may call
//! ([`engine`]) and what a person sees ([`ui`]).

pub mod names;

pub mod event;

pub mod error;

pub mod world;

pub mod sim;

pub mod config;

pub mod runbook;

pub mod engine;

pub mod journal;

pub mod ui;
