//! Any bytes as a CSV file, read in ways that the first byte chooses: they are read or refused, and whatever is read can be
//! described, split, fitted and turned into finite inputs.

#![no_main]

use chainrule_data::{
    ColumnType, FitOptions, MissingWords, Objective, Preprocessing, ReadAs, ReadOptions, Separator, read_csv_bytes,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, text)) = bytes.split_first() else { return };
    let bit = |position: u8| choice >> position & 1 == 1;
    let options = ReadOptions {
        separator: bit(0).then_some(if bit(1) { Separator::Spaces } else { Separator::Byte(b';') }),
        no_header: bit(2),
        decimal: bit(3).then_some(','),
        thousands: bit(4).then_some('.'),
        missing: MissingWords { also: vec!["-".to_owned()], only_these: bit(5) },
        encoding: bit(6).then(|| "latin1".to_owned()),
        threads: if bit(7) { 3 } else { 1 },
        ..ReadOptions::default()
    };
    let Ok(dataset) = read_csv_bytes("t.csv", text, &options) else { return };
    let Some(table) = dataset.table() else { return };
    let rows: Vec<usize> = (0..table.rows()).collect();
    for column in table.columns() {
        assert_eq!(column.len(), rows.len());
        assert_eq!(column.missing(), rows.iter().filter(|row| column.is_missing(**row)).count());
        assert!(rows.iter().all(|row| column.text(*row).is_some() != column.is_missing(*row)));
    }
    table.summaries(1);
    let print = dataset.fingerprint();
    let other = ReadOptions { threads: 2, ..options.clone() };
    let again = read_csv_bytes("t.csv", text, &other).expect("it was read before");
    assert_eq!(print.difference(&again.fingerprint(), None), None);

    // As any type, a column can be used or is refused.
    let first = table.columns()[0].name().to_owned();
    for kind in [ColumnType::Number, ColumnType::Category, ColumnType::Truth, ColumnType::Date] {
        let types = vec![(first.clone(), ReadAs { kind: Some(kind), ..ReadAs::default() })];
        let Ok(typed) = read_csv_bytes("t.csv", text, &ReadOptions { types, ..options.clone() }) else { continue };
        learn(&typed, &rows);
    }
    learn(&dataset, &rows);
});

fn learn(dataset: &chainrule_data::Dataset, rows: &[usize]) {
    let Ok(objective) = Objective::find(dataset, &[], None, &mut Vec::new()) else { return };
    let with_target: Vec<usize> = rows.iter().copied().filter(|row| objective.has_target(*row)).collect();
    let Ok((preprocessing, _)) =
        Preprocessing::fit(dataset, &objective, &FitOptions::default(), &with_target)
    else {
        return;
    };
    preprocessing.validate().expect("what was fitted is valid");
    if let Ok(inputs) = preprocessing.inputs::<f64>(dataset, &with_target, 2, &mut Vec::new()) {
        assert_eq!(inputs.len(), with_target.len() * preprocessing.input_width());
        assert!(inputs.iter().all(|input| input.is_finite()));
    }
    preprocessing.targets(dataset, &with_target).expect("rows with a target have one");
}
