//! The whole film as one SVG that plays by itself: each thing once, with a CSS animation for when it is there.
//!
//! It works in an `<img>`, and where less motion is preferred, or animations are not known, it is a still.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::colours::Theme;
use super::drawing::{APPEARING, Drawn, Fonts, LEAVING, Short, font_rules, opening};

/// The file. `still` is the time that is shown where nothing moves.
pub(super) fn animated(drawn: &[Drawn], duration: f64, still: f64, theme: Theme, title: &str) -> String {
    let mut svg = opening(None, theme, title, Fonts::Classes);
    let mut tracks: HashMap<String, usize> = HashMap::new();
    let mut rules = String::new();
    let mut body = String::new();
    let mut open: Option<usize> = None;
    for one in drawn {
        let keyframes = keyframes(one, duration);
        let next = tracks.len();
        let track = *tracks.entry(keyframes).or_insert_with_key(|keyframes| {
            let _ = write!(rules, ".t{next}{{animation-name:k{next}}}@keyframes k{next}{{{keyframes}}}");
            next
        });
        if open != Some(track) {
            if open.is_some() {
                body.push_str("</g>");
            }
            // Animations override the attribute.
            let hidden = if one.opacity(still) > 0.0 { "" } else { r#" opacity="0""# };
            let _ = write!(body, r#"<g class="t{track}"{hidden}>"#);
            open = Some(track);
        }
        one.shape.write("", theme, Fonts::Classes, &mut body);
    }
    if open.is_some() {
        body.push_str("</g>");
    }
    let _ = writeln!(
        svg,
        "<style>{}@media(prefers-reduced-motion:no-preference){{g{{animation:{duration:.2}s linear infinite}}{rules}}}</style>\
         {body}</svg>",
        font_rules(),
    );
    svg
}

/// When it is there, and how it moves, in percent of the whole.
fn keyframes(one: &Drawn, duration: f64) -> String {
    let Drawn { from, until, way, .. } = *one;
    let percent = |time: f64| {
        let text = format!("{:.2}", 100.0 * time / duration);
        text.trim_end_matches('0').trim_end_matches('.').to_owned() + "%"
    };
    let time = until - from;
    // What is there for a moment only does not come out wholly.
    let most = (time / (APPEARING + LEAVING)).min(1.0);
    let (in_full, leaves) = match most < 1.0 {
        true => (from + most * APPEARING, from + most * APPEARING),
        false => (from + APPEARING, until - LEAVING),
    };
    let (start, end) = match way {
        None => (String::new(), String::new()),
        Some((x, y)) => (
            ";transform:translate(0,0)".to_owned(),
            format!(";transform:translate({}px,{}px)", Short(x), Short(y)),
        ),
    };
    let mut text = String::new();
    if from >= 0.0 {
        let _ = write!(text, "{}{}{{opacity:0{start}}}", if from > 0.0 { "0%," } else { "" }, percent(from));
    }
    match in_full < leaves {
        true => {
            _ = write!(text, "{},{}{{opacity:1}}", percent(in_full.max(0.0)), percent(leaves.min(duration)))
        }
        false => _ = write!(text, "{}{{opacity:{most:.2}}}", percent(in_full)),
    }
    if until <= duration {
        let rest = if until < duration { ",to" } else { "" };
        let _ = write!(text, "{}{rest}{{opacity:0{end}}}", percent(until));
    }
    text
}
