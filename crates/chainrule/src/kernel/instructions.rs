//! Which instruction set the kernels run.

use std::env;
use std::sync::OnceLock;

/// The environment variable that names the set.
pub(crate) const VARIABLE: &str = "CHAINRULE_INSTRUCTIONS";

/// The sets that the kernels are compiled for. All give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InstructionSet {
    /// 512-bit vectors, as x86-64-v4 has them.
    Avx512,
    /// 256-bit vectors with fused multiply-add, as x86-64-v3 has them.
    Avx2,
    /// What the compiler makes of plain arrays, on any processor.
    Plain,
}

impl InstructionSet {
    /// The name in `CHAINRULE_INSTRUCTIONS`: `"avx512"`, `"avx2"` or `"plain"`.
    pub fn name(self) -> &'static str {
        match self {
            InstructionSet::Avx512 => "avx512",
            InstructionSet::Avx2 => "avx2",
            InstructionSet::Plain => "plain",
        }
    }

    /// Those that this processor has, the best first.
    ///
    /// ```
    /// use chainrule::InstructionSet;
    /// assert_eq!(InstructionSet::available().last(), Some(InstructionSet::Plain));
    /// ```
    pub fn available() -> impl Iterator<Item = InstructionSet> {
        [InstructionSet::Avx512, InstructionSet::Avx2, InstructionSet::Plain]
            .into_iter()
            .filter(|set| set.is_available())
    }

    #[cfg(target_arch = "x86_64")]
    fn is_available(self) -> bool {
        match self {
            InstructionSet::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512cd")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            InstructionSet::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            InstructionSet::Plain => true,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_available(self) -> bool {
        self == InstructionSet::Plain
    }
}

/// What the kernels run, and which name was given.
pub(crate) struct Choice {
    pub(crate) set: InstructionSet,
    /// What the environment variable holds; another name than the set's where the processor has no such set.
    pub(crate) name: Option<String>,
}

/// The choice, made once: the set that is named where the processor has it, else the best that it has.
#[inline]
pub(crate) fn choice() -> &'static Choice {
    // A small network's step asks often.
    static CHOICE: OnceLock<Choice> = OnceLock::new();
    CHOICE.get_or_init(|| choose(env::var_os(VARIABLE).map(|name| name.to_string_lossy().into_owned())))
}

/// The set that the kernels run.
#[inline]
pub(super) fn instruction_set() -> InstructionSet {
    choice().set
}

fn choose(name: Option<String>) -> Choice {
    let named = InstructionSet::available().find(|set| name.as_deref() == Some(set.name()));
    let best = InstructionSet::available().next().unwrap_or(InstructionSet::Plain);
    Choice { set: named.unwrap_or(best), name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_run_by_its_name_and_the_best_without_one_that_is_here() {
        let best = InstructionSet::available().next().unwrap();
        assert_eq!(choose(None).set, best);
        for set in [InstructionSet::Avx512, InstructionSet::Avx2, InstructionSet::Plain] {
            let is_here = InstructionSet::available().any(|available| available == set);
            assert_eq!(choose(Some(set.name().to_owned())).set, if is_here { set } else { best });
        }
        for other in ["", "AVX2", "avx", "sse2"] {
            assert_eq!(choose(Some(other.to_owned())).set, best);
        }
    }
}
