//! Tests of the planner against exhaustive search, the closed form of uniform chains, and a table of known
//! optima.

use super::*;

/// The 64-bit generator splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Uniform in low..=high.
    fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Delta {
    Beside,
    Over,
}

/// w_l = n_l, f_l = n_(l-1) n_l, e_l = n_(l-1) for l > 1 where delta is written beside the state, else 0.
fn dense(widths: &[u64], delta: Delta) -> Chain {
    let costs = widths.windows(2).map(|pair| pair[0] * pair[1]).collect();
    let extra = |(index, &width): (usize, &u64)| if index > 0 && delta == Delta::Beside { width } else { 0 };
    let extras = widths[..widths.len() - 1].iter().enumerate().map(extra).collect();
    Chain::new(widths[1..].to_vec(), costs, extras).unwrap()
}

/// Every w and f is 1, delta beside the state.
fn unit(depth: usize) -> Chain {
    dense(&vec![1; depth + 1], Delta::Beside)
}

fn random_widths(random: &mut Random, depth: usize) -> Vec<u64> {
    (0..=depth).map(|_| random.within(16, 2048)).collect()
}

/// A small chain of one of several kinds: few or many distinct widths, costs from widths or free, extras or
/// none.
fn random_chain(random: &mut Random) -> Chain {
    let depth = random.within(1, 9) as usize;
    let largest = [1, 2, 4, 12, 100][random.within(0, 4) as usize];
    let widths: Vec<u64> = (0..=depth).map(|_| random.within(1, largest)).collect();
    let delta = if random.next().is_multiple_of(2) { Delta::Beside } else { Delta::Over };
    let chain = dense(&widths, delta);
    let mut states = chain.state_bytes().to_vec();
    let mut costs = chain.forward_costs().to_vec();
    let mut extras = chain.backward_extra_bytes().to_vec();
    if random.next().is_multiple_of(3) {
        extras.iter_mut().for_each(|extra| *extra += random.within(0, largest));
    }
    if random.next().is_multiple_of(4) {
        costs.iter_mut().for_each(|cost| *cost = random.within(0, 5));
    }
    if random.next().is_multiple_of(8) {
        states.iter_mut().for_each(|state| *state = random.within(0, 2));
    }
    Chain::new(states, costs, extras).unwrap()
}

/// The value of a curve at `limit`.
fn value(curve: &[Breakpoint], limit: u64) -> Option<u64> {
    curve.iter().rev().find(|point| point.bytes <= limit).map(|point| point.forward_cost)
}

/// The schedule under `limit` runs, stays inside it, and costs what the curve says.
fn assert_schedule(planner: &Planner, chain: &Chain, limit: u64) {
    let schedule = planner.schedule(limit);
    let expected = value(planner.curve(), limit);
    let Some(schedule) = schedule else {
        assert_eq!(expected, None, "no schedule at {limit} of {chain:?}");
        return;
    };
    let cost = chain.run(&schedule).unwrap();
    assert!(cost.peak_bytes <= limit, "peak {} over {limit} of {chain:?}", cost.peak_bytes);
    assert_eq!(Some(cost.forward_cost), expected, "cost at {limit} of {chain:?}");
}

fn assert_curve(planner: &Planner, chain: &Chain) {
    let curve = planner.curve();
    assert!(curve.windows(2).all(|pair| pair[0].bytes < pair[1].bytes));
    assert!(curve.windows(2).all(|pair| pair[0].forward_cost > pair[1].forward_cost));
    let plain = chain.run(&chain.plain()).unwrap();
    let last = curve.last().unwrap();
    assert_eq!(last.forward_cost, plain.forward_cost);
    assert!(last.bytes <= plain.peak_bytes);
    if chain.forward_costs().iter().all(|&cost| cost > 0) {
        assert_eq!(last.bytes, plain.peak_bytes);
    }
}

fn plan(chain: &Chain, method: Method) -> Planner {
    Planner::with_method(chain, method).unwrap()
}

fn binomial(n: u64, k: u64) -> u64 {
    (1..=k).fold(1, |product, factor| product * (n - k + factor) / factor)
}

/// Griewank and Walther, Algorithm 799: the fewest forwards of the first l steps with s checkpoints,
/// t(l,s) = r l - C(s+r, s+1), r the smallest integer with l <= C(s+r, s).
fn revolve(l: u64, s: u64) -> u64 {
    let r = (0..).find(|&r| l <= binomial(s + r, s)).unwrap();
    r * l - binomial(s + r, s + 1)
}

