//! Kind G: F1 is that of a class that is named, the rarer one or the one asked for, however classes are spelled.

use super::{case, cells, has, number};
use crate::place::Place;

const FLAGS: &str = "--layers 8 --epochs 30 --balance-classes --threads 2";

/// F1 of a class, from the rows of `predict --with-inputs`.
fn f1_of(table: &str, class: &str) -> f64 {
    let rows = cells(table);
    let position = |name: &str| rows[0].iter().position(|header| header == name).unwrap();
    let (target, prediction) = (position("y"), position("prediction"));
    let count = |is: &dyn Fn(&str, &str) -> bool| {
        rows[1..].iter().filter(|row| is(&row[target], &row[prediction])).count() as f64
    };
    let hits = count(&|y, p| y == class && p == class);
    let wrong = count(&|y, p| (y == class) != (p == class));
    2.0 * hits / (2.0 * hits + wrong)
}

/// Trains on a file, and holds that the F1 of evaluate is that of the named class in its predictions.
fn holds(place: &Place, file: &str, rare: &str, common: &str) -> f64 {
    let output = place.good(&format!("train {file} {FLAGS} -o model"));
    has(&output, &[&format!(" of '{rare}', AUC")]);
    let table = place.good(&format!("predict model {file} --with-inputs"));
    let told = place.json(&format!("evaluate model {file} --json"));
    assert_eq!(told["f1_class"], rare, "{told}");
    let f1 = number(&told["f1"]);
    assert!(f1 > 0.05, "{file}: {told}");
    assert!((f1 - f1_of(&table, rare)).abs() < 1e-12, "{file}: {told}");
    has(&place.good(&format!("evaluate model {file}")), &[&format!("of '{rare}'")]);

    let told = place.json(&format!("evaluate model {file} --positive {common} --json"));
    assert_eq!(told["f1_class"], common);
    assert!((number(&told["f1"]) - f1_of(&table, common)).abs() < 1e-12, "{file}: {told}");
    place.good(&format!("train {file} {FLAGS} --positive {common} -o asked"));
    let told = place.json(&format!("evaluate asked {file} --json"));
    assert_eq!(told["f1_class"], common, "a model keeps the class it was asked for");
    place.refused(&format!("train {file} --positive round"), &["--positive", "round", rare, common]);
    f1
}

fn with_classes(place: &Place, file: &str, from: [&str; 2], to: [&str; 2]) -> String {
    let mut text = place.text(file);
    for (from, to) in from.iter().zip(to) {
        text = text.replace(&format!(",{from}\n"), &format!(",{to}\n"));
    }
    let name = format!("{}-{}.csv", to[0], to[1]);
    place.write(&name, text.as_bytes());
    name
}

#[test]
fn f1_is_of_the_rarer_class_however_it_is_spelled() {
    let place = case("G-f1-class");
    let spellings = [["bad", "good"], ["fraud", "legit"], ["1", "0"], ["True", "False"], ["yes", "no"]];
    let mut found = Vec::new();
    for to in spellings {
        let file = with_classes(&place, "bad-good.csv", spellings[0], to);
        found.push(holds(&place, &file, to[0], to[1]));
    }
    // The order of the classes is the start's; among equal orders F1 is equal, too.
    assert_eq!(found[0], found[1]);
    assert!(found[2] == found[3] && found[3] == found[4], "{found:?}");

    let spellings = [["sick", "healthy"], ["alarm", "quiet"], ["0", "1"], ["False", "True"], ["no", "yes"]];
    let mut found = Vec::new();
    for to in spellings {
        let file = with_classes(&place, "sick-healthy.csv", spellings[0], to);
        found.push(holds(&place, &file, to[0], to[1]));
    }
    assert!(found[1..].iter().all(|f1| *f1 == found[1]), "{found:?}");
}
