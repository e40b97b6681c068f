//! Numbers in JSON: NaN and the infinities are strings, since JSON has no words of its own for them.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number that JSON carries whatever it is: `1.5`, `"NaN"`, `"Infinity"` or `"-Infinity"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "number | \"NaN\" | \"Infinity\" | \"-Infinity\""))]
pub struct Num(pub f64);

impl From<f64> for Num {
    fn from(value: f64) -> Self {
        Num(value)
    }
}

impl Serialize for Num {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            finite if finite.is_finite() => serializer.serialize_f64(finite),
            nan if nan.is_nan() => serializer.serialize_str("NaN"),
            infinite if infinite > 0.0 => serializer.serialize_str("Infinity"),
            _ => serializer.serialize_str("-Infinity"),
        }
    }
}

impl<'de> Deserialize<'de> for Num {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number, \"NaN\", \"Infinity\" or \"-Infinity\" is expected")]
        enum Written {
            Number(f64),
            Word(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(number) => Ok(Num(number)),
            Written::Word(word) => match word.as_str() {
                "NaN" => Ok(Num(f64::NAN)),
                "Infinity" => Ok(Num(f64::INFINITY)),
                "-Infinity" => Ok(Num(f64::NEG_INFINITY)),
                _ => Err(D::Error::custom(format!(
                    "{word:?} is not a number; write one, \"NaN\", \"Infinity\" or \"-Infinity\""
                ))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back() {
        let json = r#"[1.5,-0.0,1e-320,0.1,"NaN","Infinity","-Infinity",1.7976931348623157e308]"#;
        let numbers: Vec<Num> = serde_json::from_str(json).unwrap();
        assert_eq!(numbers.iter().filter(|number| number.0.is_finite()).count(), 5);
        assert!(numbers[1].0 == 0.0 && numbers[1].0.is_sign_negative());
        assert!(numbers[4].0.is_nan() && numbers[5].0 > 0.0 && numbers[6].0 < 0.0);
        let again: Vec<Num> = serde_json::from_str(&serde_json::to_string(&numbers).unwrap()).unwrap();
        let bits = |numbers: &[Num]| numbers.iter().map(|number| number.0.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&again), bits(&numbers));
        assert_eq!(serde_json::from_str::<Num>("3").unwrap(), Num(3.0));
        for bad in ["\"nan\"", "null", "[]", "\"1\"", "true"] {
            assert!(serde_json::from_str::<Num>(bad).is_err(), "{bad}");
        }
    }
}
