//! An event as matrices of numbers with operators between them, or as boxes with shapes where they are large.

use chainrule::trace::{Computation, Quantity, TraceEvent, ValueId};
use chainrule::{Activation, Layer};

use crate::analysis::{RuleName, output_rule};

use super::colours::{Ink, strength};
use super::drawing::{Anchor, Drawn, Shape, stroke};
use super::formulas::ink_of;
use super::numbers::Numbers;
use super::placement::Area;
use super::words::{Face, Line, decimals, formula, number, plain, width, with_decimals};
use crate::words::readable;

/// Larger matrices are boxes.
const MOST_CELLS: usize = 6;
/// A cell's part of the size of its text, and where there is little room from top to bottom.
const CELL_HEIGHT: (f64, f64) = (1.5, 1.25);
/// Little room.
const LOW: f64 = 190.0;
/// The size of a shape, and the room that it takes.
const SHAPE: (f64, f64) = (20.0, 32.0);
const OPERATOR: f64 = 28.0;
/// A box for a matrix that is too large to be written out.
const BOX: (f64, f64) = (110.0, 68.0);
/// Between the parts of a line.
const SPACE: f64 = 8.0;
/// Brackets on both sides of the cells.
const BRACKET: f64 = 7.0;

/// What is marked in a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Row(usize),
    Column(usize),
    Cell(usize, usize),
}

/// A matrix as it is drawn: samples and biases are columns.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) id: ValueId,
    pub(super) symbol: Line,
    pub(super) is_flipped: bool,
    pub(super) mark: Option<Mark>,
    /// When it is there.
    pub(super) from: f64,
}

#[derive(Clone, Debug)]
pub(super) enum Part {
    Matrix(Operand),
    Operator(Line),
}

/// How the parts are written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Writing {
    /// The size of the text, and how many digits.
    Numbers(f64, usize),
    Boxes,
}

/// From the largest to what always fits.
const WRITINGS: [Writing; 6] = [
    Writing::Numbers(26.0, 3),
    Writing::Numbers(23.0, 3),
    Writing::Numbers(20.0, 3),
    Writing::Numbers(23.0, 2),
    Writing::Numbers(20.0, 2),
    Writing::Boxes,
];

/// Places the parts within the area, from `times.0` to `times.1`; gives where they end.
pub(super) fn draw(
    numbers: &Numbers<'_>,
    parts: &[Part],
    area: Area,
    times: (f64, f64),
    drawn: &mut Vec<Drawn>,
) -> f64 {
    let height = area.bottom - area.top;
    let cell_height = if height < LOW { CELL_HEIGHT.1 } else { CELL_HEIGHT.0 };
    let drawer = Drawer { numbers, parts, area, until: times.1, from: times.0, cell_height };
    let fits = |writing: &Writing| drawer.height(*writing).is_some_and(|needed| needed <= height);
    // On one line, unless that costs digits.
    let is_whole = |writing: &Writing| {
        matches!(writing, Writing::Numbers(_, 3))
            && drawer.lines(*writing).is_some_and(|lines| lines.len() == 1)
    };
    let on_one_line = WRITINGS.into_iter().find(|writing| fits(writing) && is_whole(writing));
    let writing = on_one_line.or_else(|| WRITINGS.into_iter().find(fits)).unwrap_or(Writing::Boxes);
    drawer.draw(writing, drawn)
}

/// A part with its width and height.
type Measured<'a> = (&'a Part, (f64, f64));

struct Drawer<'a> {
    numbers: &'a Numbers<'a>,
    parts: &'a [Part],
    area: Area,
    from: f64,
    until: f64,
    /// A cell's part of the size of its text.
    cell_height: f64,
}

