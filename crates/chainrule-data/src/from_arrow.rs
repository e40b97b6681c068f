//! Arrow arrays and record batches as columns.

use crate::column::{Column, ColumnType};
use crate::dataset::Dataset;
use crate::error::{DataError, Result};
use crate::table::Table;
use arrow_array::cast::AsArray;
use arrow_array::temporal_conversions::{
    date32_to_datetime, date64_to_datetime, timestamp_ms_to_datetime, timestamp_ns_to_datetime,
    timestamp_s_to_datetime, timestamp_us_to_datetime,
};
use arrow_array::types::{
    Date32Type, Date64Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use chrono::NaiveDateTime;

impl Dataset {
    /// A table from Arrow record batches of one schema; `name` stands for a file in messages and in the model.
    ///
    /// Integers and floating-point numbers become numbers (the nearest in 64 bits), booleans truth values, texts and
    /// dictionaries of texts what their texts are, dates and timestamps dates. Null and `NaN` are missing.
    ///
    /// # Errors
    /// No batches, or none with a row; an array of another type; what [`Table::new`] refuses.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use arrow_array::{ArrayRef, BooleanArray, Int32Array, RecordBatch};
    /// use chainrule_data::{ColumnType, Dataset};
    /// let age: ArrayRef = Arc::new(Int32Array::from(vec![Some(31), None, Some(58)]));
    /// let paid: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, true]));
    /// let batch = RecordBatch::try_from_iter([("age", age), ("paid", paid)]).unwrap();
    /// let dataset = Dataset::from_record_batches("people", &[batch])?;
    /// let columns = dataset.table().unwrap().columns();
    /// assert_eq!((columns[0].kind(), columns[0].missing()), (ColumnType::Number, 1));
    /// assert_eq!(columns[1].kind(), ColumnType::Truth);
    /// # Ok::<(), chainrule_data::DataError>(())
    /// ```
    pub fn from_record_batches(name: &str, batches: &[RecordBatch]) -> Result<Self> {
        let invalid = |problem: String| DataError::InvalidTable { file: name.to_owned(), problem };
        let Some(first) = batches.first() else { return Err(invalid("there are no batches".to_owned())) };
        let schema = first.schema();
        if batches.iter().any(|batch| batch.schema().fields() != schema.fields()) {
            return Err(invalid("its batches have different schemas".to_owned()));
        }
        let column = |(index, field): (usize, &std::sync::Arc<arrow_schema::Field>)| {
            let arrays: Vec<ArrayRef> = batches.iter().map(|batch| batch.column(index).clone()).collect();
            Column::from_arrays(field.name(), &arrays).ok_or_else(|| {
                invalid(format!("column '{}' has the Arrow type {}", field.name(), field.data_type()))
            })
        };
        let columns = schema.fields().iter().enumerate().map(column).collect::<Result<_>>()?;
        Ok(Self::from_table(Table::new(name, columns)?))
    }
}

impl Column {
    /// A column from an Arrow array; `None` where its type is none of those that
    /// [`Dataset::from_record_batches`] takes.
    pub fn from_array(name: &str, array: ArrayRef) -> Option<Self> {
        Self::from_arrays(name, &[array])
    }

    fn from_arrays(name: &str, arrays: &[ArrayRef]) -> Option<Self> {
        let kind = arrays.first()?.data_type().clone();
        if let DataType::Dictionary(_, _) = kind {
            let mut texts: Vec<Option<String>> = Vec::new();
            for array in arrays {
                let dictionary = array.as_any_dictionary();
                let values = texts_of(dictionary.values())?;
                let keys = dictionary.normalized_keys();
                texts.extend((0..array.len()).map(|row| match array.is_valid(row) {
                    true => values.get(keys[row]).cloned().flatten(),
                    false => None,
                }));
            }
            return Some(Self::optional_texts(name, texts));
        }
        if kind == DataType::Boolean {
            let cells = arrays.iter().flat_map(|array| array.as_boolean().iter());
            let column = Self::optional_texts(
                name,
                cells.map(|cell| cell.map(|cell| if cell { "true" } else { "false" })),
            );
            return Some(column);
        }
        if let Some(parts) = arrays.iter().map(numbers_of).collect::<Option<Vec<Float64Array>>>() {
            let whole: Float64Array = parts
                .iter()
                .flat_map(|part| part.iter())
                .map(|cell| cell.filter(|cell| !cell.is_nan()))
                .collect();
            return Some(Self::of_numbers(name.to_owned(), whole));
        }
        if let Some(parts) = arrays.iter().map(dates_of).collect::<Option<Vec<Vec<Option<NaiveDateTime>>>>>()
        {
            let text = |instant: NaiveDateTime| instant.format("%Y-%m-%d %H:%M:%S%.f").to_string();
            let texts = parts.into_iter().flatten().map(|cell| cell.map(text));
            return Some(Self::optional_texts(name, texts).with_type(ColumnType::Date));
        }
        let parts = arrays.iter().map(texts_of).collect::<Option<Vec<_>>>()?;
        Some(Self::optional_texts(name, parts.into_iter().flatten()))
    }
}

fn numbers_of(array: &ArrayRef) -> Option<Float64Array> {
    macro_rules! as_numbers {
        ($($data_type:pat => $array_type:ty),*) => {
            match array.data_type() {
                $($data_type => Some(array.as_primitive::<$array_type>().iter().map(|cell| cell.map(|cell| cell as f64)).collect()),)*
                DataType::Float64 => Some(array.as_primitive::<Float64Type>().clone()),
                DataType::Float16 => {
                    let cells = array.as_primitive::<Float16Type>().iter();
                    Some(cells.map(|cell| cell.map(|cell| f64::from(cell))).collect())
                }
                DataType::Null => Some(Float64Array::new_null(array.len())),
                _ => None,
            }
        };
    }
    as_numbers!(
        DataType::Int8 => Int8Type, DataType::Int16 => Int16Type, DataType::Int32 => Int32Type,
        DataType::Int64 => Int64Type, DataType::UInt8 => UInt8Type, DataType::UInt16 => UInt16Type,
        DataType::UInt32 => UInt32Type, DataType::UInt64 => UInt64Type, DataType::Float32 => Float32Type
    )
}

fn texts_of(array: &ArrayRef) -> Option<Vec<Option<String>>> {
    let owned = |cell: Option<&str>| cell.map(str::to_owned);
    Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().map(owned).collect(),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().map(owned).collect(),
        DataType::Utf8View => array.as_string_view().iter().map(owned).collect(),
        _ => return None,
    })
}

fn dates_of(array: &ArrayRef) -> Option<Vec<Option<NaiveDateTime>>> {
    macro_rules! converted {
        ($array_type:ty, $convert:expr) => {
            array.as_primitive::<$array_type>().iter().map(|cell| cell.and_then($convert)).collect()
        };
    }
    Some(match array.data_type() {
        DataType::Date32 => converted!(Date32Type, date32_to_datetime),
        DataType::Date64 => converted!(Date64Type, date64_to_datetime),
        DataType::Timestamp(TimeUnit::Second, _) => converted!(TimestampSecondType, timestamp_s_to_datetime),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            converted!(TimestampMillisecondType, timestamp_ms_to_datetime)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            converted!(TimestampMicrosecondType, timestamp_us_to_datetime)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            converted!(TimestampNanosecondType, timestamp_ns_to_datetime)
        }
        _ => return None,
    })
}
