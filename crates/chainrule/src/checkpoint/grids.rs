//! Which sub-problems are planned where there are too many, and which of them are equal and share a curve.

use std::collections::HashMap;

use super::Chain;
use super::content::Contents;
use super::ranges::Stretches;

/// Nested grids of positions.
pub(super) struct Grids {
    depth: usize,
    window: usize,
    grids: Vec<Vec<usize>>,
    /// The coarsest grid that each position is on.
    levels: Vec<usize>,
}

impl Grids {
    pub(super) fn new(chain: &Chain, window: usize) -> Grids {
        let depth = chain.depth();
        let mut levels = vec![0; depth + 1];
        let mut grids: Vec<Vec<usize>> = vec![(0..=depth).collect()];
        while let Some(finest) = grids.last()
            && finest.len() > window + 1
        {
            let inner = &finest[1..finest.len() - 1];
            let narrowest = |pair: &[usize]| pair.iter().copied().min_by_key(|&state| chain.state(state));
            let mut positions = vec![0];
            positions.extend(inner.chunks(2).filter_map(narrowest));
            positions.push(depth);
            positions.iter().for_each(|&position| levels[position] = grids.len());
            grids.push(positions);
        }
        Grids { depth, window, grids, levels }
    }

    /// Every sub-problem once, from the shortest to the longest.
    pub(super) fn sub_problems(&self) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for grid in &self.grids {
            for (index, &start) in grid.iter().enumerate() {
                let ends = grid[index + 1..].iter().take(self.window);
                found.extend(ends.map(|&end| (start, end)).filter(|&(_, end)| start > 0 && end < self.depth));
            }
        }
        found.extend((1..=self.depth).map(|end| (0, end)));
        found.extend((1..self.depth).map(|start| (start, self.depth)));
        found.sort_unstable_by_key(|&(start, end)| (end - start, start));
        found.dedup();
        found
    }
}

/// Finds sub-problems that are equal: they share a curve.
pub(super) struct Equal<'a> {
    depth: usize,
    window: usize,
    contents: Option<&'a Contents>,
    /// For each grid, the classes of the chain's stretches, and how many positions of the grid lie before each.
    grids: Vec<(Stretches, Vec<usize>)>,
    numbers: HashMap<Class, u32>,
    /// How many numbers there are.
    count: u32,
}

type Class = (usize, usize, u32, u32);

impl<'a> Equal<'a> {
    /// By contents where there are some: then everything is planned, and a sub-problem depends on nothing else.
    pub(super) fn new(chain: &Chain, grids: &Grids, contents: Option<&'a Contents>) -> Self {
        let grid = |level: usize| {
            // Grids coarser than the one on which a sub-problem is planned change nothing inside of it: what is near
            // enough on them is so on this one.
            let symbol = |position: usize| {
                let of_layer = |number: fn(&Chain, usize) -> u64| match position {
                    0 => 0,
                    l => number(chain, l),
                };
                let layer = [Chain::forward, Chain::backward_extra].map(of_layer);
                (chain.state(position), layer, grids.levels[position].min(level))
            };
            let before = (0..=grids.depth).scan(0, |count, position| {
                let before = *count;
                *count += usize::from(grids.levels[position] >= level);
                Some(before)
            });
            (Stretches::new((0..=grids.depth).map(symbol)), before.collect())
        };
        let levels = if contents.is_some() { 0 } else { grids.grids.len() };
        Equal {
            depth: grids.depth,
            window: grids.window,
            contents,
            grids: (0..levels).map(grid).collect(),
            numbers: HashMap::new(),
            count: 0,
        }
    }

    /// The number of a sub-problem's curve: the one of those before that are equal, or the next.
    pub(super) fn number(&mut self, start: usize, end: usize) -> u32 {
        let unused = self.count;
        let number = match self.class(start, end) {
            Some(class) => *self.numbers.entry(class).or_insert(unused),
            None => unused,
        };
        self.count += u32::from(number == unused);
        number
    }

    /// None if no other sub-problem can be equal, or few are.
    pub(super) fn class(&self, start: usize, end: usize) -> Option<Class> {
        if let Some(contents) = self.contents {
            return Some((0, 0, contents.class(start, end) as u32, 0));
        }
        if start == 0 || end == self.depth {
            return None;
        }
        let near = |(_, before): &(Stretches, Vec<usize>)| before[end] - before[start] <= self.window;
        let level = self.grids.iter().position(near)?;
        let (first, second) = self.grids[level].0.class(start, end);
        Some((level, end - start, first, second))
    }
}
