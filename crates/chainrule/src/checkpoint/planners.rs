//! Planners that were made already: deep chains take seconds each.

use super::{Chain, Planner};

/// The planners of some chains, each made once.
///
/// ```
/// use chainrule::checkpoint::{Chain, Planners};
/// let chain = Chain::new(vec![8; 16], vec![1; 16], vec![8; 16])?;
/// let mut planners = Planners::new();
/// let least = planners.least_bytes(&chain);
/// assert_eq!(planners.of(&chain).curve()[0].bytes, least);
/// # Ok::<(), chainrule::checkpoint::ChainError>(())
/// ```
#[derive(Default)]
pub struct Planners {
    made: Vec<(Chain, Planner)>,
    least: Vec<(Chain, u64)>,
}

impl Planners {
    /// None yet.
    pub fn new() -> Self {
        Planners::default()
    }

    /// The chain's planner, as [`Planner::new`] makes it.
    pub fn of(&mut self, chain: &Chain) -> &Planner {
        let known = self.made.iter().position(|(known, _)| known == chain);
        let index = known.unwrap_or_else(|| {
            self.made.push((chain.clone(), Planner::new(chain)));
            self.made.len() - 1
        });
        &self.made[index].1
    }

    /// The smallest limit that can be met, as [`Planner::least_bytes`].
    pub fn least_bytes(&mut self, chain: &Chain) -> u64 {
        if let Some((_, planner)) = self.made.iter().find(|(known, _)| known == chain) {
            return planner.curve()[0].bytes;
        }
        if let Some((_, least)) = self.least.iter().find(|(known, _)| known == chain) {
            return *least;
        }
        let least = Planner::least_bytes(chain);
        self.least.push((chain.clone(), least));
        least
    }
}
