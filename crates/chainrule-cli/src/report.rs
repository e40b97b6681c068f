//! How things are shown: numbers, tables, metrics.

use chainrule::layer::Layer;
use chainrule::plan::Ledger;
use chainrule::{Activation, Loss, Metrics, Network};
pub(crate) use chainrule_data::thousands as grouped;
use chainrule_estimator::Measurement;
pub(crate) use chainrule_estimator::bytes;
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use crate::terminal::one_line;

/// `1 row`, `2 rows`.
pub(crate) fn counted(number: usize, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", grouped(number as u64))
}

/// Four significant digits.
pub(crate) fn short(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return format!("{number}");
    }
    let exponent = number.abs().log10().floor() as i32;
    if (-4..7).contains(&exponent) {
        format!("{number:.*}", (3 - exponent).clamp(0, 8) as usize)
    } else {
        format!("{number:.3e}")
    }
}

/// The root of the mean of the squares, whatever the size of the numbers: their squares may be too large for numbers.
pub(crate) fn root_mean_square(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let unit = if largest == 0.0 { 1.0 } else { largest };
    let add = |(count, squares): (usize, f64), value: f64| (count + 1, squares + (value / unit).powi(2));
    let (count, squares) = values.fold((0, 0.0), add);
    unit * (squares / count as f64).sqrt()
}

/// A word of a command line as shells read it: in quotes where it is not plain.
pub(crate) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:,+=@%".contains(c) || std::path::is_separator(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// Seconds in microseconds: 2.017, 154.6, 71 637 with the separators of [`grouped`].
pub(crate) fn microseconds(seconds: f64) -> String {
    let microseconds = 1e6 * seconds;
    if microseconds < 1e3 { short(microseconds) } else { grouped(microseconds.round() as u64) }
}

/// 0.9750 as 97.50 %.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// The ledger's sums: 3.2 MiB: parameters 1.0 MiB, ...
pub(crate) fn ledger_line(ledger: &Ledger) -> String {
    let parts = ledger.by_purpose().into_iter().map(|(purpose, sum)| format!("{purpose} {}", bytes(sum)));
    format!("{}: {}", bytes(ledger.total()), parts.collect::<Vec<_>>().join(", "))
}

/// Rows of a ledger that are shown.
const LEDGER_ROWS: usize = 30;

/// A ledger, tensor by tensor.
pub(crate) fn ledger_table(ledger: &Ledger) -> Table {
    let mut shown = table(&["tensor", "for", "bytes", ""], 2);
    for entry in ledger.entries.iter().take(LEDGER_ROWS) {
        let (purpose, count) = (entry.purpose.to_string(), grouped(entry.bytes));
        shown.add_row(vec![entry.name.clone(), purpose, count, bytes(entry.bytes)]);
    }
    if let Some(rest @ [_, ..]) = ledger.entries.get(LEDGER_ROWS..) {
        let sum: u64 = rest.iter().map(|entry| entry.bytes).sum();
        let name = format!("... {} more; --json has them all", rest.len());
        shown.add_row(vec![name, String::new(), grouped(sum), bytes(sum)]);
    }
    shown
}

/// A measurement in words; of several targets, a line for each below that of their means.
pub(crate) fn measurement_lines(measurement: &Measurement) -> String {
    let Measurement { evaluation, rows, f1_class, targets } = measurement;
    let rows = counted(*rows, "row");
    let loss = short(evaluation.loss);
    let mut lines =
        format!("{}, loss {loss} ({rows})", metrics_words(&evaluation.metrics, f1_class.as_deref()));
    if !targets.is_empty() {
        lines = format!("means over {}: {lines}", counted(targets.len(), "target"));
    }
    for (name, metrics) in targets {
        lines += &format!("\n           '{}': {}", one_line(name), metrics_words(metrics, None));
    }
    lines
}

/// The metrics in words. F1 is of `f1_class`, or a mean over classes.
fn metrics_words(metrics: &Metrics, f1_class: Option<&str>) -> String {
    let optional = |value: Option<f64>| value.map_or("undefined".to_owned(), short);
    match metrics {
        Metrics::Classification { accuracy, balanced_accuracy, f1, auc, .. } => {
            let of = f1_class.map_or(String::new(), |class| format!(" of '{}'", one_line(class)));
            format!(
                "accuracy {}, balanced accuracy {}, F1 {}{of}, AUC {}",
                percent(*accuracy),
                percent(*balanced_accuracy),
                short(*f1),
                optional(*auc)
            )
        }
        Metrics::Regression { rmse, mae, r2 } => {
            format!("RMSE {}, MAE {}, R2 {}", short(*rmse), short(*mae), optional(*r2))
        }
    }
}

