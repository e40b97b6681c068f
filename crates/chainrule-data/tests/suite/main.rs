//! What readers, preprocessing and splits promise, seen from outside: one test per promise and per bad input.

mod csv;
mod digits;
mod folder;
mod idx;
mod noise;
mod preprocessing;
mod serialization;
mod split;
mod tables;
mod target;
