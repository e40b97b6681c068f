//! Tells the module which sources it is built from.

mod sources;

fn main() {
    for folder in sources::FOLDERS {
        println!("cargo:rerun-if-changed=../{folder}");
    }
    println!("cargo:rustc-env=SOURCES={:016x}", sources::hash());
}