impl Drawer<'_> {
    fn shape(&self, operand: &Operand) -> (usize, usize) {
        let (rows, columns) = self.numbers.shape(operand.id);
        if operand.is_flipped { (columns, rows) } else { (rows, columns) }
    }

    fn get(&self, operand: &Operand, row: usize, column: usize) -> f64 {
        let (row, column) = if operand.is_flipped { (column, row) } else { (row, column) };
        self.numbers.get(operand.id, row, column)
    }

    /// The numbers of a matrix with as many decimals each, unless one of them would be written as 0.
    fn written(&self, operand: &Operand, digits: usize) -> impl Fn(f64) -> String {
        let scale = self.numbers.scale(operand.id);
        let decimals = decimals(scale, digits);
        let (rows, columns) = self.shape(operand);
        let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let smallest = cells
            .map(|(row, column)| self.get(operand, row, column).abs())
            .filter(|size| *size > 0.0)
            .fold(f64::INFINITY, f64::min);
        let decimals = decimals.filter(|(_, unit)| smallest >= *unit);
        move |value| match decimals {
            Some((decimals, _)) if value.is_finite() && value != 0.0 => with_decimals(value, decimals),
            _ => number(value, digits),
        }
    }

    fn cell_width(&self, operand: &Operand, size: f64, digits: usize) -> f64 {
        let (rows, columns) = self.shape(operand);
        let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let written = self.written(operand, digits);
        // The room of what is yet to be computed tells nothing of its sign.
        let is_computed = operand.from > self.from;
        let texts = cells.map(|(row, column)| {
            let value = self.get(operand, row, column);
            let value = if is_computed { -value.abs() } else { value };
            width(&plain(written(value), Ink::Text), size, Face::Mono)
        });
        texts.fold(34.0, f64::max) + 9.0
    }

    /// The size of a part without what stands below it; none where a matrix is too large to be written out.
    fn size(&self, part: &Part, writing: Writing) -> Option<(f64, f64)> {
        match (part, writing) {
            (Part::Operator(line), _) => Some((width(line, OPERATOR, Face::Plain), OPERATOR)),
            (Part::Matrix(_), Writing::Boxes) => Some(BOX),
            (Part::Matrix(operand), Writing::Numbers(size, digits)) => {
                let (rows, columns) = self.shape(operand);
                let is_small = rows.max(columns) <= MOST_CELLS;
                let width = columns as f64 * self.cell_width(operand, size, digits) + 2.0 * BRACKET;
                is_small.then_some((width, rows as f64 * self.cell_height * size))
            }
        }
    }

    /// The parts in lines, which break before an operator; none where they cannot be written so.
    fn lines(&self, writing: Writing) -> Option<Vec<Vec<Measured<'_>>>> {
        let mut lines: Vec<Vec<Measured<'_>>> = vec![Vec::new()];
        let mut end = 0.0;
        let mut index = 0;
        while let Some(part) = self.parts.get(index) {
            // An operator and what it is for stay together.
            let count = if matches!(part, Part::Operator(_)) { 2 } else { 1 };
            let group = &self.parts[index..(index + count).min(self.parts.len())];
            let sizes: Option<Vec<_>> =
                group.iter().map(|part| Some((part, self.size(part, writing)?))).collect();
            let sizes = sizes?;
            let wide: f64 = sizes.iter().map(|(_, size)| size.0 + SPACE).sum();
            if end + wide - SPACE > self.area.width() {
                if end == 0.0 {
                    return None;
                }
                lines.push(Vec::new());
                end = 0.0;
            }
            end += wide;
            if let Some(line) = lines.last_mut() {
                line.extend(sizes);
            }
            index += group.len();
        }
        Some(lines)
    }

    fn height(&self, writing: Writing) -> Option<f64> {
        let lines = self.lines(writing)?;
        Some(lines.iter().map(|line| line_height(line) + SHAPE.1).sum())
    }

    fn draw(&self, writing: Writing, drawn: &mut Vec<Drawn>) -> f64 {
        let mut y = self.area.top;
        for line in self.lines(writing).unwrap_or_default() {
            let height = line_height(&line);
            let middle = y + height / 2.0;
            let mut x = self.area.left;
            for (part, (width, part_height)) in line {
                match part {
                    Part::Operator(text) => {
                        let at = (x, middle + OPERATOR * 0.35);
                        let shape = Shape::Text {
                            at,
                            size: OPERATOR,
                            face: Face::Plain,
                            anchor: Anchor::Start,
                            line: text.clone(),
                            halo: false,
                        };
                        drawn.push(Drawn { shape, from: self.from, until: self.until, way: None });
                    }
                    Part::Matrix(operand) => {
                        let top = middle - part_height / 2.0;
                        let area = Area { left: x, top, right: x + width, bottom: top + part_height };
                        match writing {
                            Writing::Numbers(size, digits) => {
                                self.written_out(operand, (size, digits), area, drawn)
                            }
                            Writing::Boxes => self.boxed(operand, area, drawn),
                        }
                        self.shape_below(operand, area, y + height, drawn);
                    }
                }
                x += width + SPACE;
            }
            y += height + SHAPE.1;
        }
        y
    }

    fn push(&self, shape: Shape, from: f64, drawn: &mut Vec<Drawn>) {
        drawn.push(Drawn { shape, from, until: self.until, way: None });
    }

    fn written_out(
        &self,
        operand: &Operand,
        (text, digits): (f64, usize),
        area: Area,
        drawn: &mut Vec<Drawn>,
    ) {
        let (rows, columns) = self.shape(operand);
        let scale = self.numbers.scale(operand.id);
        let cell_height = self.cell_height * text;
        let as_text = self.written(operand, digits);
        let (left, cell_width) = (area.left + BRACKET, (area.width() - 2.0 * BRACKET) / columns as f64);
        for row in 0..rows {
            for column in 0..columns {
                let value = self.get(operand, row, column);
                let at = (left + cell_width * column as f64, area.top + cell_height * row as f64);
                let fill = Some((Ink::of_sign(value), 0.32 * strength(value, scale)));
                let size = (cell_width, cell_height);
                self.push(Shape::Rectangle { at, size, round: 0.0, fill, stroke: None }, operand.from, drawn);
                let written = Shape::Text {
                    at: (at.0 + cell_width / 2.0, at.1 + cell_height / 2.0 + text * 0.35),
                    size: text,
                    face: Face::Mono,
                    anchor: Anchor::Middle,
                    line: plain(as_text(value), Ink::Text),
                    halo: false,
                };
                self.push(written, operand.from, drawn);
            }
        }
        let ink = ink_of(operand.id);
        if let Some(mark) = operand.mark {
            let (row, column, high, wide) = match mark {
                Mark::Row(row) => (row, 0, 1, columns),
                Mark::Column(column) => (0, column, rows, 1),
                Mark::Cell(row, column) => (row, column, 1, 1),
            };
            let at = (left + cell_width * column as f64, area.top + cell_height * row as f64);
            let size = (cell_width * wide as f64, cell_height * high as f64);
            let outline = Some(stroke(ink, 3.0));
            self.push(
                Shape::Rectangle { at, size, round: 3.0, fill: None, stroke: outline },
                operand.from,
                drawn,
            );
        }
        let bracket = |x: f64, inwards: f64| {
            [
                (true, x + inwards, area.top),
                (false, x, area.top),
                (false, x, area.bottom),
                (false, x + inwards, area.bottom),
            ]
        };
        let points = [bracket(area.left + 1.0, 5.0), bracket(area.right - 1.0, -5.0)].concat();
        self.push(Shape::Path { points, stroke: stroke(ink, 2.0) }, self.from, drawn);
    }

    fn boxed(&self, operand: &Operand, area: Area, drawn: &mut Vec<Drawn>) {
        let ink = ink_of(operand.id);
        let (at, size) = ((area.left, area.top), (area.width(), area.bottom - area.top));
        let fill = Some((Ink::Panel, 1.0));
        let outline = Some(stroke(ink, 2.0));
        self.push(Shape::Rectangle { at, size, round: 5.0, fill, stroke: outline }, self.from, drawn);
        let text = Shape::Text {
            at: ((area.left + area.right) / 2.0, (area.top + area.bottom) / 2.0 + 10.0),
            size: 28.0,
            face: Face::Plain,
            anchor: Anchor::Middle,
            line: operand
                .symbol
                .iter()
                .cloned()
                .map(|span| super::words::Span { raised: false, ..span })
                .collect(),
            halo: false,
        };
        self.push(text, self.from, drawn);
    }

    fn shape_below(&self, operand: &Operand, area: Area, y: f64, drawn: &mut Vec<Drawn>) {
        let (rows, columns) = self.shape(operand);
        let line = plain(format!("{rows}×{columns}"), Ink::Soft);
        if width(&line, SHAPE.0, Face::Plain) > area.width() + SPACE {
            return;
        }
        let shape = Shape::Text {
            at: ((area.left + area.right) / 2.0, y + 23.0),
            size: SHAPE.0,
            face: Face::Plain,
            anchor: Anchor::Middle,
            line,
            halo: false,
        };
        self.push(shape, self.from, drawn);
    }
}