#[test]
fn general_curve_equals_exhaustive_search_everywhere() {
    let mut random = Random(1);
    let mut points = 0;
    while points < 25_000 {
        let chain = random_chain(&mut random);
        let planner = plan(&chain, Method::General);
        assert_curve(&planner, &chain);
        let curve = planner.curve();
        let (first, last) = (curve[0].bytes, curve[curve.len() - 1].bytes);
        // A breakpoint and the byte below it: the whole step function is compared, not a sample of it.
        let mut limits: Vec<u64> =
            curve.iter().flat_map(|point| [point.bytes.saturating_sub(1), point.bytes]).collect();
        limits.extend((0..4).map(|_| random.within(first / 2, last + last / 4 + 1)));
        for limit in limits {
            let optimum = optimum(&chain, limit).unwrap();
            assert_eq!(value(curve, limit), optimum, "at {limit} of {chain:?}");
            assert_schedule(&planner, &chain, limit);
            points += 1;
        }
    }
}

#[test]
fn persistent_curves_are_bounded_by_exhaustive_search() {
    let mut random = Random(2);
    let (mut equal, mut worse) = (0, 0);
    for _ in 0..300 {
        let chain = random_chain(&mut random);
        let persistent = plan(&chain, Method::Persistent);
        assert_curve(&persistent, &chain);
        for point in persistent.curve() {
            assert_schedule(&persistent, &chain, point.bytes);
            let optimum = optimum(&chain, point.bytes).unwrap().unwrap();
            assert!(optimum <= point.forward_cost);
            if optimum == point.forward_cost {
                equal += 1;
            } else {
                worse += 1;
            }
        }
    }
    assert!(worse > 0 && equal > 10 * worse, "{equal} equal, {worse} worse");
}

#[test]
fn uniform_chains_meet_the_closed_form() {
    for depth in 2..=20 {
        let chain = unit(depth);
        for method in [Method::General, Method::Persistent, Method::Windowed] {
            let planner = plan(&chain, method);
            assert_eq!(value(planner.curve(), 2), None);
            for limit in 3..=25 {
                let expected = revolve(depth as u64, limit - 2) + 1;
                assert_eq!(value(planner.curve(), limit), Some(expected), "{method:?} {depth} {limit}");
                assert_schedule(&planner, &chain, limit);
            }
        }
    }
}

#[test]
fn closed_form_meets_its_printed_table() {
    let slots = [1, 2, 3, 4, 5, 6, 8, 10];
    let table = [
        (5, [10, 6, 5, 4, 4, 4, 4, 4]),
        (10, [45, 20, 15, 14, 13, 12, 10, 9]),
        (20, [190, 65, 45, 39, 33, 32, 30, 28]),
        (64, [2016, 420, 258, 200, 172, 156, 137, 116]),
        (100, [4950, 845, 490, 374, 316, 280, 245, 222]),
    ];
    for (depth, forwards) in table {
        let planner = plan(&unit(depth), Method::Persistent);
        for (s, expected) in slots.into_iter().zip(forwards) {
            assert_eq!(revolve(depth as u64, s), expected, "t({depth}, {s})");
            assert_eq!(value(planner.curve(), s + 2), Some(expected + 1), "P({depth}, {s})");
        }
    }
}

#[test]
fn unequal_widths_meet_the_table() {
    let hidden = [100, 512, 512, 512, 512, 512, 512, 1];
    /// Limit, optimum, best persistent.
    type Row = (u64, u64, Option<u64>);
    let same = |limit, cost| (limit, cost, Some(cost));
    let table: [(&[u64], Delta, u64, Vec<Row>); 5] = [
        (&[1, 1, 2, 1, 2], Delta::Beside, 7, vec![(5, 10, Some(11))]),
        (&[1, 1, 2, 2, 1, 3], Delta::Over, 12, vec![(5, 19, Some(20))]),
        (&[3, 6, 7, 9, 3, 6, 9, 2], Delta::Beside, 240, vec![(23, 486, None)]),
        (
            &[784, 512, 256, 128, 10],
            Delta::Over,
            566_528,
            vec![same(768, 967_936), same(896, 697_600), same(906, 566_528)],
        ),
        (
            &hidden,
            Delta::Over,
            1_362_432,
            vec![
                same(1536, 2_251_264),
                same(1537, 1_937_920),
                same(2049, 1_675_776),
                same(2561, 1_413_632),
                same(3073, 1_362_432),
            ],
        ),
    ];
    for (widths, delta, plain, rows) in table {
        let chain = dense(widths, delta);
        assert_eq!(chain.run(&chain.plain()).unwrap().forward_cost, plain);
        let general = plan(&chain, Method::General);
        let persistent = plan(&chain, Method::Persistent);
        for (limit, best, best_persistent) in rows {
            assert_eq!(optimum(&chain, limit), Ok(Some(best)), "{widths:?} at {limit}");
            assert_eq!(value(general.curve(), limit), Some(best), "{widths:?} at {limit}");
            assert_eq!(value(persistent.curve(), limit), best_persistent, "{widths:?} at {limit}");
            assert_schedule(&general, &chain, limit);
            assert_schedule(&persistent, &chain, limit);
        }
    }
}

