//! The curve of a plan, memory against recomputation, in the terminal and as a picture.

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use textplots::{Chart, Plot, Shape};

use super::{Outcome, extra};
use crate::report::bytes;

/// Recomputation above this is left out of the drawings: the last bytes cost many times a forward pass.
const HIGHEST: f64 = 2.0;

/// The unit in which the curve's bytes are easy to read, and its name.
fn unit(outcome: &Outcome) -> (f64, &'static str) {
    match outcome.curve().last().map_or(0, |(bytes, _)| *bytes) {
        0..10_485_760 => (1024.0, "KiB"),
        10_485_760..10_737_418_240 => (1_048_576.0, "MiB"),
        _ => (1_073_741_824.0, "GiB"),
    }
}

/// The corners of the curve's steps: memory in that unit, and percent of a forward pass that is recomputed. It goes on a little to the
/// right, so that its end is seen.
fn corners(outcome: &Outcome) -> Vec<(f64, f64)> {
    let curve: Vec<_> = outcome.curve().into_iter().filter(|(_, share)| *share <= HIGHEST).collect();
    let (unit, mut corners) = (unit(outcome).0, Vec::<(f64, f64)>::new());
    for (bytes, share) in curve {
        let (x, y) = (bytes as f64 / unit, 100.0 * share);
        if let Some((_, above)) = corners.last().copied() {
            corners.push((x, above));
        }
        corners.push((x, y));
    }
    let (first, last) = (corners[0], corners[corners.len() - 1]);
    corners.push((last.0 + (0.05 * (last.0 - first.0)).max(0.01 * last.0), last.1));
    corners
}

/// A chart of characters.
pub(super) fn in_terminal(outcome: &Outcome) -> String {
    let corners: Vec<_> = corners(outcome).into_iter().map(|(x, y)| (x as f32, y as f32)).collect();
    if outcome.curve().len() == 1 {
        return "there is nothing to choose: every schedule holds as much as the plain step\n".to_owned();
    }
    let (left, right) = (corners[0].0, corners[corners.len() - 1].0);
    let highest = corners.iter().map(|(_, y)| *y).fold(1.0, f32::max);
    let mut chart = Chart::new_with_y_range(120, 40, left, right, 0.0, highest);
    let lines = Shape::Lines(&corners);
    let chart = chart.lineplot(&lines);
    chart.axis();
    chart.figures();
    let (least, share) = outcome.curve()[0];
    let note = if share > HIGHEST {
        format!("; the curve goes on to {} at {}", extra(share), bytes(least))
    } else {
        String::new()
    };
    let drawn = chart.to_string();
    let (cost, (_, unit)) = (outcome.unit(), unit(outcome));
    format!("% of the {cost} that is recomputed, against {unit} held{note}\n{}\n", drawn.trim_end())
}

/// The same as a picture, with the chosen plan marked.
pub(super) fn picture(outcome: &Outcome, title: &str) -> Result<String> {
    let mut text = String::new();
    draw(outcome, title, &mut text).map_err(|error| anyhow!("the picture could not be drawn: {error}"))?;
    Ok(text)
}

fn draw(outcome: &Outcome, title: &str, text: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let corners = corners(outcome);
    let (plan, blue, orange) = (&outcome.plan, RGBColor(0, 90, 160), RGBColor(200, 90, 0));
    let highest = corners.iter().map(|(_, y)| *y).fold(1.0, f64::max) * 1.05;
    let (left, right) = (corners[0].0, corners[corners.len() - 1].0);
    let margin = 0.03 * (right - left);
    let root = SVGBackend::with_string(text, (820, 480)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 18))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(left - margin..right + margin, 0.0..highest)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc(format!("memory of a training step, {}", unit(outcome).1))
        .y_desc(format!("recomputed, % of the {}", outcome.unit()))
        .label_style(("sans-serif", 14))
        .draw()?;
    chart.draw_series(LineSeries::new(corners.iter().copied(), blue.stroke_width(2)))?;
    let chosen = (plan.bytes() as f64 / unit(outcome).0, 100.0 * plan.recomputed());
    if chosen.1 <= 100.0 * HIGHEST {
        chart.draw_series([Circle::new(chosen, 5, orange.filled())])?;
        let label = format!("{}, {}", bytes(plan.bytes()), extra(plan.recomputed()));
        let near_the_right = chosen.0 > left + 0.7 * (right - left);
        let offset = if near_the_right { -150 } else { 10 };
        let style = ("sans-serif", 14).into_font().color(&orange);
        chart.draw_series([EmptyElement::at(chosen) + Text::new(label, (offset, -20), style)])?;
    }
    root.present()?;
    Ok(())
}
