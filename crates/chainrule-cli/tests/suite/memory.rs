//! `chainrule plan`, and `--memory`: the numbers that are printed are an optimum, and limits change no result.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use serde_json::Value;

use crate::place::Place;

fn numbers(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect()
}

fn number(plan: &Value, key: &str) -> u64 {
    plan[key].as_u64().unwrap_or_else(|| panic!("{key} is a number in {plan}"))
}

/// The model's own numbers: w_1.., f_1.., e_1.. of a chain.
struct Chain {
    w: Vec<u64>,
    f: Vec<u64>,
    e: Vec<u64>,
}

impl Chain {
    fn of(plan: &Value) -> Self {
        let list = |key: &str| numbers(&plan[key]);
        Chain { w: list("state_bytes"), f: list("forward_flops"), e: list("backward_extra_bytes") }
    }

    /// The fewest FLOPs of all schedules that hold at most `limit` bytes, by trying all: a path through sets of states
    /// that are there (bit l is state l) and the next layer to go back.
    fn optimum(&self, limit: u64) -> Option<u64> {
        let depth = self.w.len();
        let bytes = |live: u32| (1..depth).filter(|l| live >> l & 1 == 1).map(|l| self.w[l - 1]).sum::<u64>();
        let mut best = HashMap::new();
        // Cost, states, next backward layer; that is depth + 1 before the loss.
        let mut queue = BinaryHeap::from([Reverse((0u64, 0u32, depth + 1))]);
        while let Some(Reverse((cost, live, next))) = queue.pop() {
            if next == 0 {
                return Some(cost);
            }
            if *best.entry((live, next)).or_insert(cost) < cost {
                continue;
            }
            let delta = if next > depth { 0 } else { self.w[next - 1] };
            let held = bytes(live) + delta;
            let is_there = |l: usize| l == 0 || live >> l & 1 == 1;
            let mut reach = |extra: u64, cost: u64, live: u32, next: usize| {
                if held + extra <= limit && best.get(&(live, next)).is_none_or(|known| *known > cost) {
                    best.insert((live, next), cost);
                    queue.push(Reverse((cost, live, next)));
                }
            };
            for l in 1..depth {
                if is_there(l - 1) && !is_there(l) {
                    reach(self.w[l - 1], cost + self.f[l - 1], live | 1 << l, next);
                }
                if is_there(l) {
                    reach(0, cost, live & !(1 << l), next);
                }
            }
            if next > depth && is_there(depth - 1) {
                reach(self.w[depth - 1], cost + self.f[depth - 1], live, depth);
            }
            if next <= depth && is_there(next - 1) {
                let left = if next == 1 { live } else { live & !(1 << (next - 1)) };
                reach(self.e[next - 1], cost, left, next - 1);
            }
        }
        None
    }

    /// Peak and FLOPs of a schedule in the words of the JSON.
    fn run(&self, schedule: &Value) -> (u64, u64) {
        let depth = self.w.len();
        let (mut live, mut delta, mut next) = (vec![false; depth + 1], 0, depth);
        live[0] = true;
        let (mut peak, mut flops) = (0, 0);
        for operation in schedule.as_array().unwrap() {
            let text = operation.as_str().unwrap();
            let (kind, l) = text.split_once(['_', ' ']).unwrap();
            let l: usize = l.parse().unwrap();
            let held = (1..depth).filter(|&l| live[l]).map(|l| self.w[l - 1]).sum::<u64>() + delta;
            match kind {
                "F" => {
                    assert!(live[l - 1] && !live[l], "{text}");
                    peak = peak.max(held + self.w[l - 1]);
                    flops += self.f[l - 1];
                    live[l] = l < depth;
                    delta = if l == depth { self.w[l - 1] } else { delta };
                }
                "drop" => live[l] = false,
                "B" => {
                    assert!(l == next && live[l - 1], "{text}");
                    peak = peak.max(held + self.e[l - 1]);
                    (live[l - 1], next) = (l == 1, l - 1);
                    delta = if l > 1 { self.w[l - 2] } else { 0 };
                }
                _ => panic!("{text}"),
            }
        }
        assert_eq!(next, 0);
        (peak, flops)
    }
}

