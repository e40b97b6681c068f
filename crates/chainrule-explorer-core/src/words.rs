//! How names, numbers and counts are written in what people read.

/// A name of a model file as people write it.
pub(crate) fn readable(name: &str) -> String {
    match name {
        "binary_cross_entropy" => "binary cross-entropy".to_owned(),
        "cross_entropy" => "cross-entropy".to_owned(),
        _ => name.replace('_', " "),
    }
}

/// W for a layer's first tensor of parameters, b for its second, p2 for its third.
pub(crate) fn parameter_symbol(number: usize) -> String {
    match number {
        0 => "W".to_owned(),
        1 => "b".to_owned(),
        _ => format!("p{number}"),
    }
}

/// "1 neuron", "3 neurons".
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A name that somebody gave, on one line: white space and control characters of any length are a space.
pub(crate) fn on_one_line(name: &str) -> String {
    let words = name.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// At most six decimals, for numbers that people choose: 0.98, and not 0.98000000000000004.
pub(crate) fn plain(value: f64) -> String {
    ((value * 1e6).round() / 1e6).to_string()
}

/// Four significant digits, for sentences.
pub(crate) fn short(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 || !value.is_finite() || !(1e-4..1e6).contains(&magnitude) {
        return if value == 0.0 || !value.is_finite() { value.to_string() } else { format!("{value:.3e}") };
    }
    let decimals = (3 - magnitude.log10().floor() as i32).max(0) as usize;
    format!("{value:.decimals$}")
}

/// A number as the page writes it: exact, and in powers of ten where it is very large or small.
pub(crate) fn shown(number: f64) -> String {
    match number.abs() {
        size if size == 0.0 || (1e-4..1e9).contains(&size) => format!("{number}"),
        _ => format!("{number:e}"),
    }
}
