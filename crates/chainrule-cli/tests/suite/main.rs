//! Tests of the program `chainrule`, run as a user runs it; one executable, so that they link once.

mod bad_input;
mod bench;
mod cases;
mod commands;
mod delivered;
mod diverging;
mod documentation;
mod earlier_files;
mod explore;
mod images;
mod large;
mod learning;
mod memory;
mod numbers;
#[cfg(target_os = "linux")]
mod outputs;
mod page;
mod place;
#[cfg(target_os = "linux")]
mod presets;
mod root;
#[cfg(target_os = "linux")]
mod signals;
mod stopping;
mod trace;