#[test]
fn twenty_layers_are_certified() {
    let chain = dense(&random_widths(&mut Random(3), 20), Delta::Beside);
    let planner = plan(&chain, Method::General);
    let curve = planner.curve();
    let point = curve[curve.len() / 2];
    assert_eq!(optimum(&chain, point.bytes), Ok(Some(point.forward_cost)));
    assert_schedule(&planner, &chain, point.bytes);
}

#[test]
fn exhaustive_search_refuses_deep_chains() {
    let refusal = ChainError::TooDeep { depth: CERTIFIABLE + 1, most: CERTIFIABLE };
    assert_eq!(optimum(&unit(CERTIFIABLE + 1), 100), Err(refusal));
}

/// A sample of the schedules of a curve, its ends among them, and one byte below the first.
fn assert_sampled_schedules(planner: &Planner, chain: &Chain, samples: usize) {
    assert_curve(planner, chain);
    let curve = planner.curve();
    for sample in 0..=samples {
        let point = curve[sample * (curve.len() - 1) / samples];
        assert_schedule(planner, chain, point.bytes);
        assert_schedule(planner, chain, point.bytes - 1);
    }
}

#[test]
fn hundred_layers_have_schedules_at_their_breakpoints() {
    let mut random = Random(4);
    for chain in [unit(100), dense(&random_widths(&mut random, 70), Delta::Over)] {
        let planner = plan(&chain, Method::Persistent);
        assert_sampled_schedules(&planner, &chain, 50);
    }
    let chain = dense(&random_widths(&mut random, 100), Delta::Beside);
    let persistent = plan(&chain, Method::Persistent);
    assert_sampled_schedules(&persistent, &chain, 50);
    let windowed = plan(&chain, Method::Windowed);
    assert_sampled_schedules(&windowed, &chain, 50);
    let mut excess = 0.0;
    for point in persistent.curve() {
        let found = value(windowed.curve(), point.bytes).unwrap();
        assert!(found >= point.forward_cost);
        excess += found as f64 / point.forward_cost as f64 - 1.0;
    }
    assert!(excess / (persistent.curve().len() as f64) < 0.002, "mean excess {excess}");
}

#[test]
fn thousand_layers_have_schedules_at_their_breakpoints() {
    let random = dense(&random_widths(&mut Random(5), 1000), Delta::Beside);
    for chain in [unit(1000), random] {
        let planner = plan(&chain, Method::Windowed);
        assert_sampled_schedules(&planner, &chain, 20);
    }
}

#[test]
fn windowed_stays_near_the_closed_form() {
    let chain = unit(1000);
    let planner = plan(&chain, Method::Windowed);
    for limit in 3..=1002 {
        let exact = revolve(1000, limit - 2) + 1;
        let found = value(planner.curve(), limit).unwrap();
        assert!(found >= exact);
        assert!(found as f64 <= exact as f64 * 1.02, "{found} for {exact} at {limit}");
    }
}

#[test]
fn equal_sub_chains_do_not_change_the_curve() {
    // Periodic inside, with other ends: most sub-chains repeat. A cost that differs by its last digit parts
    // them all.
    let widths = [7, 5, 9, 5, 9, 5, 9, 5, 9, 2];
    let chain = dense(&widths, Delta::Beside);
    let distinct = Chain::new(
        chain.state_bytes().to_vec(),
        chain
            .forward_costs()
            .iter()
            .enumerate()
            .map(|(index, cost)| cost * 1000 + index as u64 % 9)
            .collect(),
        chain.backward_extra_bytes().to_vec(),
    )
    .unwrap();
    for method in [Method::General, Method::Persistent] {
        let shared = plan(&chain, method);
        let parted = plan(&distinct, method);
        for point in shared.curve() {
            let cost = value(parted.curve(), point.bytes).unwrap();
            assert_eq!(cost / 1000, point.forward_cost, "{method:?} at {}", point.bytes);
        }
    }
}

