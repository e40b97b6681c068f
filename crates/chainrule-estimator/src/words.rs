//! Bytes as people write them in messages.

/// A number of bytes with a unit of 1024.
///
/// ```
/// use chainrule_estimator::bytes;
/// assert_eq!([bytes(5), bytes(2048), bytes(3 << 20)], ["5 B", "2.0 KiB", "3.0 MiB"]);
/// ```
pub fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{:.1} KiB", count as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", count as f64 / 1_048_576.0),
        1_073_741_824..1_099_511_627_776 => format!("{:.2} GiB", count as f64 / 1_073_741_824.0),
        _ => format!("{:.2} TiB", count as f64 / 1_099_511_627_776.0),
    }
}
