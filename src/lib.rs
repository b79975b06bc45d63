//! A scriptable runbook engine. This file is the map of the house, in reading order.
//!
//! Shared vocabulary: [`names`], [`event`], [`error`]. The doors through which everything outside
//! is reached: [`world`]; the built-in world behind the same doors: [`sim`]. One room per system:
//! [`gke`], [`k8s`], [`hub`], [`registry`],
//! [`github`]; edits of other people's files: [`yaml`]. What we may do there: [`doctor`]; what there is:
//! [`look`]. A script and what is wrong with it: [`runbook`]; what it may call: [`api`];
//! what runs it: [`engine`]; what is kept of it: [`journal`]. One run from its first event to its
//! exit status: [`run`]. What a person sees: [`ui`]. The command line: [`cli`].
//!
//! What holds everywhere: time comes from [`world::Clock`] alone; the environment is read in
//! [`cli`] alone; nobody but [`ui`] prints; no request leaves before its journal record; a dry
//! world and a live one are told apart by what stands behind [`world::Doors`] and by nothing else.
//! The arrows between rooms are a test, `tests/it/tidy.rs`.

pub mod names;

pub mod event;

pub mod error;

pub mod world;

pub mod gke;

pub mod k8s;

pub mod yaml;

pub mod hub;

pub mod registry;

pub mod github;

pub mod doctor;

pub mod look;

pub mod sim;

pub mod config;

pub mod runbook;

pub mod journal;

pub mod engine;

pub mod api;

pub mod run;

pub mod ui;

pub mod cli;
