//! The layer for columns of data: beside its plain loops, finite differences, every memory plan, any number of threads, with
//! missing numbers; its model file and its trace.

use chainrule::layer::{AsIs, ColumnPiece, Columns, Periodic, PiecewiseLinear, Scale, Table};
use chainrule::reference::compute;
use chainrule::trace::{Computation, Quantity, trace};
use chainrule::*;
use tempfile::TempDir;

use crate::common::*;

fn as_is(width: usize, missing: bool) -> ColumnPiece {
    ColumnPiece::AsIs(AsIs { width, missing })
}

fn periodic(width: usize, hidden: usize, outputs: usize, missing: bool) -> ColumnPiece {
    ColumnPiece::Periodic(Periodic { width, hidden, outputs, deviation: 0.3, missing })
}

fn piecewise(boundaries: &[&[f64]], outputs: usize, missing: bool) -> ColumnPiece {
    let boundaries = boundaries.iter().map(|list| list.to_vec()).collect();
    ColumnPiece::PiecewiseLinear(PiecewiseLinear { boundaries, outputs, missing })
}

fn table(categories: usize, outputs: usize) -> ColumnPiece {
    ColumnPiece::Table(Table { categories, outputs })
}

/// Pieces alone and beside each other, narrower and wider than vectors and panels.
fn layers() -> Vec<Columns> {
    let (two, five): (&[f64], &[f64]) = (&[-0.5, 0.5], &[-1.0, -0.4, -0.3, 0.6, 1.2]);
    let all = vec![
        periodic(3, 5, 2, true),
        as_is(2, false),
        table(4, 3),
        piecewise(&[five, two], 2, true),
        as_is(1, true),
        table(3, 1),
        periodic(2, 16, 3, false),
    ];
    let of = |pieces: Vec<ColumnPiece>| Columns { pieces };
    vec![
        of(vec![as_is(1, false)]),
        of(vec![as_is(4, true)]),
        of(vec![periodic(1, 1, 1, false)]),
        of(vec![periodic(17, 33, 3, true)]),
        // More outputs than are worked on at once.
        of(vec![periodic(2, 18, 7, true)]),
        of(vec![periodic(40, 16, 3, false)]),
        of(vec![piecewise(&[five; 9], 33, false)]),
        of(vec![table(33, 35), table(2, 1)]),
        of(all),
    ]
}

fn inputs_of(columns: &Columns) -> usize {
    columns.pieces.iter().map(ColumnPiece::inputs).sum()
}

/// A case whose inputs are numbers, indices of categories (one in ten is none), and gaps (one in four) where there may be any.
fn case(columns: &Columns, rows: usize, seed: u64) -> Case {
    let network = Network::builder(inputs_of(columns))
        .layer(columns.clone().into())
        .layer(Scale {}.into())
        .dense(6, Activation::Mish)
        .dropout(0.2)
        .dense(3, Activation::Softmax)
        .build()
        .unwrap();
    let mut case = Case::new(network, Loss::cross_entropy(), rows, seed);
    case.mode = Mode::Training { seed: 9, step: 0 };
    fill(columns, &mut case.data.inputs, seed);
    case
}

fn fill(columns: &Columns, inputs: &mut Matrix<f64>, seed: u64) {
    let mut numbers = Numbers::new(seed + 100);
    for row in 0..inputs.rows() {
        let mut first = 0;
        for piece in &columns.pieces {
            for column in first..first + piece.inputs() {
                let value = &mut inputs[(row, column)];
                let is_missing = |numbers: &mut Numbers| numbers.below(4) == 0;
                match piece {
                    ColumnPiece::Table(table) => {
                        *value = match numbers.below(10) {
                            0 => [-1.0, 0.5, table.categories as f64, f64::NAN][numbers.below(4)],
                            _ => numbers.below(table.categories) as f64,
                        }
                    }
                    ColumnPiece::AsIs(AsIs { missing: true, .. })
                    | ColumnPiece::Periodic(Periodic { missing: true, .. })
                    | ColumnPiece::PiecewiseLinear(PiecewiseLinear { missing: true, .. })
                        if is_missing(&mut numbers) =>
                    {
                        *value = f64::NAN;
                    }
                    _ => {}
                }
            }
            first += piece.inputs();
        }
    }
}