/// Which of the sub-problems over grids are equal depends on where the grids' positions lie, too: the grids pair the layers
/// of the second of two equal blocks otherwise, where their number is odd. The costs of the one chain differ so little that
/// nothing is kept otherwise than in the other.
#[test]
fn equal_sub_problems_over_grids_do_not_change_the_curve() {
    let mut random = Random(10);
    for block in [91, 75] {
        let block: Vec<u64> = (0..block).map(|_| random.within(16, 24)).collect();
        let chain = dense(&[&block[..], &block, &block[..1]].concat(), Delta::Beside);
        let scaled = |digit: fn(u64) -> u64| {
            let costs = chain.forward_costs().iter().enumerate();
            let costs = costs.map(|(index, cost)| cost * 100_000_000 + digit(index as u64)).collect();
            let extras = chain.backward_extra_bytes().to_vec();
            Chain::new(chain.state_bytes().to_vec(), costs, extras).unwrap()
        };
        let shared = plan(&scaled(|_| 0), Method::Windowed);
        let parted = plan(&scaled(|index| index * index % 97), Method::Windowed);
        for point in shared.curve() {
            let cost = value(parted.curve(), point.bytes).unwrap();
            assert_eq!(cost / 100_000_000, point.forward_cost / 100_000_000, "at {}", point.bytes);
            assert!(shared.schedule(point.bytes).is_some(), "at {}", point.bytes);
        }
    }
}

/// Candidates that are gathered give the curve of those that are taken one by one.
#[test]
fn gathered_candidates_have_the_same_minimum() {
    use super::curve::{Candidate, Envelope};
    let mut random = Random(8);
    let (mut together, mut one_by_one) = (Envelope::default(), Envelope::default());
    let mut points = 0;
    for round in 0..400 {
        let unit = [1, 64, 1 << 40][round % 3];
        let curves = |random: &mut Random| -> Vec<Breakpoint> {
            let count = random.within(1, 30);
            let (mut bytes, mut forward_cost) = (random.within(0, 40) * unit, 5000);
            (0..count)
                .map(|_| {
                    bytes += random.within(1, 12) * unit;
                    forward_cost -= random.within(1, 60);
                    Breakpoint { bytes, forward_cost }
                })
                .collect()
        };
        let pairs: Vec<_> =
            (0..random.within(0, 12)).map(|_| (curves(&mut random), curves(&mut random))).collect();
        one_by_one.clear();
        for (first, second) in &pairs {
            let (least, kept) = (random.within(0, 120) * unit, random.within(0, 20) * unit);
            let candidate = Candidate { least, cost: random.within(0, 400), kept, first, second };
            one_by_one.lower(candidate);
            together.gather(candidate);
        }
        together.settle();
        assert_eq!(together.curve(), one_by_one.curve(), "round {round}");
        points += together.curve().len();
    }
    assert!(points > 8000, "{points}");
}

/// Of a deep chain of equal layers, nearly all sub-problems inside are equal, so that few are planned.
#[test]
fn equal_layers_are_planned_in_proportion_to_the_depth() {
    use super::persistent::{Extent, Persistent};
    let extent = Extent { window: 32, inner_breakpoints: 4, edge_breakpoints: 4 };
    let planned = |depth: usize| Persistent::windowed(&unit(depth), extent).planned_count();
    // Each that starts at 0 or ends at L is of a length of its own: 2 L - 1.
    assert!(planned(4000) < 2 * 4000 + 500, "{}", planned(4000));
}

#[test]
fn planners_are_made_once_and_are_the_same() {
    let chains = [unit(30), dense(&random_widths(&mut Random(9), 90), Delta::Beside)];
    let mut planners = Planners::new();
    for chain in &chains {
        assert_eq!(planners.least_bytes(chain), Planner::least_bytes(chain));
        let once: *const Planner = planners.of(chain);
        assert_eq!(planners.of(chain).curve(), Planner::new(chain).curve());
        assert!(std::ptr::eq(once, planners.of(chain)));
        assert_eq!(planners.least_bytes(chain), Planner::least_bytes(chain));
    }
}

