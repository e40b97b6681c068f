//! Chooses the recurrence by the size of the chain and answers with its curve and its schedules.

use super::content::Contents;
use super::curve::Breakpoint;
use super::general::General;
use super::persistent::{Extent, Persistent};
use super::{Chain, Schedule};

/// Which recurrence a planner uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// N: checkpoints may move, or be dropped and rebuilt.
    General,
    /// P in full: checkpoints stay until their last use.
    Persistent,
    /// P over nested grids of checkpoints, with thinned curves.
    Windowed,
}

/// Steps of the envelopes that take about 0.2 s: the bound of each exact method when the planner chooses.
const QUICK: u64 = 10_000_000;

/// Layers from which an attempt at Persistent ends sooner: it would likely be in vain, and Windowed takes as long again.
const DEEP: usize = 80;

/// The bound of an exact method that is asked for: several seconds.
const PATIENT: u64 = 30 * QUICK;

/// Grid steps of a sub-problem of [`Method::Windowed`], at most.
const WINDOW: usize = 32;

/// Beyond, the curves of [`Method::Windowed`] keep a quarter of the breakpoints, so that planning goes on taking seconds.
const VERY_DEEP: usize = 10_001;

/// Beyond, numbering the sub-chains alone would take too long.
const DEEPEST_EXACT: usize = 512;

enum Table {
    General(General),
    Persistent(Persistent),
}

/// The whole curve of a chain, memory against cost, and the tables that turn a limit into a schedule.
///
/// ```
/// use chainrule::checkpoint::{Chain, Planner};
/// let chain = Chain::new(vec![8; 16], vec![1; 16], vec![8; 16])?;
/// let planner = Planner::new(&chain);
/// // Ever fewer forwards for ever more bytes, down to one a layer.
/// assert!(planner.curve().is_sorted_by(|one, next| one.bytes < next.bytes && one.forward_cost > next.forward_cost));
/// let last = planner.curve().last().unwrap();
/// assert_eq!(last.forward_cost, 16);
/// let cost = chain.run(&planner.schedule(last.bytes - 1).unwrap()).unwrap();
/// assert!(cost.peak_bytes < last.bytes && cost.forward_cost > 16);
/// # Ok::<(), chainrule::checkpoint::ChainError>(())
/// ```
pub struct Planner {
    chain: Chain,
    method: Method,
    table: Table,
    curve: Vec<Breakpoint>,
}

impl Planner {
    /// Plans with the first [`Method`] that takes a fraction of a second: General up to about 50 layers of
    /// unequal widths or 100 of equal ones, then Persistent up to about 70, then Windowed.
    pub fn new(chain: &Chain) -> Planner {
        let general = || Planner::exact(chain, Method::General, QUICK);
        let most_work = if chain.depth() < DEEP { QUICK } else { QUICK / 4 };
        let persistent = || Planner::exact(chain, Method::Persistent, most_work);
        general().or_else(persistent).unwrap_or_else(|| Planner::windowed(chain))
    }

    /// Plans with a given method, or gives none where General or Persistent would take more than seconds.
    /// Time grows with the depth L as L^4 for General and L^3 for Persistent (L^3 and L^2 where all layers
    /// are equal), times the breakpoints of a curve, and between L and L^2 for Windowed.
    pub fn with_method(chain: &Chain, method: Method) -> Option<Planner> {
        match method {
            Method::Windowed => Some(Planner::windowed(chain)),
            Method::General | Method::Persistent => Planner::exact(chain, method, PATIENT),
        }
    }

    fn exact(chain: &Chain, method: Method, most_work: u64) -> Option<Planner> {
        if chain.depth() > DEEPEST_EXACT {
            return None;
        }
        let contents = Contents::new(chain);
        let table = match method {
            Method::General => Table::General(General::new(chain, contents, most_work)?),
            _ => Table::Persistent(Persistent::full(chain, &contents, most_work)?),
        };
        Some(Planner::assemble(chain, method, table))
    }

    /// The smallest limit that can be met: the first breakpoint of [`Planner::new`], in a fraction of its time where
    /// the chain is deep.
    pub fn least_bytes(chain: &Chain) -> u64 {
        if chain.depth() < DEEP {
            return Planner::new(chain).curve[0].bytes;
        }
        // The first breakpoint of a curve depends on no others than the first ones of its parts.
        let extent = Extent { window: WINDOW, inner_breakpoints: 2, edge_breakpoints: 2 };
        let table = Table::Persistent(Persistent::windowed(chain, extent));
        Planner::assemble(chain, Method::Windowed, table).curve[0].bytes
    }

    fn windowed(chain: &Chain) -> Planner {
        // The fewer sub-problems, the more breakpoints of each fit the same time.
        let (inner, edge) = if chain.depth() > VERY_DEEP { (16, 64) } else { (64, 256) };
        let extent = Extent {
            window: WINDOW,
            inner_breakpoints: ((1 << 16) / chain.depth()).clamp(inner, 512),
            edge_breakpoints: ((1 << 20) / chain.depth()).clamp(edge, 4096),
        };
        Planner::assemble(chain, Method::Windowed, Table::Persistent(Persistent::windowed(chain, extent)))
    }

    fn assemble(chain: &Chain, method: Method, table: Table) -> Planner {
        let root = match &table {
            Table::General(table) => table.root(chain),
            Table::Persistent(table) => table.root(chain),
        };
        let last_forward = chain.forward(chain.depth());
        let total = |point: &Breakpoint| Breakpoint {
            bytes: point.bytes,
            forward_cost: point.forward_cost + last_forward,
        };
        let curve = root.iter().map(total).collect();
        Planner { chain: chain.clone(), method, table, curve }
    }

    /// The method that planned.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Every breakpoint of the least cost found as a function of the limit: bytes strictly ascending, costs
    /// strictly descending. The first is the smallest limit that can be met, the last is the cost of
    /// [`Chain::plain`].
    pub fn curve(&self) -> &[Breakpoint] {
        &self.curve
    }

    /// A schedule that peaks at `limit` bytes or less and costs what the curve says there, or none if `limit`
    /// lies below the first breakpoint.
    pub fn schedule(&self, limit: u64) -> Option<Schedule> {
        match &self.table {
            Table::General(table) => table.schedule(&self.chain, limit),
            Table::Persistent(table) => table.schedule(&self.chain, limit),
        }
    }
}