fn cases(rows: usize) -> impl Iterator<Item = (String, Case)> {
    layers().into_iter().enumerate().map(move |(index, columns)| {
        (format!("columns {index}, {rows} rows"), case(&columns, rows, index as u64))
    })
}

fn assert_near_the_loops<T: Scalar>(what: &str, case: &Case, bound: f64) {
    let expected =
        compute(&case.network, &case.parameters, &case.loss, case.data.samples(), case.mode, None).unwrap();
    let (parameters, data) = (case.parameters.cast::<T>(), case.data.cast::<T>());
    let found = five_steps(&case.network, &parameters, &case.loss, data.samples(), case.mode);
    let check = |name: &str, found: &[T], expected: &[f64]| {
        let distance = distance(found, expected);
        assert!(distance <= bound, "{what}, {}: {name} is {distance:e} away", T::NAME);
    };
    check("a(1)", found.cache.activation(1).as_slice(), expected.a[1].as_slice());
    check("delta(1)", found.deltas.delta(1).as_slice(), expected.delta[1].as_slice());
    for tensor in case.network.tensors() {
        let (found, expected) = (found.gradients.tensor(tensor), expected.gradients.tensor(tensor));
        check(&tensor.name, &found.to_vec(), &expected.to_vec());
    }
}

#[test]
fn pieces_are_their_plain_loops() {
    for rows in [1, 7, 31, 32, 33, 70] {
        for (what, case) in cases(rows) {
            assert_near_the_loops::<f64>(&what, &case, 1e-12);
            assert_near_the_loops::<f32>(&what, &case, 1e-4);
        }
    }
}

#[test]
fn gradients_are_finite_differences_under_every_memory_plan() {
    let mut checked = Checked::default();
    for (_, case) in cases(40).filter(|(_, case)| case.network.parameter_count() < 600) {
        checked.add(case.check());
    }
    assert!(checked.compared > 500, "{checked:?}");
    checked.assert_meaningful();
}

/// Several steps of training, fused, with gradients kept, and by the public functions.
fn assert_steps_are_equal<T: Scalar>(what: &str, case: &Case) {
    let rule = Rule::from_name("adamw").unwrap();
    let (start, data) = (case.parameters.cast::<T>(), case.data.cast::<T>());
    let mut expected = start.clone();
    let mut optimizer = Optimizer::new(rule.clone(), &expected).unwrap();
    for step in 0..3 {
        let mode = Mode::Training { seed: 5, step };
        let five = five_steps(&case.network, &expected, &case.loss, data.samples(), mode);
        update_with(&mut optimizer, &mut expected, &five.gradients);
    }
    for (threads, keeps) in [(1, false), (2, false), (5, false), (2, true)] {
        let mut parameters = start.clone();
        let mut optimizer = Optimizer::new(rule.clone(), &parameters).unwrap();
        let mut step = TrainingStep::new(&case.network, &case.loss, None, data.len()).unwrap();
        if keeps {
            step = step.keeping_gradients();
        }
        for _ in 0..3 {
            step.run(&Threads::new(threads), &mut parameters, &mut optimizer, data.samples(), Some(5))
                .unwrap();
        }
        assert_same_parameters(&format!("{what}, {threads} threads"), &parameters, &expected);
    }
}

fn update_with<T: Scalar>(
    optimizer: &mut Optimizer<T>,
    parameters: &mut Parameters<T>,
    gradients: &Gradients<T>,
) {
    optimizer.update(&Threads::single(), parameters, gradients).unwrap();
}

#[test]
fn the_fused_step_and_any_number_of_threads_give_the_same_bits() {
    for rows in [41, 700] {
        for (what, case) in cases(rows) {
            assert_steps_are_equal::<f32>(&what, &case);
            assert_steps_are_equal::<f64>(&what, &case);
            let (parameters, data) = (case.parameters.cast::<f32>(), case.data.cast::<f32>());
            let whole = infer(&Threads::new(2), &case.network, &parameters, data.inputs.view()).unwrap();
            let last = data.len() - 1;
            let alone = data.select(&[last]);
            let alone = infer(&Threads::single(), &case.network, &parameters, alone.inputs.view()).unwrap();
            assert_same_bits(&what, alone.row(0), whole.row(last));
        }
    }
}

