//! Writes the PyTorch scripts of many steps into a folder, for `oracle/run_scripts.py`, each with the hash of its text in its name.

#[path = "../tests/scripts/mod.rs"]
mod scripts;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("give the folder to write the scripts into")?;
    std::fs::create_dir_all(&folder)?;
    for (name, script) in scripts::scripts() {
        std::fs::write(format!("{folder}/{name}.{:016x}.py", scripts::hash(&script)), script)?;
    }
    Ok(())
}