#[test]
fn planner_chooses_by_size() {
    let random = |depth| dense(&random_widths(&mut Random(6), depth), Delta::Beside);
    assert_eq!(Planner::new(&random(1)).method(), Method::General);
    assert_eq!(Planner::new(&random(24)).method(), Method::General);
    assert_eq!(Planner::new(&random(60)).method(), Method::Persistent);
    assert_eq!(Planner::new(&random(200)).method(), Method::Windowed);
    assert_eq!(Planner::new(&unit(64)).method(), Method::General);
    assert!(Planner::with_method(&random(200), Method::General).is_none());
    assert!(Planner::with_method(&unit(513), Method::Persistent).is_none());
}

/// The note's figures for 512 x 64, every third state: 0.375 of the states' bytes, 0.666 of a forward pass again.
#[test]
fn periodic_schedules_run_and_are_beaten() {
    for depth in 1..=13 {
        let chain = unit(depth);
        for every in 1..=depth + 1 {
            let cost = chain.run(&Schedule::periodic(depth, every)).unwrap();
            let planner = Planner::new(&chain);
            assert!(value(planner.curve(), cost.peak_bytes).unwrap() <= cost.forward_cost);
            if every == 1 || every >= depth {
                assert_eq!(cost, chain.run(&chain.plain()).unwrap());
            }
        }
    }
    let chain = unit(64);
    let cost = chain.run(&Schedule::periodic(64, 3)).unwrap();
    assert_eq!(cost.forward_cost, 64 + 42);
    assert!(cost.peak_bytes <= 26, "{cost:?}");
}

#[test]
fn the_smallest_limit_is_the_first_breakpoint() {
    let random = |depth, seed| dense(&random_widths(&mut Random(seed), depth), Delta::Beside);
    let chains = [random(7, 1), random(40, 2), random(81, 3), random(150, 4), unit(100), unit(300)];
    for chain in chains {
        assert_eq!(
            Planner::least_bytes(&chain),
            Planner::new(&chain).curve()[0].bytes,
            "{} layers",
            chain.depth()
        );
    }
}

#[test]
fn one_layer_is_forward_and_backward() {
    let chain = Chain::new(vec![5], vec![3], vec![2]).unwrap();
    let planner = Planner::new(&chain);
    assert_eq!(planner.curve(), [Breakpoint { bytes: 7, forward_cost: 3 }]);
    assert_eq!(planner.schedule(6), None);
    let operations = vec![Operation::Forward(1), Operation::Backward(1)];
    assert_eq!(planner.schedule(7), Some(Schedule { operations }));
    assert_eq!(optimum(&chain, 6), Ok(None));
    assert_eq!(optimum(&chain, 7), Ok(Some(3)));
}

#[test]
fn simulator_counts_every_operation() {
    use Operation::{Backward, Drop, Forward};
    // w = 3, 5, 2; e = 0, 4, 1. Live bytes: F1 3, F2 8, drop, F3 7, B3 8, F1 5 + 3, B2 3 + 5 + 4, B1 3.
    let chain = Chain::new(vec![3, 5, 2], vec![10, 20, 30], vec![0, 4, 1]).unwrap();
    let operations =
        vec![Forward(1), Forward(2), Drop(1), Forward(3), Backward(3), Forward(1), Backward(2), Backward(1)];
    let cost = Cost { peak_bytes: 12, forward_cost: 70, forward_count: 4 };
    assert_eq!(chain.run(&Schedule { operations }), Ok(cost));
    // A forward while delta(2) waits beside a wide state 1: 5 + 9.
    let chain = Chain::new(vec![9, 5, 2], vec![1, 1, 1], vec![0, 0, 0]).unwrap();
    let operations =
        vec![Forward(1), Forward(2), Drop(1), Forward(3), Backward(3), Forward(1), Backward(2), Backward(1)];
    assert_eq!(chain.run(&Schedule { operations }).unwrap().peak_bytes, 14);
}

