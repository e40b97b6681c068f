//! Numbers in JSON: finite ones as numbers, the others as "NaN", "Infinity" and "-Infinity".
// merge: num.rs takes this file's place.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number that may be NaN or infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JsonNumber(pub f64);

impl Serialize for JsonNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            finite if finite.is_finite() => serializer.serialize_f64(finite),
            nan if nan.is_nan() => serializer.serialize_str("NaN"),
            infinite if infinite > 0.0 => serializer.serialize_str("Infinity"),
            _ => serializer.serialize_str("-Infinity"),
        }
    }
}

impl<'de> Deserialize<'de> for JsonNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = JsonNumber;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<JsonNumber, E> {
                Ok(JsonNumber(value))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<JsonNumber, E> {
                Ok(JsonNumber(value as f64))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<JsonNumber, E> {
                Ok(JsonNumber(value as f64))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<JsonNumber, E> {
                match text {
                    "NaN" => Ok(JsonNumber(f64::NAN)),
                    "Infinity" => Ok(JsonNumber(f64::INFINITY)),
                    "-Infinity" => Ok(JsonNumber(f64::NEG_INFINITY)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