#[test]
fn a_step_in_less_memory_updates_to_the_same_bits() {
    use chainrule::checkpoint::Planner;
    use chainrule::plan::{MemoryPlan, StepModel, StepShape};
    let rule = Rule::from_name("adam").unwrap();
    for (what, case) in cases(300) {
        let (start, data) = (case.parameters.cast::<f32>(), case.data.cast::<f32>());
        let train = |step: &mut TrainingStep<f32>| {
            let mut parameters = start.clone();
            let mut optimizer = Optimizer::new(rule.clone(), &parameters).unwrap();
            for _ in 0..2 {
                step.run(&Threads::new(2), &mut parameters, &mut optimizer, data.samples(), Some(5)).unwrap();
            }
            parameters
        };
        let expected = train(&mut TrainingStep::new(&case.network, &case.loss, None, 300).unwrap());
        let shape = StepShape {
            network: &case.network,
            rule: &rule,
            keeps_gradients: false,
            batch_size: 300,
            threads: 2,
        };
        for parts in [1, 3] {
            let model = StepModel::new::<f32>(&shape, parts, None).unwrap();
            let planner = Planner::new(model.chain());
            for point in planner.curve() {
                let limit = model.fixed_bytes() + point.bytes;
                let plan = MemoryPlan::scheduled::<f32>(model.clone(), &planner, limit).unwrap();
                let mut step = plan.training_step(&case.loss, None).unwrap();
                let held = step.bytes() as u64 + 3 * start.bytes() as u64;
                assert!(held <= limit, "{what}: {held} bytes, {limit} allowed");
                assert_same_parameters(
                    &format!("{what}, {parts} parts, {limit}"),
                    &train(&mut step),
                    &expected,
                );
            }
        }
    }
}

#[test]
fn a_missing_number_is_an_error_unless_something_is_learned_for_it() {
    let with = |missing, value: f64| {
        let columns = Columns { pieces: vec![as_is(1, false), periodic(1, 2, 1, missing)] };
        let mut case = case(&columns, 4, 1);
        case.data.inputs[(2, 1)] = value;
        let options = TrainingOptions { epochs: 1, ..TrainingOptions::default() };
        let mut trainer = Trainer::new(&case.network, &case.loss, case.parameters.clone(), options).unwrap();
        let go_on = &mut |_: &TrainingEvent<'_, f64>| std::ops::ControlFlow::Continue(());
        let trained = trainer.fit(&Threads::single(), case.data.samples(), None, go_on).map(|_| ());
        // Without the trainer's check, the step finds it.
        let mut step = TrainingStep::new(&case.network, &case.loss, None, 4).unwrap();
        let stepped = step.gradients(&Threads::single(), &case.parameters, case.data.samples(), case.mode);
        (trained.map_err(|error| error.to_string()), stepped.map(|_| ()).map_err(|error| error.to_string()))
    };
    assert_eq!(with(true, f64::NAN), (Ok(()), Ok(())));
    for (missing, value) in [(false, f64::NAN), (true, f64::INFINITY), (false, f64::NEG_INFINITY)] {
        let (trained, stepped) = with(missing, value);
        let trained = trained.unwrap_err();
        assert!(trained.contains("inputs") && trained.contains("not finite"), "{trained}");
        let stepped = stepped.unwrap_err();
        assert!(stepped.contains("input"), "{stepped}");
    }
}

#[test]
fn pieces_start_as_they_say() {
    let columns = Columns {
        pieces: vec![
            periodic(50, 16, 3, true),
            table(400, 5),
            piecewise(&[&[0.0, 1.0], &[0.0, 2.0]], 4, false),
        ],
    };
    let network = Network::builder(53).layer(columns.into()).dense(1, Activation::Identity).build().unwrap();
    for rule in Initialization::NAMED.map(|(_, rule)| rule) {
        let parameters = network.initialize_with::<f64>(rule, 3);
        let numbers = |name: &str| {
            parameters.tensor(parameters.by_name(&format!("layers.0.pieces.{name}")).unwrap()).to_vec()
        };
        let variance = |numbers: &[f64]| numbers.iter().map(|x| x * x).sum::<f64>() / numbers.len() as f64;
        assert!((variance(&numbers("0.frequency")) / 0.09 - 1.0).abs() < 0.2);
        let offsets = numbers("0.offset");
        assert!(offsets.iter().all(|x| x.abs() <= std::f64::consts::PI));
        assert!((variance(&offsets) / (std::f64::consts::PI.powi(2) / 3.0) - 1.0).abs() < 0.2);
        for name in ["0.weight", "0.bias"] {
            let found = numbers(name);
            assert!(found.iter().all(|x| x.abs() <= 0.25) && variance(&found) > 0.015, "{name}");
        }
        assert!((variance(&numbers("1.weight")) - 1.0).abs() < 0.2);
        assert!(numbers("0.missing").iter().chain(&numbers("2.weight")).all(|x| *x == 0.0));
    }
}