#[test]
fn the_curve_is_the_optimum_of_its_own_numbers() {
    let place = Place::new();
    let networks = [
        "--layers 30,100,20,80,10,90,3 --batch 200",
        "--layers 30,100,20,80,10,90,3 --batch 10 --optimizer adam",
        "--layers 5,64x7,2 --batch 1000 --activation gelu --loss cross-entropy",
        "--layers 40,30x5,40 --batch 500 --dropout 0.2 --keep-gradients",
        "--layers 20,60,10,60,10,60,5 --batch 300 --dtype f64 --microbatches 3",
    ];
    let mut points = 0;
    for network in networks {
        let plan = place.json(&format!("plan {network} --threads 2 --json"));
        let (chain, fixed) = (Chain::of(&plan), number(&plan, "fixed_bytes"));
        let curve: Vec<Vec<u64>> = plan["curve"].as_array().unwrap().iter().map(numbers).collect();
        for point in &curve {
            assert_eq!(chain.optimum(point[0] - fixed), Some(point[1]), "{network}: {point:?}");
            assert!(chain.optimum(point[0] - fixed - 1).is_none_or(|flops| flops > point[1]), "{network}");
            let limit = point[0];
            let parts = if network.contains("--microbatches") { "" } else { "--microbatches 1" };
            let line = format!("plan {network} --threads 2 --json --memory {limit} {parts}");
            let within = place.json(&line);
            let (peak, flops) = chain.run(&within["schedule"]);
            assert_eq!((peak + fixed, flops), (number(&within, "peak_bytes"), point[1]), "{network}");
            assert!(number(&within, "peak_bytes") <= limit);
            assert_eq!(within["certificate"], "optimal, certified", "{network}");
            let ledger = within["ledger"].as_array().unwrap().iter();
            let sum: u64 = ledger.map(|entry| number(entry, "bytes")).sum();
            assert_eq!(sum, number(&within, "peak_bytes"));
            points += 1;
        }
        assert_eq!(curve.last().unwrap()[1], numbers(&plan["forward_flops"]).iter().sum::<u64>());
        assert_eq!(curve[0][0], number(&plan, "minimum_bytes"), "{network}");
    }
    assert!(points > 30, "{points}");
}

