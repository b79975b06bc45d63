//! The same change as a mail, for `git am`: for whoever sends it another way.

use super::file::File;
use super::propose::{Proposal, counted, message};
use crate::world::World;

/// What git writes where there is no commit.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// A patch of the file, `diff` being its unified diff. Touches nothing outside.
pub fn patch(world: &World, file: &File, proposal: &Proposal, diff: &str) -> String {
    let message = message(world, proposal);
    let (title, body) = message.split_once('\n').unwrap_or((&message, ""));
    // Who runs it, as git itself has it where nobody says more.
    let from = world.target().author.as_ref().map_or_else(
        || {
            let who = world.who();
            format!("{} <{who}>", who.split('@').next().unwrap_or(who))
        },
        ToString::to_string,
    );
    let date = world.clock().now().strftime("%a, %d %b %Y %H:%M:%S +0000");
    let (added, removed) = counted(&file.text, &proposal.text);
    let path = &file.path;
    format!(
        "From {NO_COMMIT} Mon Sep 17 00:00:00 2001\n\
         From: {from}\n\
         Date: {date}\n\
         Subject: [PATCH] {title}\n\
         {body}\
         ---\n \
         {path}: +{added} -{removed}\n\n\
         diff --git a/{path} b/{path}\n\
         {diff}--\n\
         runbook {}\n",
        env!("CARGO_PKG_VERSION"),
    )
}
