//! Runs that stop and go on, and runs that are repeated: the same bytes.

use crate::place::{Place, small_table};

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let place = Place::with(&[("table.csv", &small_table(200))]);
    let line = "train table.csv --layers 70,40 --dropout 0.2 --batch-size 50 --epochs 4";
    for (name, flags) in
        [("first", "--threads 1"), ("again", "--threads 1"), ("more", "--threads 3"), ("other", "--seed 1")]
    {
        place.good(&format!("{line} -o {name}.safetensors {flags}"));
    }
    let first = place.read("first.safetensors");
    assert!(first == place.read("again.safetensors"), "two runs");
    assert!(first == place.read("more.safetensors"), "three threads");
    assert!(first != place.read("other.safetensors"), "another seed");
}

#[test]
fn a_resumed_run_equals_an_uninterrupted_one() {
    let place = Place::with(&[("table.csv", &small_table(150))]);
    let line = "train table.csv --layers 30,20 --dropout 0.1 --schedule constant";
    place.good(&format!("{line} --epochs 6 -o whole.safetensors"));
    place.good(&format!("{line} --epochs 2 -o part.safetensors --checkpoint run"));
    place.good(&format!("{line} --epochs 6 -o resumed.safetensors --resume run --threads 2"));
    assert!(place.read("whole.safetensors") == place.read("resumed.safetensors"));
    place.refused(
        &format!("{line} --epochs 6 --seed 1 --resume run"),
        &["run", "how the rows are split", "repeat the data and options"],
    );
    place.refused(
        &format!("{line} --epochs 6 --learning-rate 0.5 --resume run"),
        &["run", "training options", "repeat the flags"],
    );
    place.refused("train table.csv --layers 30 --epochs 6 --resume run", &["run", "network"]);
    place.refused(&format!("{line} --epochs 6 --resume whole.safetensors"), &["whole.safetensors"]);
}

#[test]
fn training_stops_early_with_the_best_weights() {
    let place = Place::with(&[("table.csv", &small_table(80))]);
    let line = "train table.csv --epochs 400 --patience 3 --schedule constant --learning-rate 0.02 --json";
    let summary = place.json(line);
    let (epochs, best) = (summary["epochs"].as_u64().unwrap(), summary["best_epoch"].as_u64().unwrap());
    assert_eq!(summary["ending"], "stopped_early", "{summary}");
    assert_eq!(epochs, best + 3);
    let shorter = line.replace("--epochs 400", &format!("--epochs {best} -o short.safetensors"));
    place.json(&shorter);
    let tensors = |name: &str| {
        let bytes = place.read(name);
        let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[header..].to_vec()
    };
    assert!(tensors("table.safetensors") == tensors("short.safetensors"), "the weights of epoch {best}");
}
