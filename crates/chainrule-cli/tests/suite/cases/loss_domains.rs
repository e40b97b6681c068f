//! Kind I: a target that the loss cannot use is refused with file, line and column, before training starts.

use super::case;

#[test]
fn targets_outside_of_a_loss_are_refused_with_their_place() {
    let place = case("I-loss-row");
    for (file, flags, at, cell, range) in [
        ("counts.csv", "--loss poisson", "line 92, column 'n'", "-1", "at least 0"),
        ("visits.csv", "--loss poisson", "line 78, column 'visits'", "-1", "at least 0"),
        (
            "visits-lines.csv",
            "--target visits --loss poisson",
            "line 87, column 'visits'",
            "-1",
            "at least 0",
        ),
        ("share.csv", "--loss binary-cross-entropy", "line 52, column 'share'", "1.2", "from 0 to 1"),
    ] {
        let at = format!("{file}, {at}");
        let line = format!("train {file} --task regression {flags} --checkpoint run");
        let message = place.refused(&line, &[&at, &format!("the target is {cell}"), range]);
        assert!(!message.contains("counted from 0"), "{message}");
    }
    // In a file of its own, too.
    let good: String = place.text("counts.csv").lines().take(80).map(|line| line.to_owned() + "\n").collect();
    place.write("good.csv", good.as_bytes());
    place.refused(
        "train good.csv --task regression --loss poisson --test counts.csv",
        &["counts.csv, line 92, column 'n'", "-1"],
    );
}
