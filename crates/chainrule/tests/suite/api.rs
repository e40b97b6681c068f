//! What those who build on the engine rely on: types that go from thread to thread, and names that are read as they are
//! written.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use chainrule::optimizer::Rule;
use chainrule::*;

#[test]
fn values_go_from_thread_to_thread() {
    fn check<X: Send + Sync>() {}
    check::<Network>();
    check::<Parameters<f32>>();
    check::<Optimizer<f32>>();
    check::<TrainingStep<f32>>();
    check::<Trainer<f32>>();
    check::<Model<f32>>();
    check::<Threads>();
    check::<Matrix<f64>>();
    check::<Samples<'static, f32>>();
    check::<Error>();
    check::<plan::MemoryPlan>();
    check::<checkpoint::Planner>();
    check::<trace::Trace<f64>>();
}

#[test]
fn every_name_is_read_as_it_is_written_in_one_spelling_rule() {
    fn check<X: Display + FromStr<Err = Error> + PartialEq + Debug>(all: impl IntoIterator<Item = X>) {
        let mut count = 0;
        for choice in all {
            let name = choice.to_string();
            let spellings =
                [name.clone(), name.replace('_', "-"), name.replace('-', "_"), name.to_uppercase()];
            for spelling in spellings {
                assert_eq!(spelling.parse::<X>().unwrap(), choice, "{spelling}");
            }
            let error = format!("{name}x").parse::<X>().unwrap_err();
            assert!(matches!(error, Error::UnknownName { .. }), "{error}");
            count += 1;
        }
        assert!(count > 3);
    }
    check(Activation::ALL.iter().copied());
    check(Loss::all());
    check(Rule::all());
    check(Schedule::ALL);
    check(Initialization::NAMED.map(|(_, rule)| rule));
}
