//! Signals and closed outputs: what was learned is kept, and nothing stays behind.

use std::process::{Command, Stdio};

use crate::place::{Place, Run, Started, earlier_model, small_table};

/// A run that goes on for a while, with many epochs.
const LONG: &str = "train digits --layers 200,100 --epochs 30";

/// A run whose first epoch goes on for a while.
const SLOW_EPOCH: &str = "train digits --layers 600x8 --batch-size 1 --epochs 2";

/// That run, when Ctrl-C comes in its first epoch.
fn interrupted_in_the_first_epoch(place: &Place, output: &str) -> Run {
    let run = place.start(&format!("{SLOW_EPOCH} -o {output}"));
    run.wait_for("memory");
    run.signal("INT");
    let run = run.end();
    assert_eq!(run.code, Some(130), "{}{}", run.output, run.errors);
    run
}

/// What is left beside the results.
fn left_over(place: &Place) -> Vec<String> {
    place.names().into_iter().filter(|name| name.contains("chainrule-")).collect()
}

fn wait_for_file(run: &Started, place: &Place, name: &str) {
    run.wait_until(|| place.path(name).exists(), name, || format!("{:?}", place.names()));
}

#[test]
fn a_run_that_is_asked_to_end_keeps_its_best_model_and_goes_on_to_the_same_end() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let place = Place::new();
        let run = place.start(&format!("{LONG} --checkpoint run -o stopped.safetensors"));
        wait_for_file(&run, &place, "run");
        run.signal(signal);
        let run = run.end();
        assert_eq!(run.code, Some(code), "{signal}: {}{}", run.output, run.errors);
        assert!(run.output.contains("interrupted: trained"), "{signal}: {}", run.output);
        assert!(run.output.contains("the model is the best one, of epoch"), "{signal}: {}", run.output);
        // Of classes the validation is known; the test rows would take another pass.
        assert!(run.output.contains("\nvalidation accuracy "), "{signal}: {}", run.output);
        let by_hand = "evaluate stopped.safetensors digits --part test does it\nmodel ";
        assert!(run.output.contains("\ntest       not measured; "), "{signal}: {}", run.output);
        assert!(run.output.contains(by_hand), "{signal}: {}", run.output);
        let measured = place.json("evaluate stopped.safetensors digits --part test --json");
        assert!(measured["accuracy"].as_f64().unwrap() > 0.2, "{signal}: {measured}");
        assert_eq!(left_over(&place), [""; 0], "{signal}");
        if signal == "INT" {
            place.good(&format!("{LONG} --resume run -o resumed.safetensors"));
            place.good(&format!("{LONG} -o whole.safetensors"));
            assert!(place.read("resumed.safetensors") == place.read("whole.safetensors"));
        }
    }
}

#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let place = Place::new();
    let line = "train digits --layers 100 --epochs 6 --checkpoint run -o model";
    let mut command = Command::new("nohup");
    command.arg(env!("CARGO_BIN_EXE_chainrule")).args(line.split(' ')).current_dir(place.path("."));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = Started::new(line, command.spawn().unwrap());
    wait_for_file(&run, &place, "run");
    run.signal("HUP");
    let run = run.end();
    assert_eq!(run.code, Some(0), "{}{}", run.output, run.errors);
    assert!(run.output.contains("\ntrained 6 epochs"), "{}", run.output);
}

#[test]
fn before_the_end_of_the_first_epoch_a_good_model_stays() {
    let place = Place::with(&[("good.safetensors", &earlier_model())]);
    let run = interrupted_in_the_first_epoch(&place, "good.safetensors");
    assert!(
        run.output.ends_with("the first epoch did not end: the earlier model stays as it was\n"),
        "{}",
        run.output
    );
    assert_eq!(place.text("good.safetensors"), earlier_model());

    // Where there is none, a part of an epoch is better than nothing, and it is said that it is one.
    let run = interrupted_in_the_first_epoch(&place, "new.safetensors");
    assert!(run.output.contains("the first epoch did not end: the model is what was learned of it\n"));
    place.good("inspect new.safetensors");
    assert_eq!(place.names(), ["good.safetensors", "new.safetensors"]);

    // What standard output goes to is no earlier model.
    std::os::unix::fs::symlink("/proc/self/fd/1", place.path("stdout")).unwrap();
    let run = place.script(&format!(
        "$CHAINRULE {SLOW_EPOCH} -o stdout > printed 2> errors & until grep -q memory errors; do sleep 0.01; done
         kill -TERM $!; wait $!"
    ));
    let errors = place.text("errors");
    assert_eq!(run.code, Some(143), "{errors}");
    assert!(
        errors.contains("the first epoch did not end: the model is what was learned of it\n"),
        "{errors}"
    );
    place.good("inspect printed");
}