/// The headline metric in a few characters.
pub(crate) fn headline(metrics: &Metrics) -> String {
    match metrics.headline() {
        (name @ "accuracy", value) => format!("{name} {}", percent(value)),
        (name, value) => format!("{name} {}", short(value)),
    }
}

/// A table with right-aligned columns from `first_number` on.
pub(crate) fn table(header: &[&str], first_number: usize) -> Table {
    let mut table = Table::new();
    let line = LineStyle::none().fill('─').junction('─');
    table.load_style(TableStyle::new().header_separator(line)).set_header(header.to_vec());
    for (index, column) in table.column_iter_mut().enumerate() {
        if index >= first_number {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Parameters of network layer l.
pub(crate) fn layer_parameters(network: &Network, l: usize) -> usize {
    network.layer_tensors(l).iter().map(|tensor| tensor.count()).sum()
}

/// Layers up to which each has a row of its own.
const LAYER_ROWS: usize = 60;

/// The network as a table. Of a deep one, more than three equal layers in a row are one row, and rows after the first so many
/// are counted.
pub(crate) fn network_table(network: &Network) -> Table {
    let mut shown = table(&["layer", "kind", "detail", "inputs", "outputs", "parameters"], 3);
    let is_deep = network.depth() > LAYER_ROWS;
    let alike = |one: usize, next: usize| {
        let layers = network.layers();
        network.width(one - 1) == network.width(next - 1) && layers[one - 1] == layers[next - 1]
    };
    let numbers: Vec<usize> = (1..=network.depth()).collect();
    let runs = numbers.chunk_by(|&one, &next| is_deep && alike(one, next));
    let rows: Vec<&[usize]> =
        runs.flat_map(|run| if run.len() > 3 { run.chunks(run.len()) } else { run.chunks(1) }).collect();
    let cut = if rows.len() > LAYER_ROWS { LAYER_ROWS } else { rows.len() };
    for run in &rows[..cut] {
        let (first, last) = (run[0], run[run.len() - 1]);
        let layer = &network.layers()[first - 1];
        let each = |text: String| if first == last { text } else { format!("{text} each") };
        shown.add_row(vec![
            if first == last { first.to_string() } else { format!("{first}-{last}") },
            layer.name().replace('_', " "),
            layer.detail(),
            grouped(network.width(first - 1) as u64),
            grouped(network.width(first) as u64),
            each(grouped(layer_parameters(network, first) as u64)),
        ]);
    }
    let left: usize = rows[cut..].iter().map(|run| run.len()).sum();
    if left > 0 {
        shown.add_row(vec![format!("... {}; --json has them all", counted(left, "more layer"))]);
    }
    shown
}

/// The network on one line: 64 -> 128 relu -> dropout 0.1 -> 10 softmax. More than three equal layers in a row are one entry, and so
/// are three equal groups of two or three.
pub(crate) fn network_line(network: &Network) -> String {
    let mut entries = Vec::new();
    let mut layers = network.layers().iter().enumerate().peekable();
    while let Some((index, layer)) = layers.next() {
        let (width, detail) = (network.width(index + 1), layer.detail());
        entries.push(match (layer, layers.peek()) {
            (Layer::Dense(dense), Some((_, Layer::LearnedActivation(learned))))
                if dense.activation == Activation::Identity && dense.bias =>
            {
                layers.next();
                format!("{width} learned {}", learned.activation.name().replace('_', " "))
            }
            (Layer::Dense(_), _) => format!("{width} {detail}"),
            // A rate says enough of dropout.
            (Layer::Dropout(dropout), _) => format!("dropout {}", dropout.rate),
            (other, _) if detail.is_empty() => other.name().replace('_', " "),
            (other, _) => format!("{} ({detail})", other.name().replace('_', " ")),
        });
    }
    let mut text = network.input_width().to_string();
    let mut rest = &entries[..];
    while !rest.is_empty() {
        let repeats =
            |length: usize| rest.chunks_exact(length).take_while(|chunk| chunk == &&rest[..length]).count();
        let group = (1..=3.min(rest.len())).find(|&length| repeats(length) > if length == 1 { 3 } else { 2 });
        let length = group.unwrap_or(1);
        let entry = rest[..length].join(" -> ");
        let count = if group.is_some() { repeats(length) } else { 1 };
        text += &if count > 1 { format!(" -> {count} x ({entry})") } else { format!(" -> {entry}") };
        rest = &rest[count * length..];
    }
    text
}

/// A loss in words, with the parameters that matter.
pub(crate) fn loss_words(loss: &Loss) -> String {
    let name = loss.name().replace('_', " ");
    match loss {
        Loss::Huber { delta } => format!("{name} (delta {delta})"),
        Loss::Quantile { quantile } => format!("{name} ({quantile})"),
        Loss::CrossEntropy { label_smoothing, class_weights } => {
            let smoothing = (*label_smoothing > 0.0).then(|| format!("label smoothing {label_smoothing}"));
            let weights = class_weights.as_ref().map(|_| "class weights".to_owned());
            let extras: Vec<_> = smoothing.into_iter().chain(weights).collect();
            if extras.is_empty() { name } else { format!("{name} ({})", extras.join(", ")) }
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chainrule::NetworkBuilder;
    use chainrule::layer::LearnedActivation;

    #[test]
    fn many_equal_layers_are_one_entry_of_the_line() {
        let relu = Activation::Relu;
        let many = |count: usize| {
            let builder = Network::builder(3).dense(5, relu).dropout(0.5);
            let builder = (0..count).fold(builder, |builder, _| builder.dense(4, relu));
            network_line(&builder.dense(2, Activation::Softmax).build().unwrap())
        };
        assert_eq!(many(2), "3 -> 5 relu -> dropout 0.5 -> 4 relu -> 4 relu -> 2 softmax");
        assert_eq!(many(40), "3 -> 5 relu -> dropout 0.5 -> 40 x (4 relu) -> 2 softmax");
        let learned = LearnedActivation { activation: Activation::Selu };
        let group = |builder: NetworkBuilder, _| {
            builder.dense(7, Activation::Identity).layer(learned.clone().into()).dropout(0.3)
        };
        let line = |count| {
            network_line(&(0..count).fold(Network::builder(3), group).dense(2, relu).build().unwrap())
        };
        assert_eq!(line(1), "3 -> 7 learned selu -> dropout 0.3 -> 2 relu");
        assert_eq!(line(3), "3 -> 3 x (7 learned selu -> dropout 0.3) -> 2 relu");
    }

    #[test]
    fn a_root_mean_square_does_not_overflow() {
        let of = |values: &[f64]| root_mean_square(values.iter().copied());
        assert_eq!(of(&[3.0, -4.0, 0.0, 0.0]), 2.5);
        assert_eq!(of(&[0.0, -0.0]), 0.0);
        assert_eq!([of(&[1e200, -1e200]), of(&[f64::MAX])], [1e200, f64::MAX]);
        assert_eq!(of(&[1e-200, 1e-200]), 1e-200);
        assert!(of(&[f64::NAN]).is_nan() && !of(&[1.0, f64::INFINITY]).is_finite());
    }

    #[test]
    fn words_of_a_command_line_are_quoted_where_they_must_be() {
        let plain = ["model.safetensors", "../run-2/übung_1", "openml:iris"];
        assert_eq!(plain.map(shell_word), plain);
        assert_eq!(shell_word("my model"), "'my model'");
        assert_eq!(["it's", "$HOME", ""].map(shell_word), ["'it'\\''s'", "'$HOME'", "''"]);
    }

    #[test]
    fn numbers_are_shown_as_people_write_them() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0.0, 1.0, 0.012345, 123456.7, 1e-9, -2.5].map(short),
            ["0", "1.000", "0.01235", "123457", "1.000e-9", "-2.500"]
        );
        assert_eq!(percent(0.975), "97.50 %");
        assert_eq!([5, 2048, 3 << 20].map(bytes), ["5 B", "2.0 KiB", "3.0 MiB"]);
    }
}
