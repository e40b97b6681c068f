//! What is drawn, from when until when, and its SVG at a time.

use std::fmt::Write as _;

use super::colours::{Ink, Theme};
use super::words::{Face, Line, RAISED};

/// The picture's own units; every size of a frame scales them.
pub(super) const WIDTH: f64 = 1280.0;
/// The same from top to bottom.
pub(super) const HEIGHT: f64 = 720.0;

/// Seconds in which something appears.
pub(super) const APPEARING: f64 = 0.3;
/// Seconds in which something goes.
pub(super) const LEAVING: f64 = 0.15;

const SANS: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif";
const MONO: &str = "ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace";

/// Something on the picture while it is there.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    pub(super) shape: Shape,
    pub(super) from: f64,
    pub(super) until: f64,
    /// How far it moves from `from` to `until`, at an even pace.
    pub(super) way: Option<(f64, f64)>,
}

/// Where a text stands at its x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The line around something or along an edge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stroke {
    pub(super) ink: Ink,
    pub(super) width: f64,
    pub(super) dashed: bool,
    pub(super) opacity: f64,
}

/// What something is filled with, and how much of it.
pub(super) type Fill = Option<(Ink, f64)>;

#[derive(Clone, Debug)]
pub(super) enum Shape {
    Edge {
        from: (f64, f64),
        to: (f64, f64),
        stroke: Stroke,
    },
    Circle {
        at: (f64, f64),
        radius: f64,
        fill: Fill,
        stroke: Option<Stroke>,
    },
    Diamond {
        at: (f64, f64),
        half: f64,
        fill: Fill,
        stroke: Option<Stroke>,
    },
    Rectangle {
        at: (f64, f64),
        size: (f64, f64),
        round: f64,
        fill: Fill,
        stroke: Option<Stroke>,
    },
    /// Lines without fill, from point to point; a new one begins where `true` stands.
    Path {
        points: Vec<(bool, f64, f64)>,
        stroke: Stroke,
    },
    Text {
        at: (f64, f64),
        size: f64,
        face: Face,
        anchor: Anchor,
        line: Line,
        halo: bool,
    },
}

/// A stroke of full strength.
pub(super) fn stroke(ink: Ink, width: f64) -> Stroke {
    Stroke { ink, width, dashed: false, opacity: 1.0 }
}

/// How fonts are named in an SVG: with each text, or in one style sheet for all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fonts {
    Attributes,
    Classes,
}

/// The rules that [`Fonts::Classes`] needs.
pub(super) fn font_rules() -> String {
    format!("text{{font-family:{SANS}}}.m{{font-family:{MONO};font-weight:600}}.b{{font-weight:650}}")
}

impl Drawn {
    /// How much of it is seen, from 0 to 1.
    pub(super) fn opacity(&self, time: f64) -> f64 {
        if time < self.from || time >= self.until {
            return 0.0;
        }
        let appears = (time - self.from) / APPEARING;
        let leaves = (self.until - time) / LEAVING;
        appears.min(leaves).clamp(0.0, 1.0)
    }

    /// Where it has moved to.
    pub(super) fn moved(&self, time: f64) -> Option<(f64, f64)> {
        let (x, y) = self.way?;
        let share = ((time - self.from) / (self.until - self.from)).clamp(0.0, 1.0);
        Some((x * share, y * share))
    }

