//! The network as a picture, with what moves in it: signals along edges, neurons that get their numbers, errors
//! on their way back, squares of gradients, weights that change.

use chainrule::Layer;
use chainrule::trace::{Computation, Quantity, TraceEvent, ValueId};

use super::colours::{Ink, strength};
use super::drawing::{Anchor, Drawn, Fill, Shape, Stroke, stroke};
use super::numbers::Numbers;
use super::placement::{Column, LOSS, Node, Placement, Strip};
use super::schedule::{Play, Schedule};
use super::words::{Face, number, plain, span, width};

/// The size of text in the network.
const TEXT: f64 = 20.0;
/// Dots and diamonds travel along an edge in so many seconds at most.
const TRAVEL: f64 = 1.5;

pub(super) struct Network<'a> {
    pub(super) numbers: &'a Numbers<'a>,
    pub(super) placement: &'a Placement,
    pub(super) schedule: &'a Schedule,
}

/// An edge of the picture: neuron `j` of layer l and neuron `k` of the one before, as places in their columns.
struct Edge {
    layer: usize,
    to: usize,
    from: usize,
    start: (f64, f64),
    end: (f64, f64),
}

impl Network<'_> {
    /// Everything of it, what lies behind first.
    pub(super) fn draw(&self, drawn: &mut Vec<Drawn>) {
        let events = &self.numbers.step.trace.events;
        let plays = || self.schedule.plays.iter().map(|play| (play, &events[play.event]));
        self.headings(drawn);
        self.edges(drawn);
        self.to_loss(drawn);
        plays().for_each(|(play, event)| self.along_edges(play, event, drawn));
        self.squares(drawn);
        self.nodes(drawn);
        self.loss(drawn);
        plays().for_each(|(play, event)| self.travellers(play, event, drawn));
        self.signals(drawn);
    }

    fn push(&self, drawn: &mut Vec<Drawn>, from: f64, until: f64, shape: Shape) {
        drawn.push(Drawn { shape, from, until, way: None });
    }

    fn push_text(
        &self,
        drawn: &mut Vec<Drawn>,
        times: (f64, f64),
        at: (f64, f64),
        face: Face,
        line: Vec<super::words::Span>,
    ) {
        let shape =
            Shape::Text { at, size: TEXT, face, anchor: Anchor::Middle, line, halo: face == Face::Mono };
        self.push(drawn, times.0, times.1, shape);
    }

    /// While the network is on the screen.
    fn always(&self) -> (f64, f64) {
        (self.schedule.opening(), self.schedule.closing())
    }

    /// When a value is there; none for what the trace has not.
    fn known(&self, id: ValueId) -> Option<f64> {
        let events = &self.numbers.step.trace.events;
        let event = events.iter().find(|event| event.outputs.iter().any(|value| value.id == id))?;
        Some(self.schedule.plays.get(event.id)?.result)
    }

    fn layer(&self, l: usize) -> &Layer {
        &self.numbers.step.network.layers()[l - 1]
    }

    fn is_dense(&self, l: usize) -> bool {
        matches!(self.layer(l), Layer::Dense(_))
    }

    fn headings(&self, drawn: &mut Vec<Drawn>) {
        let placement = self.placement;
        // Narrow columns have their numbers, and only as many as there is room for.
        let every = (44.0 / placement.gap).ceil() as usize;
        for column in &placement.columns {
            let name = match column.layer {
                0 => "inputs".to_owned(),
                l => self
                    .layer(l)
                    .activation()
                    .map_or(self.layer(l).name(), |sigma| sigma.name())
                    .replace('_', " "),
            };
            let name = match width(&plain(&*name, Ink::Text), TEXT, Face::Bold) < placement.gap - 10.0 {
                true => name,
                false if column.layer % every == 0 => match column.layer {
                    0 => "x".to_owned(),
                    l => l.to_string(),
                },
                false => continue,
            };
            let at = (column.x, placement.network.top + 22.0);
            self.push_text(drawn, self.always(), at, Face::Bold, plain(name, Ink::Text));
            if column.more > 0 && placement.gap > 50.0 {
                let words = match placement.gap > 124.0 {
                    true => format!("… {} more", column.more),
                    false => format!("+{}", column.more),
                };
                let at = (column.x, placement.network.bottom - 8.0);
                self.push_text(drawn, self.always(), at, Face::Plain, plain(words, Ink::Soft));
            }
        }
    }

    fn edges_of(&self, l: usize) -> Vec<Edge> {
        let Placement { columns, radius, .. } = self.placement;
        let (before, after) = (&columns[l - 1], &columns[l]);
        let mixes = self.layer(l).mixes_inputs();
        let mut edges = Vec::new();
        for (to, end) in after.nodes.iter().enumerate() {
            for (from, start) in before.nodes.iter().enumerate() {
                if mixes || start.neuron == end.neuron {
                    let (start, end) = ((before.x + radius, start.y), (after.x - radius, end.y));
                    edges.push(Edge { layer: l, to, from, start, end });
                }
            }
        }
        edges
    }

    fn all_edges(&self) -> impl Iterator<Item = Edge> {
        (1..=self.numbers.depth()).flat_map(|l| self.edges_of(l))
    }

    /// The neurons at the ends of an edge.
    fn ends(&self, edge: &Edge) -> (usize, usize) {
        let columns = &self.placement.columns;
        let to = &columns[edge.layer].nodes[edge.to];
        let from = &columns[edge.layer - 1].nodes[edge.from];
        (to.neuron, from.neuron)
    }

    fn edge_stroke(&self, edge: &Edge, quantity: Quantity) -> Stroke {
        if !self.is_dense(edge.layer) {
            return Stroke { ink: Ink::StrongRule, width: 1.2, dashed: false, opacity: 0.6 };
        }
        let (to, from) = self.ends(edge);
        let weight = self.numbers.get(quantity.of(edge.layer), to, from);
        let scale = self.numbers.scale(Quantity::WEIGHT.of(edge.layer));
        let width = 1.0 + 5.0 * strength(weight, scale);
        Stroke { ink: Ink::of_sign(weight), width, dashed: weight < 0.0, opacity: 0.6 }
    }

    /// Every weight, and what it is after the update.
    fn edges(&self, drawn: &mut Vec<Drawn>) {
        let (opening, closing) = self.always();
        for edge in self.all_edges() {
            let Edge { start, end, .. } = edge;
            let changes =
                self.known(Quantity::UPDATED_WEIGHT.of(edge.layer)).filter(|_| self.is_dense(edge.layer));
            let before = self.edge_stroke(&edge, Quantity::WEIGHT);
            let shape = Shape::Edge { from: start, to: end, stroke: before };
            self.push(drawn, opening, changes.unwrap_or(closing), shape);
            if let Some(time) = changes {
                let after = self.edge_stroke(&edge, Quantity::UPDATED_WEIGHT);
                self.push(drawn, time, closing, Shape::Edge { from: start, to: end, stroke: after });
            }
        }
    }

    fn to_loss(&self, drawn: &mut Vec<Drawn>) {
        let (opening, closing) = self.always();
        let stroke = Stroke { ink: Ink::StrongRule, width: 1.2, dashed: false, opacity: 0.7 };
        for (from, to) in self.ways_to_loss() {
            self.push(drawn, opening, closing, Shape::Edge { from, to, stroke });
        }
    }

    fn ways_to_loss(&self) -> Vec<((f64, f64), (f64, f64))> {
        let Placement { columns, radius, loss, .. } = self.placement;
        let last = &columns[columns.len() - 1];
        last.nodes.iter().map(|node| ((last.x + radius, node.y), (loss.0 - LOSS.0, loss.1))).collect()
    }

    /// Which way an event runs, and along which layer's edges.
    fn direction(&self, event: &TraceEvent<f64>) -> Option<(usize, Ink)> {
        match event.operation {
            Computation::Forward(_) => Some((event.layer, Ink::A)),
            Computation::Backward(_) => Some((event.layer + 1, Ink::Delta)),
            Computation::Gradients => Some((event.layer, Ink::Gradient)),
            Computation::Update => Some((event.layer, Ink::W)),
            _ => None,
        }
    }

    /// The edges that an event uses, in its colour.
    fn along_edges(&self, play: &Play, event: &TraceEvent<f64>, drawn: &mut Vec<Drawn>) {
        let Some((l, ink)) = self.direction(event) else { return };
        let is_back = matches!(event.operation, Computation::Backward(_));
        let followed = self.placement.followed(self.numbers, if is_back { l - 1 } else { l });
        for edge in self.edges_of(l) {
            let (to, from) = self.ends(&edge);
            let is_followed = play.is_alone && followed == if is_back { from } else { to };
            let mut stroke = Stroke { ink, opacity: 1.0, ..self.edge_stroke(&edge, Quantity::WEIGHT) };
            if play.is_alone && !is_followed {
                stroke.opacity = 0.35;
            }
            let shape = Shape::Edge { from: edge.start, to: edge.end, stroke };
            self.push(drawn, play.from, play.until, shape);
        }
    }

    /// Dots that run forward along edges, and diamonds that run back.
    fn travellers(&self, play: &Play, event: &TraceEvent<f64>, drawn: &mut Vec<Drawn>) {
        let until = play.result;
        let from = until - (until - play.from - 0.1).min(TRAVEL);
        let mut travel = |start: (f64, f64), end: (f64, f64), is_back: bool, size: f64| {
            let way = Some((end.0 - start.0, end.1 - start.1));
            let outline = Some(stroke(Ink::Paper, 1.5));
            let shape = match is_back {
                false => {
                    Shape::Circle { at: start, radius: size, fill: Some((Ink::A, 1.0)), stroke: outline }
                }
                true => Shape::Diamond {
                    at: start,
                    half: size * 1.4,
                    fill: Some((Ink::Delta, 1.0)),
                    stroke: outline,
                },
            };
            drawn.push(Drawn { shape, from, until, way });
        };
        let size = |value: f64, scale: f64| 2.5 + 4.0 * strength(value, scale);
        match event.operation {
            Computation::Forward(_) => {
                let id = Quantity::Activation.of(event.layer - 1);
                for edge in self.edges_of(event.layer) {
                    let value = self.numbers.get(id, 0, self.ends(&edge).1);
                    travel(edge.start, edge.end, false, size(value, self.numbers.scale(id)));
                }
            }
            Computation::Backward(_) => {
                let id = self.numbers.signal(event.layer + 1);
                for edge in self.edges_of(event.layer + 1) {
                    let value = self.numbers.get(id, 0, self.ends(&edge).0);
                    travel(edge.end, edge.start, true, size(value, self.numbers.signal_scale()));
                }
            }
            Computation::Loss => {
                for (from, to) in self.ways_to_loss() {
                    travel(from, to, false, 5.0);
                }
            }
            Computation::OutputDelta => {
                for (from, to) in self.ways_to_loss() {
                    travel(to, from, true, 5.0);
                }
            }
            _ => {}
        }
    }

    /// A gradient's square on each weight's edge, from its event to the end.
    fn squares(&self, drawn: &mut Vec<Drawn>) {
        // Squares that would lie on each other are left out.
        if self.placement.gap < 60.0 {
            return;
        }
        for edge in self.all_edges() {
            let id = Quantity::WEIGHT_GRADIENT.of(edge.layer);
            let Some(time) = self.known(id).filter(|_| self.is_dense(edge.layer)) else { continue };
            let (to, from) = self.ends(&edge);
            let value = self.numbers.get(id, to, from);
            let half = 2.0 + 5.0 * strength(value, self.numbers.scale(id));
            // Nearer to one end, so that those of crossing edges do not lie on each other.
            let share = 0.36;
            let x = edge.start.0 + (edge.end.0 - edge.start.0) * share;
            let y = edge.start.1 + (edge.end.1 - edge.start.1) * share;
            let (fill, outline): (Fill, _) = match value < 0.0 {
                true => (Some((Ink::Paper, 1.0)), stroke(Ink::Gradient, 2.0)),
                false => (Some((Ink::Gradient, 1.0)), stroke(Ink::Paper, 1.0)),
            };
            let (at, size) = ((x - half, y - half), (2.0 * half, 2.0 * half));
            let shape = Shape::Rectangle { at, size, round: 0.0, fill, stroke: Some(outline) };
            self.push(drawn, time, self.schedule.closing(), shape);
        }
    }

    /// The states of a column's neurons: empty, z, a, each with the time it begins and ends.
    fn states(&self, l: usize) -> Vec<(Option<ValueId>, f64, f64)> {
        let (opening, closing) = self.always();
        let (z, a) = (Quantity::PreActivation.of(l), Quantity::Activation.of(l));
        let mut states = vec![(None, opening, closing)];
        for id in [z, a] {
            let time = if id == a && l == 0 { Some(opening) } else { self.known(id) };
            let Some(time) = time else { continue };
            if let Some(last) = states.last_mut() {
                last.2 = time;
            }
            states.push((Some(id), time, closing));
        }
        states
    }

    fn nodes(&self, drawn: &mut Vec<Drawn>) {
        let (opening, closing) = self.always();
        let radius = self.placement.radius;
        for column in &self.placement.columns {
            for node in &column.nodes {
                let at = (column.x, node.y);
                let back = Shape::Circle { at, radius, fill: Some((Ink::Raised, 1.0)), stroke: None };
                self.push(drawn, opening, closing, back);
            }
            for (id, from, until) in self.states(column.layer) {
                for node in &column.nodes {
                    self.node(column, node, id, (from, until), drawn);
                }
                if let (Some(id), Some(strip)) = (id, &column.strip) {
                    self.strip(strip, id, (from, until), drawn);
                }
            }
            self.active(column, drawn);
            self.targets(column, drawn);
        }
    }

    fn node(
        &self,
        column: &Column,
        node: &Node,
        id: Option<ValueId>,
        times: (f64, f64),
        drawn: &mut Vec<Drawn>,
    ) {
        let radius = self.placement.radius;
        let at = (column.x, node.y);
        let Some(id) = id else {
            let outline = Some(stroke(Ink::StrongRule, 2.0));
            let shape = Shape::Circle { at, radius, fill: None, stroke: outline };
            return self.push(drawn, times.0, times.1, shape);
        };
        let value = self.numbers.get(id, 0, node.neuron);
        let share = 0.6 * strength(value, self.numbers.scale(id));
        let is_z = id.quantity == Quantity::PreActivation;
        let outline = Stroke {
            ink: if is_z { Ink::Z } else { Ink::A },
            width: 2.5,
            dashed: is_z && radius > 12.0,
            opacity: 1.0,
        };
        let fill = Some((Ink::of_sign(value), share));
        self.push(drawn, times.0, times.1, Shape::Circle { at, radius, fill, stroke: Some(outline) });
        let half = TEXT / 2.0;
        let inside = if radius > half { 2.0 * (radius * radius - half * half).sqrt() } else { 0.0 };
        let written = |digits| plain(number(value, digits), Ink::Text);
        let fits = |digits: &usize| width(&written(*digits), TEXT, Face::Mono) <= inside - 2.0;
        if let Some(digits) = [3, 2, 1].into_iter().find(fits) {
            let shape = Shape::Text {
                at: (at.0, at.1 + TEXT * 0.35),
                size: TEXT,
                face: Face::Mono,
                anchor: Anchor::Middle,
                line: written(digits),
                halo: false,
            };
            self.push(drawn, times.0, times.1, shape);
        }
    }

    /// All neurons of a wide layer, the largest of each cell's.
    fn strip(&self, strip: &Strip, id: ValueId, times: (f64, f64), drawn: &mut Vec<Drawn>) {
        let Strip { area, rows, columns } = strip;
        let (count, cells) = (self.numbers.shape(id).1, rows * columns);
        let (width, height) = (area.width() / *columns as f64, (area.bottom - area.top) / *rows as f64);
        let scale = self.numbers.scale(id);
        for cell in 0..cells {
            let of_cell = (cell * count / cells)..((cell + 1) * count / cells).max(cell * count / cells + 1);
            let value =
                of_cell.map(|neuron| self.numbers.get(id, 0, neuron)).fold(0.0, |largest: f64, value| {
                    if value.abs() > largest.abs() || value.is_nan() { value } else { largest }
                });
            if value == 0.0 {
                continue;
            }
            let at =
                (area.left + width * (cell % columns) as f64, area.top + height * (cell / columns) as f64);
            let fill = Some((Ink::of_sign(value), strength(value, scale)));
            let size = (width, height);
            self.push(drawn, times.0, times.1, Shape::Rectangle { at, size, round: 0.0, fill, stroke: None });
        }
        let (at, size) = ((area.left, area.top), (area.width(), area.bottom - area.top));
        let outline = Some(stroke(Ink::StrongRule, 1.0));
        self.push(
            drawn,
            times.0,
            times.1,
            Shape::Rectangle { at, size, round: 0.0, fill: None, stroke: outline },
        );
    }

    /// A ring around the neurons that an event computes something for.
    fn active(&self, column: &Column, drawn: &mut Vec<Drawn>) {
        let events = &self.numbers.step.trace.events;
        for play in &self.schedule.plays {
            let event = &events[play.event];
            let ink = match event.operation {
                Computation::Forward(_) => Ink::Z,
                Computation::Activation => Ink::A,
                Computation::OutputDelta | Computation::Backward(_) | Computation::Delta => Ink::Delta,
                _ => continue,
            };
            if event.layer != column.layer {
                continue;
            }
            for node in &column.nodes {
                let shape = Shape::Circle {
                    at: (column.x, node.y),
                    radius: self.placement.radius + 3.5,
                    fill: None,
                    stroke: Some(stroke(ink, 3.0)),
                };
                self.push(drawn, play.result, play.until, shape);
            }
        }
    }

    /// What the outputs should be, above them, from the loss on.
    fn targets(&self, column: &Column, drawn: &mut Vec<Drawn>) {
        let radius = self.placement.radius;
        if column.layer != self.numbers.depth() || column.pitch - 2.0 * radius < 70.0 {
            return;
        }
        let events = &self.numbers.step.trace.events;
        let is_loss = |play: &&Play| events[play.event].operation == Computation::Loss;
        let Some(play) = self.schedule.plays.iter().find(is_loss) else { return };
        for node in &column.nodes {
            let target = self.numbers.get(ValueId::TARGET, 0, node.neuron);
            let line = vec![span("target ", Ink::Loss), span(as_given(target), Ink::Loss)];
            let at = (column.x, node.y - radius - 14.0);
            self.push_text(drawn, (play.from, self.schedule.closing()), at, Face::Mono, line);
        }
    }

    fn loss(&self, drawn: &mut Vec<Drawn>) {
        let (opening, closing) = self.always();
        let (x, y) = self.placement.loss;
        let (at, size) = ((x - LOSS.0, y - LOSS.1), (2.0 * LOSS.0, 2.0 * LOSS.1));
        let outline = Some(stroke(Ink::Loss, 2.0));
        let fill = Some((Ink::Raised, 1.0));
        self.push(drawn, opening, closing, Shape::Rectangle { at, size, round: 8.0, fill, stroke: outline });
        let name = (x, y - LOSS.1 - 10.0);
        self.push_text(drawn, (opening, closing), name, Face::Bold, plain("loss", Ink::Text));
        if let Some(time) = self.known(ValueId::LOSS) {
            let value = number(self.numbers.get(ValueId::LOSS, 0, 0), 4);
            let value = if value.chars().count() > 7 {
                number(self.numbers.get(ValueId::LOSS, 0, 0), 3)
            } else {
                value
            };
            let at = (x, y + TEXT * 0.35);
            self.push_text(drawn, (time, closing), at, Face::Mono, plain(value, Ink::Text));
        }
    }

    /// The errors that have come to neurons: hollow before the slope, filled after it.
    fn signals(&self, drawn: &mut Vec<Drawn>) {
        let Placement { columns, radius, .. } = self.placement;
        for column in columns.iter().skip(1) {
            let l = column.layer;
            let (error, delta) = (Quantity::Error.of(l), Quantity::Delta.of(l));
            // At the output they come together.
            let ids = if l == self.numbers.depth() { vec![delta] } else { vec![error, delta] };
            let known = ids.into_iter().filter_map(|id| Some((id, self.known(id)?)));
            let mut states: Vec<(ValueId, f64, f64)> = Vec::new();
            for (id, time) in known {
                if let Some(last) = states.last_mut() {
                    last.2 = time;
                }
                states.push((id, time, self.schedule.closing()));
            }
            for (id, from, until) in states {
                let is_delta = id.quantity == Quantity::Delta;
                for node in &column.nodes {
                    let value = self.numbers.get(id, 0, node.neuron);
                    let largest = (radius * 0.6).clamp(4.0, 12.0);
                    let half = largest * (0.3 + 0.7 * strength(value, self.numbers.signal_scale()));
                    let at = (column.x + radius * 0.86, node.y - radius * 0.86);
                    let (fill, outline) = match is_delta {
                        true => (Some((Ink::Delta, 1.0)), stroke(Ink::Paper, 1.5)),
                        false => (Some((Ink::Paper, 1.0)), stroke(Ink::Delta, 2.0)),
                    };
                    self.push(drawn, from, until, Shape::Diamond { at, half, fill, stroke: Some(outline) });
                    // A minus on it, since its number is not always written.
                    if value < 0.0 && half >= 4.0 {
                        let ink = if is_delta { Ink::Paper } else { Ink::Delta };
                        let (left, right) = ((at.0 - half * 0.5, at.1), (at.0 + half * 0.5, at.1));
                        let minus = Shape::Edge { from: left, to: right, stroke: stroke(ink, 2.0) };
                        self.push(drawn, from, until, minus);
                    }
                    let symbol = if is_delta { "δ " } else { "e " };
                    let line = plain(format!("{symbol}{}", number(value, 3)), Ink::Delta);
                    let fits = width(&line, TEXT, Face::Mono) < self.placement.gap - 8.0;
                    if fits && column.pitch - 2.0 * radius >= 32.0 {
                        let below = (column.x, node.y + radius + 22.0);
                        self.push_text(drawn, (from, until), below, Face::Mono, line);
                    }
                }
            }
        }
    }
}

/// A target is often a number of few digits, as a class's 0 or 1.
fn as_given(value: f64) -> String {
    let exact = value.to_string();
    if exact.len() <= 5 { exact.replace('-', "−") } else { number(value, 3) }
}
