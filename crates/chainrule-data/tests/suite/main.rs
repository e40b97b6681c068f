//! What readers, preprocessing and splits promise, seen from outside: one test per promise and per bad input.

mod cases;
mod csv;
mod digits;
mod folder;
mod idx;
mod large;
mod noise;
mod preprocessing;
mod robust;
mod serialization;
mod sources;
mod split;
mod tables;
mod target;
mod types;
