//! The sources of the module as one number: whoever cannot build it still sees whether it was built from these.

use std::fs;
use std::path::{Path, PathBuf};

/// What the module is built from, below `crates`.
pub(crate) const FOLDERS: [&str; 5] = [
    "chainrule/src",
    "chainrule-digits/src",
    "chainrule-explorer-core/src",
    "chainrule-explorer-wasm/src",
    "chainrule-explorer-wasm/sources.rs",
];

/// A hash of every source with its name: FNV-1a, of 64 bits.
pub(crate) fn hash() -> u64 {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder of all crates");
    let mut files = Vec::new();
    FOLDERS.iter().for_each(|folder| list(&crates.join(folder), &mut files));
    let mut names: Vec<_> = files.iter().map(|file| (name(file, crates), file)).collect();
    names.sort();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (name, file) in names {
        add(name.as_bytes());
        add(&[0]);
        // Where lines end in another way, they are the same lines.
        let text: Vec<u8> =
            fs::read(file).expect("a source").into_iter().filter(|&byte| byte != b'\r').collect();
        add(&text);
        add(&[0]);
    }
    hash
}

/// The name of a file below `crates`, with the same sign between folders everywhere.
fn name(file: &Path, crates: &Path) -> String {
    let below = file.strip_prefix(crates).expect("a file below crates");
    below.to_string_lossy().replace('\\', "/")
}

fn list(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
        return;
    }
    for entry in fs::read_dir(path).expect("a folder of sources") {
        list(&entry.expect("an entry of it").path(), files);
    }
}