fn line_height(line: &[Measured<'_>]) -> f64 {
    line.iter().map(|(_, size)| size.1).fold(0.0, f64::max)
}

/// The parts of an event; none where its formula and its picture say it all.
pub(super) fn of_event(
    numbers: &Numbers<'_>,
    event: &TraceEvent<f64>,
    followed: impl Fn(usize) -> usize,
    (from, result): (f64, f64),
) -> Vec<Part> {
    let l = event.layer;
    let layers = numbers.step.network.layers();
    let matrix = |quantity: Quantity, layer: usize, symbol: &str, mark: Option<Mark>| {
        let id = quantity.of(layer);
        let is_output = event.outputs.iter().any(|value| value.id == id);
        let from = if is_output { result } else { from };
        Part::Matrix(Operand { id, symbol: formula(symbol), is_flipped: is_upright(quantity), mark, from })
    };
    let operator = |text: &str| Part::Operator(plain(text, Ink::Text));
    let own = Some(Mark::Row(followed(l)));
    let (z, a) = (format!("z({l})"), format!("a({l})"));
    match event.operation {
        Computation::AFFINE => {
            let (w, before) = (format!("W({l})"), format!("a({})", l - 1));
            let mut parts = vec![
                matrix(Quantity::PreActivation, l, &z, own),
                operator("="),
                matrix(Quantity::WEIGHT, l, &w, own),
                operator("·"),
                matrix(Quantity::Activation, l - 1, &before, None),
            ];
            if numbers.has(Quantity::BIAS.of(l)) {
                parts.extend([operator("+"), matrix(Quantity::BIAS, l, &format!("b({l})"), own)]);
            }
            parts
        }
        Computation::Activation => {
            let sigma = layers[l - 1].activation().unwrap_or(Activation::Identity);
            vec![
                matrix(Quantity::Activation, l, &a, own),
                operator("="),
                operator(&readable(sigma.name())),
                matrix(Quantity::PreActivation, l, &z, if sigma == Activation::Softmax { None } else { own }),
            ]
        }
        Computation::Loss => {
            vec![matrix(Quantity::Activation, l, &a, None), operator("and"), target(None, from)]
        }
        Computation::OutputDelta => {
            let delta = matrix(Quantity::Delta, l, &format!("δ({l})"), own);
            let rule = output_rule(numbers.step);
            match rule.rule {
                RuleName::PredictionMinusTarget if rule.targets_as_given => {
                    let mut parts = vec![
                        delta,
                        operator("="),
                        matrix(Quantity::Activation, l, &a, own),
                        operator("−"),
                        target(own, from),
                    ];
                    if numbers.samples() > 1 {
                        parts.push(operator(&format!("over {}", numbers.samples())));
                    }
                    parts
                }
                RuleName::ThroughSlope if numbers.has(Quantity::Slope.of(l)) => vec![
                    delta,
                    operator("="),
                    matrix(Quantity::Error, l, &format!("e({l})"), own),
                    operator("⊙"),
                    matrix(Quantity::Slope, l, "σ′", own),
                ],
                _ => vec![delta],
            }
        }
        Computation::CARRY_BACK => {
            let above = l + 1;
            let mark = Some(Mark::Row(followed(l)));
            vec![
                matrix(Quantity::Error, l, &format!("e({l})"), mark),
                operator("="),
                transposed(above, mark, from),
                operator("·"),
                matrix(Quantity::Delta, above, &format!("δ({above})"), None),
            ]
        }
        Computation::Delta => vec![
            matrix(Quantity::Delta, l, &format!("δ({l})"), own),
            operator("="),
            matrix(Quantity::Error, l, &format!("e({l})"), own),
            operator("⊙"),
            matrix(Quantity::Slope, l, "σ′", own),
        ],
        Computation::Gradients if matches!(layers[l - 1], Layer::Dense(_)) => {
            let (to, from_neuron) = (followed(l), followed(l - 1));
            let gradient =
                matrix(Quantity::WEIGHT_GRADIENT, l, &format!("dW({l})"), Some(Mark::Cell(to, from_neuron)));
            if numbers.samples() > 1 {
                // The sum over samples has no picture of one.
                return vec![gradient];
            }
            let input = Quantity::Activation.of(l - 1);
            let row = Operand {
                id: input,
                symbol: formula(&format!("a({})ᵀ", l - 1)),
                is_flipped: false,
                mark: Some(Mark::Column(from_neuron)),
                from,
            };
            let delta = matrix(Quantity::Delta, l, &format!("δ({l})"), own);
            vec![gradient, operator("="), delta, operator("·"), Part::Matrix(row)]
        }
        Computation::Update if matches!(layers[l - 1], Layer::Dense(_)) => {
            let mark = Some(Mark::Cell(followed(l), followed(l - 1)));
            vec![
                matrix(Quantity::UPDATED_WEIGHT, l, "new W", mark),
                operator("="),
                matrix(Quantity::WEIGHT, l, &format!("W({l})"), mark),
                operator(&format!("− {} ·", numbers.step.learning_rate)),
                matrix(Quantity::WEIGHT_GRADIENT, l, &format!("dW({l})"), mark),
            ]
        }
        _ => Vec::new(),
    }
}

/// How a column of W becomes a row of the transpose.
pub(super) fn transposing(l: usize, neuron: usize, from: f64) -> Vec<Part> {
    let weight = Operand {
        id: Quantity::WEIGHT.of(l),
        symbol: formula(&format!("W({l})")),
        is_flipped: false,
        mark: Some(Mark::Column(neuron)),
        from,
    };
    vec![
        Part::Matrix(weight),
        Part::Operator(plain("→", Ink::Text)),
        transposed(l, Some(Mark::Row(neuron)), from + 2.0),
    ]
}

fn transposed(l: usize, mark: Option<Mark>, from: f64) -> Part {
    let symbol = formula(&format!("W({l})ᵀ"));
    Part::Matrix(Operand { id: Quantity::WEIGHT.of(l), symbol, is_flipped: true, mark, from })
}

fn target(mark: Option<Mark>, from: f64) -> Part {
    Part::Matrix(Operand { id: ValueId::TARGET, symbol: plain("y", Ink::Loss), is_flipped: true, mark, from })
}

/// Samples are columns, and biases stand upright.
fn is_upright(quantity: Quantity) -> bool {
    !matches!(quantity, Quantity::WEIGHT | Quantity::WEIGHT_GRADIENT | Quantity::UPDATED_WEIGHT)
}
