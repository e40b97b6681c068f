//! Limits of memory on the command line, and what the machine has.

use std::str::FromStr;

use anyhow::{Result, anyhow};
use chainrule::plan::{MemoryLimit, MicroBatches, measure_forward_costs};
use chainrule::{Error, Network, Scalar};
use chainrule_estimator::MemoryOptions;
use clap::{Args, ValueEnum};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::report::bytes;

/// Flags of commands that train within a limit.
#[derive(Args, Clone, Debug)]
pub(crate) struct MemoryArguments {
    /// Most bytes that training may hold, such as 512MiB or 2GB; auto takes 80 % of what is free. The result is the same bit for bit
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, help_heading = "Memory")]
    pub(crate) memory: Option<Limit>,
    /// Parts of a batch that go through the network one after the other: a number, or auto, whatever takes the least time within --memory
    #[arg(long, value_name = "NUMBER", default_value = "auto", help_heading = "Memory")]
    pub(crate) microbatches: BatchParts,
    /// What counts as the cost of recomputing a layer: its FLOPs, or its time as measured on this machine
    #[arg(long, value_name = "COST", default_value = "flops", help_heading = "Memory")]
    pub(crate) cost: CostUnit,
}

/// A number of bytes, or what the machine has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    Bytes(u64),
    Auto,
}

/// [`MicroBatches`] as a flag.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BatchParts(pub(crate) MicroBatches);

/// What recomputing a layer costs.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum CostUnit {
    Flops,
    Measured,
}

/// The share of the free memory that `--memory auto` takes.
const AUTOMATIC_SHARE: f64 = 0.8;

impl FromStr for Limit {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("auto") {
            return Ok(Limit::Auto);
        }
        let wrong = |reason: &str| {
            format!("{reason}; give a number of bytes such as 512MiB, 2GB or 1048576, or auto")
        };
        if text.starts_with('-') {
            return Err(wrong("a limit is more than 0 bytes"));
        }
        match parse_size::parse_size(text) {
            Ok(0) => Err(wrong("a limit is more than 0 bytes")),
            Ok(bytes) => Ok(Limit::Bytes(bytes)),
            Err(parse_size::Error::PosOverflow) => Err(wrong("more bytes than 64 bits can count")),
            Err(_) => Err(wrong("not a number of bytes")),
        }
    }
}

impl FromStr for BatchParts {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse::<usize>()) {
            ("auto", _) => Ok(BatchParts(MicroBatches::Automatic)),
            (_, Ok(parts)) if parts > 0 => Ok(BatchParts(MicroBatches::Exactly(parts))),
            _ => Err("a number of micro-batches is 1 or more, or auto".to_owned()),
        }
    }
}

impl MemoryArguments {
    /// The limit in bytes, if there is one.
    pub(crate) fn bytes(&self) -> Result<Option<u64>> {
        match self.memory {
            None => Ok(None),
            Some(Limit::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Limit::Auto) => {
                let free = free_memory().ok_or_else(|| {
                    anyhow!("--memory auto: this system does not say how much memory is free; give a number of bytes")
                })?;
                Ok(Some((free as f64 * AUTOMATIC_SHARE) as u64))
            }
        }
    }

    /// The costs of the layers, if they are to be measured.
    pub(crate) fn forward_costs<T: Scalar>(&self, network: &Network) -> Option<Vec<u64>> {
        (self.cost == CostUnit::Measured).then(|| measure_forward_costs::<T>(network))
    }

    /// The limit as the engine takes it. A number of parts is kept without a limit, too.
    pub(crate) fn limit<T: Scalar>(&self, network: &Network) -> Result<Option<MemoryLimit>> {
        Ok(self.options()?.limit::<T>(network))
    }

    /// The flags as the estimator takes them.
    pub(crate) fn options(&self) -> Result<MemoryOptions> {
        let measured_costs = self.cost == CostUnit::Measured;
        Ok(MemoryOptions { bytes: self.bytes()?, microbatches: self.microbatches.0, measured_costs })
    }
}

/// The engine's refusal in the words of the command line.
pub(crate) fn refusal(error: Error) -> anyhow::Error {
    match error {
        Error::Memory { limit, minimum, advice } => anyhow!(
            "--memory {}: training needs at least {} ({minimum} bytes); give --memory {minimum} or more, or lower what it \
             needs: {advice}",
            bytes(limit),
            bytes(minimum),
        ),
        other => other.into(),
    }
}

/// Bytes that the machine, or the group of processes that this one belongs to, has free.
fn free_memory() -> Option<u64> {
    let kind = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
    let system = System::new_with_specifics(kind).ok()?;
    let group = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    Some(system.available_memory().min(group)).filter(|free| *free > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_in_both_systems_of_units() {
        let limit = |text: &str| text.parse::<Limit>();
        for (text, bytes) in [
            ("1048576", 1 << 20),
            ("64MiB", 64 << 20),
            ("64MB", 64_000_000),
            ("1.5 GiB", 3 << 29),
            ("2gb", 2_000_000_000),
            ("10KB", 10_000),
            ("10KiB", 10_240),
            ("18446744073709551615", u64::MAX),
            (" 5MB ", 5_000_000),
        ] {
            assert_eq!(limit(text), Ok(Limit::Bytes(bytes)), "{text}");
        }
        assert_eq!((limit("auto"), limit("AUTO")), (Ok(Limit::Auto), Ok(Limit::Auto)));
        for (text, part) in [
            ("0", "more than 0"),
            ("0 MiB", "more than 0"),
            ("-5MB", "more than 0"),
            ("12 parsecs", "not a number of bytes"),
            ("", "not a number of bytes"),
            ("nan", "not a number of bytes"),
            ("99999999999999999999", "more bytes than 64 bits"),
            ("20EiB", "more bytes than 64 bits"),
        ] {
            assert!(limit(text).is_err_and(|error| error.contains(part)), "{text}");
        }
        assert_eq!("auto".parse(), Ok(BatchParts(MicroBatches::Automatic)));
        assert_eq!("3".parse(), Ok(BatchParts(MicroBatches::Exactly(3))));
        for text in ["0", "-1", "many", "1.5"] {
            assert!(text.parse::<BatchParts>().is_err(), "{text}");
        }
    }
}