    /// Writes it as it is at that time, if it is to be seen at all.
    pub(super) fn write(&self, time: f64, theme: Theme, svg: &mut String) {
        let opacity = self.opacity(time);
        if opacity <= 0.0 {
            return;
        }
        let mut attributes = String::new();
        if opacity < 1.0 {
            let _ = write!(attributes, r#" opacity="{opacity:.2}""#);
        }
        if let Some((x, y)) = self.moved(time) {
            let _ = write!(attributes, r#" transform="translate({} {})""#, Short(x), Short(y));
        }
        self.shape.write(&attributes, theme, Fonts::Attributes, svg);
    }
}

impl Shape {
    /// Writes its element with more attributes.
    pub(super) fn write(&self, attributes: &str, theme: Theme, fonts: Fonts, svg: &mut String) {
        match self {
            Shape::Edge { from, to, stroke } => {
                let ((x1, y1), (x2, y2)) = (*from, *to);
                let _ = write!(
                    svg,
                    r#"<path d="M{} {}L{} {}"{}{attributes}/>"#,
                    Short(x1),
                    Short(y1),
                    Short(x2),
                    Short(y2),
                    stroke.attributes(theme),
                );
            }
            Shape::Path { points, stroke } => {
                let mut way = String::new();
                for (begins, x, y) in points {
                    let _ = write!(way, "{}{} {}", if *begins { 'M' } else { 'L' }, Short(*x), Short(*y));
                }
                let paint = stroke.attributes(theme);
                let _ = write!(svg, r#"<path d="{way}" fill="none"{paint}{attributes}/>"#);
            }
            Shape::Circle { at, radius, fill, stroke } => {
                let paint = paint(*fill, stroke.as_ref(), theme);
                let (x, y, r) = (Short(at.0), Short(at.1), Short(*radius));
                let _ = write!(svg, r#"<circle cx="{x}" cy="{y}" r="{r}"{paint}{attributes}/>"#);
            }
            Shape::Diamond { at: (x, y), half, fill, stroke } => {
                let paint = paint(*fill, stroke.as_ref(), theme);
                let (top, half) = (Short(y - half), Short(*half));
                let _ = write!(
                    svg,
                    r#"<path d="M{} {top}l{half} {half}-{half} {half}-{half}-{half}z"{paint}{attributes}/>"#,
                    Short(*x),
                );
            }
            Shape::Rectangle { at, size, round, fill, stroke } => {
                let paint = paint(*fill, stroke.as_ref(), theme);
                let (x, y, width, height) = (Short(at.0), Short(at.1), Short(size.0), Short(size.1));
                let _ = write!(svg, r#"<rect x="{x}" y="{y}" width="{width}" height="{height}""#);
                if *round > 0.0 {
                    let _ = write!(svg, r#" rx="{}""#, Short(*round));
                }
                let _ = write!(svg, "{paint}{attributes}/>");
            }
            Shape::Text { at, size, face, anchor, line, halo } => {
                let _ = write!(
                    svg,
                    r#"<text x="{}" y="{}" font-size="{}""#,
                    Short(at.0),
                    Short(at.1),
                    Short(*size)
                );
                svg.push_str(match anchor {
                    Anchor::Start => "",
                    Anchor::Middle => r#" text-anchor="middle""#,
                    Anchor::End => r#" text-anchor="end""#,
                });
                match (face, fonts) {
                    (Face::Mono, Fonts::Classes) => svg.push_str(r#" class="m""#),
                    (Face::Bold, Fonts::Classes) => svg.push_str(r#" class="b""#),
                    (Face::Mono, Fonts::Attributes) => {
                        let _ = write!(svg, r#" font-family="{MONO}" font-weight="600""#);
                    }
                    (Face::Bold, Fonts::Attributes) => svg.push_str(r#" font-weight="650""#),
                    (Face::Plain, _) => {}
                }
                if *halo {
                    let paper = Ink::Paper.colour(theme);
                    let _ = write!(svg, r#" paint-order="stroke" stroke="{paper}" stroke-width="5""#);
                }
                let _ = write!(svg, r#" xml:space="preserve"{attributes}"#);
                write_line(line, *size, theme, svg);
                svg.push_str("</text>");
            }
        }
    }
}

/// The rest of a text's element: its colour, and its pieces.
fn write_line(line: &[super::words::Span], size: f64, theme: Theme, svg: &mut String) {
    if let [only] = line
        && !only.raised
    {
        let _ = write!(svg, r#" fill="{}">"#, only.ink.colour(theme));
        escape(&only.text, svg);
        return;
    }
    svg.push('>');
    let rise = size * 0.36;
    let mut was_raised = false;
    for span in line {
        let _ = write!(svg, r#"<tspan fill="{}""#, span.ink.colour(theme));
        if span.raised != was_raised {
            let _ = write!(svg, r#" dy="{}""#, Short(if span.raised { -rise } else { rise }));
        }
        if span.raised {
            let _ = write!(svg, r#" font-size="{}""#, Short(size * RAISED));
        }
        svg.push('>');
        escape(&span.text, svg);
        svg.push_str("</tspan>");
        was_raised = span.raised;
    }
}

impl Stroke {
    fn attributes(&self, theme: Theme) -> String {
        let mut text =
            format!(r#" stroke="{}" stroke-width="{}""#, self.ink.colour(theme), Short(self.width));
        if self.dashed {
            text.push_str(r#" stroke-dasharray="9 4""#);
        }
        if self.opacity < 1.0 {
            let _ = write!(text, r#" stroke-opacity="{:.2}""#, self.opacity);
        }
        text
    }
}

fn paint(fill: Fill, stroke: Option<&Stroke>, theme: Theme) -> String {
    let mut text = match fill {
        None => r#" fill="none""#.to_owned(),
        Some((ink, opacity)) if opacity >= 1.0 => format!(r#" fill="{}""#, ink.colour(theme)),
        Some((ink, opacity)) => format!(r#" fill="{}" fill-opacity="{opacity:.2}""#, ink.colour(theme)),
    };
    if let Some(stroke) = stroke {
        text.push_str(&stroke.attributes(theme));
    }
    text
}

/// The root's start tag, with the title that is read aloud, and the paper.
pub(super) fn opening(size: Option<(u32, u32)>, theme: Theme, title: &str, fonts: Fonts) -> String {
    let mut svg = format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}""#);
    if let Some((width, height)) = size {
        let _ = write!(svg, r#" width="{width}" height="{height}""#);
    }
    if fonts == Fonts::Attributes {
        let _ = write!(svg, r#" font-family="{SANS}""#);
    }
    svg.push_str(r#" role="img"><title>"#);
    escape(title, &mut svg);
    let _ =
        write!(svg, r#"</title><path d="M0 0H{WIDTH}V{HEIGHT}H0z" fill="{}"/>"#, Ink::Paper.colour(theme));
    svg
}

/// Text as XML has it; control characters, which it has not at all, are left out.
fn escape(text: &str, svg: &mut String) {
    for character in text.chars() {
        match character {
            '&' => svg.push_str("&amp;"),
            '<' => svg.push_str("&lt;"),
            '>' => svg.push_str("&gt;"),
            '"' => svg.push_str("&quot;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => svg.push(' '),
            other => svg.push(other),
        }
    }
}

/// A coordinate with a digit behind the point, if it needs one.
pub(super) struct Short(pub(super) f64);

impl std::fmt::Display for Short {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tenths = (self.0 * 10.0).round();
        match tenths % 10.0 {
            0.0 => write!(out, "{:.0}", tenths / 10.0 + 0.0),
            _ => write!(out, "{:.1}", tenths / 10.0),
        }
    }
}