#[test]
fn names_that_a_shell_would_take_apart_are_quoted() {
    let place = Place::with(&[("my table.csv", &small_table(60))]);
    let run =
        place.script("$CHAINRULE train 'my table.csv' --preset fast --layers 5 --epochs 2 -o 'my model'");
    assert!(run.output.contains("\nmodel      my model\n"), "{}", run.output);
    assert!(run.output.contains(" predict 'my model' DATA\n"), "{}", run.output);
    assert!(run.output.ends_with(" trace 'my model' 'my table.csv'\n"), "{}", run.output);
}

#[test]
fn while_data_are_read_a_signal_ends_at_once() {
    let place = Place::new();
    assert!(Command::new("mkfifo").arg(place.path("table.csv")).status().unwrap().success());
    let run = place.start("train table.csv --checkpoint run -o model");
    // It waits for somebody to write into the pipe, after it has looked at its places.
    std::thread::sleep(std::time::Duration::from_millis(300));
    run.signal("TERM");
    let run = run.end();
    assert_eq!((run.code, run.output.as_str(), run.errors.as_str()), (Some(143), "", ""));
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn a_second_ctrl_c_ends_at_once_and_leaves_nothing() {
    let place = Place::new();
    // Within a step of seconds, while the run owns its checkpoint.
    let run =
        place.start("train digits --layers 1500x10 --batch-size 2000 --epochs 9 --checkpoint other -o model");
    run.wait_for("memory");
    assert_eq!(left_over(&place), [".other.chainrule-lock"]);
    run.signal("TERM");
    std::thread::sleep(std::time::Duration::from_millis(100));
    run.signal("HUP");
    let run = run.end();
    assert_eq!(run.code, Some(129), "{}{}", run.output, run.errors);
    assert!(!run.output.contains("interrupted"), "{}", run.output);
    assert_eq!(left_over(&place), [""; 0]);
}

#[test]
fn a_pipe_that_nobody_reads_holds_nobody_up() {
    let place = Place::with(&[("table.csv", &small_table(60))]);
    for name in ["pipe", "read"] {
        assert!(Command::new("mkfifo").arg(place.path(name)).status().unwrap().success());
    }
    // Training is over, and saving the model waits: one signal is enough.
    let run = place.start("train table.csv --layers 5 --epochs 2 --checkpoint run -o pipe");
    run.wait_for("epoch 2/2");
    let is_over = || place.path("run").exists() && left_over(&place).is_empty();
    run.wait_until(is_over, "end of training", || format!("{:?}", place.names()));
    std::thread::sleep(std::time::Duration::from_millis(200));
    run.signal("INT");
    let run = run.end();
    assert_eq!(run.code, Some(130), "{}{}", run.output, run.errors);
    assert!(!place.path("pipe-2").exists());
    place.good("train table.csv --layers 5 --epochs 3 --resume run -o model");

    // While it trains: it does not wait, and what was learned is not lost.
    let run = place.start(&format!("{LONG} --checkpoint other -o pipe"));
    wait_for_file(&run, &place, "other");
    run.signal("TERM");
    let run = run.end();
    assert_eq!(run.code, Some(143), "{}{}", run.output, run.errors);
    let expected =
        "error: the model is in ./pipe-2, since its place cannot be written: pipe: nobody reads this pipe";
    assert!(run.errors.contains(expected), "{}", run.errors);
    assert!(run.output.contains("\nmodel      ./pipe-2\n"), "{}", run.output);
    place.good("inspect pipe-2");

    // Somebody reads: all of the model goes there.
    let run = place.start(&format!("{LONG} --checkpoint third -o read"));
    let reader = std::thread::spawn({
        let path = place.path("read");
        move || std::fs::read(path).unwrap()
    });
    wait_for_file(&run, &place, "third");
    run.signal("TERM");
    let run = run.end();
    assert_eq!((run.code, run.errors.as_str()), (Some(143), ""), "{}", run.output);
    place.write("through", &reader.join().unwrap());
    place.good("inspect through");
}

#[test]
fn a_terminals_ctrl_c_and_its_text() {
    let place = Place::new();
    let mut command = Command::new("script");
    let program = env!("CARGO_BIN_EXE_chainrule");
    let line = format!("env --default-signal {program} {LONG} --checkpoint run -o model");
    command.args(["-qec", &line, "/dev/null"]).current_dir(place.path("."));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = Started::new(&line, command.spawn().unwrap());
    wait_for_file(&run, &place, "run");
    run.type_in("\u{3}");
    run.wait_for("once more ends at once");
    run.wait_for("interrupted: trained");
    assert_eq!(run.end().code, Some(130));
    place.good("inspect model");
}

#[test]
fn one_run_at_a_time_writes_to_a_checkpoint() {
    let place = Place::new();
    std::fs::create_dir(place.path("far")).unwrap();
    std::os::unix::fs::symlink("far/../run", place.path("link")).unwrap();
    let run = place.start("train digits --layers 200,100 --epochs 3000 --checkpoint run -o one");
    wait_for_file(&run, &place, "run");
    for name in ["run", "./far/../run", "link"] {
        let second = place.run(&format!("{LONG} --checkpoint {name} -o other"));
        assert_eq!(second.code, Some(2), "{}", second.output);
        assert!(second.errors.contains("another run writes to it"), "{}", second.errors);
    }
    // A killed run leaves no lock behind, though it leaves the file that had it.
    run.signal("KILL");
    run.end();
    assert!(left_over(&place).contains(&".run.chainrule-lock".to_owned()), "{:?}", place.names());
    place.good("train digits --layers 20 --epochs 2 --checkpoint run -o other");
    assert_eq!(left_over(&place), [""; 0]);
}

#[test]
fn a_closed_output_never_costs_the_model() {
    let place = Place::with(&[("table.csv", &small_table(100))]);
    let line = "$CHAINRULE train table.csv --preset fast --layers 8 --epochs 20 -o model";
    for (what, code) in [
        ("| head -n 1", 0),
        ("2>&1 | head -n 1", 0),
        ("--json | true", 0),
        (">&-", 0),
        (">&- 2>&-", 0),
        ("> /dev/full", 2),
        ("> /dev/full 2> /dev/full", 2),
        ("2>&1 | (sleep 0.2; true)", 0),
    ] {
        let run = place.script(&format!("{line} {what}; exit ${{PIPESTATUS[0]}}"));
        assert_eq!(run.code, Some(code), "{what}: {}{}", run.output, run.errors);
        place.good("inspect model");
        std::fs::remove_file(place.path("model")).unwrap();
        assert!(!run.errors.contains("panicked"), "{what}: {}", run.errors);
    }
    let run = place.script(&format!("{line} > /dev/full"));
    assert_eq!(
        run.errors,
        "error: the model is in model, but not everything could be printed: standard output: No space left on device (os \
         error 28)\n"
    );
    let run = place.script("$CHAINRULE predict model table.csv > /dev/full");
    assert_eq!(run.errors, "error: standard output: No space left on device (os error 28)\n");
    for command in
        ["predict model table.csv", "inspect model", "describe table.csv", "train table.csv --help"]
    {
        let script = format!("$CHAINRULE {command} | (read -r line; true); exit ${{PIPESTATUS[0]}}");
        let run = place.script(&script);
        assert_eq!((run.code, run.errors.as_str()), (Some(0), ""), "{command}");
    }
}