#[test]
fn simulator_rejects_what_cannot_run() {
    use Operation::{Backward, Drop, Forward};
    let chain = unit(3);
    let cases = [
        (vec![Forward(2)], 0, Fault::InputNotLive),
        (vec![Forward(0)], 0, Fault::NoSuchState),
        (vec![Forward(4)], 0, Fault::NoSuchState),
        (vec![Forward(1), Forward(1)], 1, Fault::AlreadyLive),
        (vec![Forward(1), Forward(2), Forward(3), Forward(3)], 3, Fault::LossRepeated),
        (vec![Forward(1), Drop(1), Forward(2)], 2, Fault::InputNotLive),
        (vec![Drop(1)], 0, Fault::NotLive),
        (vec![Drop(0)], 0, Fault::NoSuchState),
        (vec![Drop(3)], 0, Fault::NoSuchState),
        (vec![Forward(1), Forward(2), Backward(3)], 2, Fault::LossNotReached),
        (vec![Backward(0)], 0, Fault::NoSuchState),
        (vec![Backward(4)], 0, Fault::NoSuchState),
        (vec![Forward(1), Forward(2), Forward(3), Backward(2)], 3, Fault::BackwardOutOfOrder { next: 3 }),
        (vec![Forward(1), Forward(2), Forward(3), Drop(2), Backward(3)], 4, Fault::InputNotLive),
        (vec![Forward(1), Forward(2), Forward(3)], 3, Fault::Unfinished { next: 3 }),
        (vec![], 0, Fault::Unfinished { next: 3 }),
    ];
    for (operations, index, fault) in cases {
        let operation = operations.get(index).copied();
        let error = chain.run(&Schedule { operations }).unwrap_err();
        assert_eq!(error, ScheduleError { index, operation, fault });
    }
    let mut twice = chain.plain();
    twice.operations.push(Backward(1));
    let fault = Fault::BackwardOutOfOrder { next: 0 };
    let error = ScheduleError { index: 6, operation: Some(Backward(1)), fault };
    assert_eq!(chain.run(&twice), Err(error));
    assert_eq!(error.to_string(), "operation 6 (B1): all backwards are done");

    let costly = Chain::new(vec![1, 1], vec![u64::MAX / 4, 0], vec![0, 0]).unwrap();
    let operations = [Forward(1), Drop(1)].repeat(5);
    assert_eq!(costly.run(&Schedule { operations }).unwrap_err().fault, Fault::CostOverflow);
}

#[test]
fn chain_rejects_bad_numbers() {
    assert_eq!(Chain::new(vec![], vec![], vec![]), Err(ChainError::NoLayers));
    let unequal = ChainError::UnequalLengths { states: 2, forwards: 1, backwards: 2 };
    assert_eq!(Chain::new(vec![1, 1], vec![1], vec![0, 0]), Err(unequal));
    let unequal = ChainError::UnequalLengths { states: 0, forwards: 0, backwards: 1 };
    assert_eq!(Chain::new(vec![], vec![], vec![0]), Err(unequal));
    let large = u64::MAX / 2;
    assert_eq!(Chain::new(vec![large, 1], vec![1, 1], vec![0, 0]), Err(ChainError::BytesOverflow));
    assert_eq!(Chain::new(vec![u64::MAX, 1], vec![1, 1], vec![0, 0]), Err(ChainError::BytesOverflow));
    assert_eq!(Chain::new(vec![large], vec![1], vec![2]), Err(ChainError::BytesOverflow));
    assert!(Chain::new(vec![large], vec![1], vec![1]).is_ok());
    assert_eq!(Chain::new(vec![1, 1], vec![large, 1], vec![0, 0]), Err(ChainError::CostOverflow));
    assert_eq!(Chain::new(vec![1, 1], vec![u64::MAX, 1], vec![0, 0]), Err(ChainError::CostOverflow));
    assert!(Chain::new(vec![1, 1], vec![large, 0], vec![0, 0]).is_ok());
}

#[test]
fn largest_numbers_do_not_overflow() {
    let bytes = u64::MAX / 16;
    let cost = u64::MAX / 16;
    let chain = Chain::new(vec![bytes; 4], vec![cost; 4], vec![0, bytes, bytes, bytes]).unwrap();
    for method in [Method::General, Method::Persistent, Method::Windowed] {
        let planner = plan(&chain, method);
        let forwards: Vec<u64> = planner.curve().iter().map(|point| point.forward_cost / cost).collect();
        assert_eq!(forwards, [7, 5, 4]);
        assert_schedule(&planner, &chain, u64::MAX);
        assert_schedule(&planner, &chain, 3 * bytes);
    }
    assert_eq!(optimum(&chain, u64::MAX), Ok(Some(4 * cost)));
}
