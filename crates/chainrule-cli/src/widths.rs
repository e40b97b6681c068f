//! Networks by the widths of their layers: as `--layers` takes them, built, and written again.

use std::str::FromStr;

use anyhow::{Context, Result, bail};
use chainrule::{Activation, Loss, Network};

/// Widths of layers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Widths(pub(crate) Vec<usize>);

impl FromStr for Widths {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Widths(Vec::new()));
        }
        let mut widths = Vec::new();
        for entry in text.split(',') {
            let (width, times) = entry.split_once('x').unwrap_or((entry, "1"));
            let number = |text: &str| {
                text.trim().parse::<usize>().map_err(|_| {
                    format!("'{entry}' is not a width; give widths such as 128,64 or 512x3, or none")
                })
            };
            let (width, times) = (number(width)?, number(times)?);
            if width == 0 {
                return Err("a layer has at least 1 neuron".to_owned());
            }
            if times == 0 {
                return Err(format!("'{entry}' stands for no layer; give a number of layers of at least 1"));
            }
            if times > 10_000 || widths.len() > 10_000 {
                return Err("more than 10,000 layers".to_owned());
            }
            widths.extend(std::iter::repeat_n(width, times));
        }
        Ok(Widths(widths))
    }
}

/// A network of these widths, inputs and outputs included, with the output activation that suits the loss.
pub(crate) fn made_network(
    widths: &[usize],
    activation: Activation,
    dropout: f64,
    loss: &Loss,
) -> Result<Network> {
    let [inputs, hidden @ .., outputs] = widths else {
        bail!(
            "--layers: a network has at least two widths, its inputs and its outputs; give some such as 784,512,256,10"
        );
    };
    let mut builder = Network::builder(*inputs);
    for &width in hidden {
        builder = builder.dense(width, activation);
        if dropout > 0.0 {
            builder = builder.dropout(dropout);
        }
    }
    let network = builder.dense(*outputs, loss.natural_output()).build().context("--layers")?;
    loss.check(network.output_width()).context("--loss")?;
    Ok(network)
}

/// Widths with equal neighbours together: 32,256x3,1.
pub(crate) fn in_runs(widths: &[usize]) -> String {
    let runs = widths.chunk_by(|a, b| a == b).map(|run| match run.len() {
        1 => run[0].to_string(),
        count => format!("{}x{count}", run[0]),
    });
    runs.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_read_and_written_alike() {
        let widths = |text: &str| text.parse::<Widths>().map(|widths| widths.0);
        assert_eq!(widths("128,64"), Ok(vec![128, 64]));
        assert_eq!(widths("784,512x3,10"), Ok(vec![784, 512, 512, 512, 10]));
        assert_eq!(widths("none"), Ok(vec![]));
        for wrong in ["", "0", "12,", "a", "5x", "-3", "1x99999999", "4x0", "8,4x0,2"] {
            assert!(widths(wrong).is_err(), "{wrong}");
        }
        for written in ["784,512x3,10", "8x2", "5"] {
            assert_eq!(widths(written).map(|widths| in_runs(&widths)), Ok(written.to_owned()));
        }
    }
}