#[test]
fn plans_are_shown_and_drawn() {
    let place = Place::new();
    let line = "plan --layers 784,512x64,10 --activation relu --batch 4096 --optimizer adam";
    let text = place.good(line);
    for part in
        ["always held", "plain step", "nothing", "forward   1-65", "backward  65-1", "optimal, certified"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let text = place.good(&format!("{line} --memory 400MiB --microbatches 1 -o curve.svg"));
    for part in ["chosen", "peak 39", "recompute", "best found", "curve.svg", "within 400.0 MiB"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let picture = place.text("curve.svg");
    assert!(picture.starts_with("<svg") && picture.contains("recomputed, %") && picture.contains("polyline"));
    let text = place.good(&format!("{line} --memory 400MiB --cost measured --microbatches 1"));
    assert!(text.contains("of the forward time"), "{text}");
    // Where nothing can be saved.
    assert!(place.good("plan --layers 784,10").contains("recomputing saves nothing"));
}

#[test]
fn models_are_planned_for_as_they_were_trained() {
    let place = Place::new();
    place.good("train digits -o model.safetensors --epochs 1 --batch-size 100 --clip-norm 1 --layers 30x4");
    let plan = place.json("plan model.safetensors --json");
    assert_eq!((number(&plan, "batch"), plan["optimizer"].as_str()), (100, Some("adamw")));
    let ledger = plan["ledger"].as_array().unwrap();
    assert!(ledger.iter().any(|entry| entry["purpose"] == "gradients"));
    let inspected = place.json("inspect model.safetensors --json");
    let sum: u64 =
        inspected["step"]["ledger"].as_array().unwrap().iter().map(|entry| number(entry, "bytes")).sum();
    assert_eq!(sum, number(&inspected["step"], "bytes"));
    assert!(place.good("inspect model.safetensors").contains("a training step of 100 rows with adamw holds"));
}

/// Training within a limit, whole or in parts, writes the same file byte for byte.
#[test]
fn limits_change_no_bit_of_a_model() {
    let place = Place::new();
    let line = "train digits --layers 60,20x4,60,20x4,60 --activation gelu --dropout 0.1 --epochs 3 --batch-size 900";
    let free = place.json(&format!("{line} -o free.safetensors --json"));
    let most = number(&free["memory"], "bytes");
    let least = least_of(&place, &format!("{line} --microbatches 1"));
    assert!(least < most * 9 / 10, "{least} of {most}");
    let mut seen = Vec::new();
    for (limit, parts) in [(least, "1"), (least.midpoint(most), "1"), (least, "auto"), (most, "4")] {
        let limited = place
            .json(&format!("{line} --memory {limit} --microbatches {parts} -o limited.safetensors --json"));
        let memory = &limited["memory"];
        assert!(number(memory, "bytes") <= limit, "{memory}");
        seen.push((number(memory, "microbatches") > 1, memory["recomputed"].as_f64().unwrap() > 0.0));
        assert!(place.read("limited.safetensors") == place.read("free.safetensors"), "{limit} in {parts}");
    }
    assert!(
        seen.iter().any(|(parts, _)| *parts) && seen.iter().any(|(_, recomputed)| *recomputed),
        "{seen:?}"
    );
}

/// The smallest limit, as a refusal names it.
fn least_of(place: &Place, line: &str) -> u64 {
    let message = place.refused(&format!("{line} --memory 1KiB"), &["needs at least"]);
    let named = message.split("give --memory ").nth(1).unwrap().split_whitespace().next().unwrap();
    named.parse().unwrap()
}

#[test]
fn limits_that_cannot_be_kept_are_refused() {
    let place = Place::new();
    for (limit, words) in [
        ("0", vec!["--memory", "more than 0 bytes"]),
        ("-5MB", vec!["--memory", "more than 0 bytes"]),
        ("lots", vec!["--memory", "not a number of bytes", "512MiB"]),
        ("99999999999999999999", vec!["--memory", "64 bits"]),
        (
            "10KB",
            vec!["--memory 9.8 KiB", "at least", "bytes); give --memory", "adamw keeps", "a smaller batch"],
        ),
    ] {
        place.refused(&format!("train digits --memory={limit}"), &words);
        place.refused(&format!("bench digits --optimizer adamw --memory={limit}"), &words);
        place.refused(&format!("plan --layers 64,128,10 --optimizer adamw --memory={limit}"), &words);
    }
    place.refused("train digits --memory -5MB", &["more than 0 bytes"]);
    place.refused("plan --layers 100000000000000000,1 --batch 1 --threads 1000", &["too large"]);
    place.refused("plan --layers 5,5 -o curve.png", &[".svg"]);
    assert!(place.names().is_empty(), "{:?}", place.names());
    // The limit that a refusal names can be kept, and one byte less cannot.
    let line = "plan --layers 300,200x12,5 --batch 512 --optimizer adam --microbatches 1";
    let least = least_of(&place, line);
    assert!(place.good(&format!("{line} --memory {least}")).contains("schedule"));
    place.refused(&format!("{line} --memory {}", least - 1), &[&least.to_string()]);
    // Parts are made without a limit, too, and a large layer is measured in part.
    assert_eq!(
        place.json("bench --layers 9,9,9 --rounds 1 --seconds 0.001 --microbatches 4 --json")["microbatches"],
        4
    );
    assert!(place.good("plan --layers 100000,100000,10 --cost measured").contains("plain step"));
    // More than the machine has is no harm, nor is what is free.
    for limit in ["100TB", "18446744073709551615", "auto"] {
        assert!(place.good(&format!("{line} --memory {limit}")).contains("recomputes  nothing"));
    }
    place.refused("plan", &["--layers"]);
    place.refused("plan --layers 5", &["at least two widths"]);
    place.refused("plan --layers 5,5 --microbatches 0", &["1 or more"]);
    place.refused(
        "plan --layers 5,5 --batch 3 --microbatches 4",
        &["micro-batches for 3 samples: expected 1 to 3, found 4"],
    );
    place.refused("plan --layers 5,5 -o nowhere/curve.svg", &["nowhere"]);
    place.refused("plan missing.safetensors", &["missing.safetensors"]);
}