#[test]
fn a_model_is_written_down_and_read_back() {
    for (what, case) in cases(5) {
        let model = Model {
            network: case.network.clone(),
            loss: case.loss.clone(),
            parameters: case.parameters.cast::<f32>(),
            preprocessing: None,
            training: None,
        };
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("model");
        model.save(&path).unwrap();
        assert_eq!(Model::<f32>::load(&path).unwrap(), model, "{what}");
    }
}

#[test]
fn impossible_columns_are_refused_with_the_piece_named() {
    let refused = |width: usize, pieces: Vec<ColumnPiece>| {
        let network = Network::builder(width).layer(Columns { pieces }.into()).dense(1, Activation::Identity);
        network.build().unwrap_err().to_string()
    };
    assert!(refused(1, vec![]).contains("no pieces"));
    assert!(refused(3, vec![as_is(2, false)]).contains("take 2 inputs, and there are 3"));
    for (piece, word) in [
        (as_is(0, false), "width"),
        (periodic(1, 0, 1, false), "hidden"),
        (periodic(1, 1, 0, false), "outputs"),
        (table(0, 1), "categories"),
        (table(1, 0), "outputs"),
        (piecewise(&[], 1, false), "boundaries"),
        (piecewise(&[&[1.0]], 1, false), "at least two"),
        (piecewise(&[&[1.0, 1.0]], 1, false), "increasing"),
        (piecewise(&[&[1.0, f64::INFINITY]], 1, false), "finite"),
        (ColumnPiece::Periodic(Periodic { deviation: f64::NAN, ..Periodic::default() }), "deviation"),
    ] {
        let message = refused(2, vec![as_is(1, false), piece]);
        assert!(message.contains("layer 1 (columns)") && message.contains("piece 1"), "{message}");
        assert!(message.contains(word), "{message}");
    }
    let columns = Columns { pieces: vec![as_is(3, false)] };
    let second =
        Network::builder(2).dense(3, Activation::Relu).layer(columns.into()).dense(1, Activation::Relu);
    let message = second.build().unwrap_err().to_string();
    assert!(message.contains("layer 2 (columns)") && message.contains("first layer"), "{message}");
    // Unknown words are no pieces.
    for text in [r#"{"as_is":{"width":1,"more":1}}"#, r#"{"wavelet":{"width":1}}"#] {
        let text = format!(r#"{{"pieces":[{text}]}}"#);
        assert!(serde_json::from_str::<Columns>(&text).is_err(), "{text}");
    }
}

#[test]
fn a_trace_shows_what_was_learned_of_each_piece() {
    let case = case(layers().last().unwrap(), 6, 2);
    let rule = Rule::from_name("sgd").unwrap();
    let trace =
        trace(&case.network, &case.parameters, &case.loss, case.data.samples(), &rule, case.mode).unwrap();
    let five = case.five_steps();
    let forward = &trace.events[0];
    assert_eq!(forward.operation, Computation::Forward("columns"));
    assert_eq!(forward.operands.len(), 1 + case.network.layer_tensors(1).len());
    let gradients = trace.events.iter().find(|event| {
        event.operation == Computation::Gradients && event.outputs[0].id.to_string().ends_with(".1")
    });
    assert_eq!(gradients.unwrap().outputs.len(), case.network.layer_tensors(1).len());
    for (number, tensor) in case.network.layer_tensors(1).iter().enumerate() {
        let value = trace.value(Quantity::Gradient(number).of(1)).unwrap();
        assert_same_bits(&tensor.name, &value.values, &five.gradients.tensor(tensor).to_vec());
    }
}
