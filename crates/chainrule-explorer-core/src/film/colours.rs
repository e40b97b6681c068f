//! The page's colours, by theme: one for each kind of quantity, as in `style.css`.

use serde::Deserialize;

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Dark ink on white.
    #[default]
    Light,
    /// Light ink on near-black.
    Dark,
}

/// What something is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Paper,
    Panel,
    Raised,
    Rule,
    StrongRule,
    Text,
    Soft,
    A,
    W,
    Z,
    Delta,
    Gradient,
    Loss,
    Positive,
    Negative,
    Odd,
}

impl Ink {
    /// Its custom property in the style sheet, and its colours by theme, light first.
    const fn of_style(self) -> (&'static str, [&'static str; 2]) {
        match self {
            Ink::Paper => ("--paper", ["#ffffff", "#14171c"]),
            Ink::Panel => ("--panel", ["#f6f7f9", "#1b1f26"]),
            Ink::Raised => ("--raised", ["#ffffff", "#232831"]),
            Ink::Rule => ("--line", ["#d5d9e0", "#3a414d"]),
            Ink::StrongRule => ("--strong-line", ["#868e9c", "#77808f"]),
            Ink::Text => ("--ink", ["#1a1d23", "#e8eaee"]),
            Ink::Soft => ("--soft", ["#565d6b", "#a9b1be"]),
            Ink::A => ("--kind-a", ["#11703f", "#5fd398"]),
            Ink::W => ("--kind-w", ["#7a5300", "#e3b650"]),
            Ink::Z => ("--kind-z", ["#00687a", "#58cfe0"]),
            Ink::Delta => ("--kind-delta", ["#b4184a", "#ff8aab"]),
            Ink::Gradient => ("--kind-gradient", ["#6a34c4", "#bfa0ff"]),
            Ink::Loss => ("--kind-loss", ["#3c4453", "#c9cfda"]),
            Ink::Positive => ("--positive", ["#3f83d8", "#3d7bd0"]),
            Ink::Negative => ("--negative", ["#ec8426", "#c96a14"]),
            Ink::Odd => ("--bad", ["#b3261e", "#ff9d94"]),
        }
    }

    /// Its colour in a theme.
    pub(super) fn colour(self, theme: Theme) -> &'static str {
        self.of_style().1[theme as usize]
    }

    /// Blue above zero, orange below, another one for what is no finite number.
    pub(super) fn of_sign(value: f64) -> Ink {
        match value {
            odd if !odd.is_finite() => Ink::Odd,
            negative if negative < 0.0 => Ink::Negative,
            _ => Ink::Positive,
        }
    }
}

/// From 0 to 1, how large a value is on its scale; square-rooted, so that small values are seen.
pub(super) fn strength(value: f64, scale: f64) -> f64 {
    match value.is_finite() {
        false => 1.0,
        true if scale > 0.0 => (value.abs() / scale).sqrt().min(1.0),
        true => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_are_those_of_the_page() {
        let style = include_str!("../../../chainrule-explorer/web/src/style.css");
        use Ink::*;
        for ink in [
            Paper, Panel, Raised, Rule, StrongRule, Text, Soft, A, W, Z, Delta, Gradient, Loss, Positive,
            Negative, Odd,
        ] {
            let (property, [light, dark]) = ink.of_style();
            let line = format!("{property}: light-dark({light}, {dark});");
            assert!(style.contains(&line), "style.css has no {line}");
        }
    }
}
