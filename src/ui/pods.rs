//! Pods that are watched: a line per change, or a full screen that can be sorted and filtered.

mod board;
mod frame;
mod screen;
#[cfg(test)]
mod tests;
mod told;

pub(super) use screen::Screen;
pub(super) use told::Told;
