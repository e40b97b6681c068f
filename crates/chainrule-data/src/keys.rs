//! What a column says of each row for dividing and weighing rows: groups, instants, sample weights.

use crate::column::ColumnType;
use crate::dataset::{Dataset, Features};
use crate::date;
use crate::error::{DataError, Result};
use crate::number;
use crate::table::Table;
use std::collections::HashMap;

impl Dataset {
    /// The group of each row: rows with the same cell in this column are of one group. Numbers that are equal are the same
    /// cell, however they are written.
    ///
    /// # Errors
    /// A column that is not there; a missing cell.
    pub fn groups(&self, column: &str) -> Result<Vec<u32>> {
        let table = self.table_for(column)?;
        let column = &table.columns()[table.find(column)?];
        let no_key = |row| DataError::NoKey { place: table.place(row, &column.name) };
        if let Some(numbers) = column.plain_numbers() {
            let mut index: HashMap<u64, u32> = HashMap::new();
            let group = |(row, value): (usize, Option<f64>)| {
                let next = u32::try_from(index.len()).unwrap_or(u32::MAX);
                let bits = (value.ok_or_else(|| no_key(row))? + 0.0).to_bits();
                Ok(*index.entry(bits).or_insert(next))
            };
            return numbers.iter().enumerate().map(group).collect();
        }
        // Two ways to write a number are one cell, as long as they are no codes.
        let texts = column.dictionary();
        let mut of_number: HashMap<u64, u32> = HashMap::new();
        let group_of: Vec<u32> = texts
            .texts()
            .zip(0..)
            .map(|(text, key)| match number::plain(text).filter(|_| !number::is_code(text)) {
                Some(value) => *of_number.entry((value + 0.0).to_bits()).or_insert(key),
                None => key,
            })
            .collect();
        (0..column.len())
            .map(|row| texts.key(row).map(|key| group_of[key]).ok_or_else(|| no_key(row)))
            .collect()
    }

    /// The instant of each row: a number as it is, a date in days since 1970-01-01.
    ///
    /// # Errors
    /// A column that is not there, or that holds neither numbers nor dates; a missing cell, or one that is neither.
    pub fn instants(&self, column: &str) -> Result<Vec<f64>> {
        let table = self.table_for(column)?;
        let column = &table.columns()[table.find(column)?];
        let no_key = |row| DataError::NoKey { place: table.place(row, &column.name) };
        match column.kind {
            ColumnType::Number | ColumnType::Index => {
                let cells = column.as_numbers(|_| false).map_err(no_key)?;
                let instant = |(row, value): (usize, Option<f64>)| value.ok_or_else(|| no_key(row));
                cells.iter().enumerate().map(instant).collect()
            }
            ColumnType::Date => {
                let texts = column.dictionary();
                let format = texts.date_format.as_deref().unwrap_or(date::DATE_FORMATS[0]);
                let days: Vec<Option<f64>> = (texts.texts())
                    .map(|text| date::parse(text, format).map(|instant| date::part(instant, "days")))
                    .collect();
                let instant = |row| texts.key(row).and_then(|key| days[key]).ok_or_else(|| no_key(row));
                (0..column.len()).map(instant).collect()
            }
            kind => Err(DataError::NoOrder {
                file: table.file().to_owned(),
                column: column.name.clone(),
                found: kind.name(),
            }),
        }
    }

    /// The weight of each row.
    ///
    /// # Errors
    /// A column that is not there; a cell that is missing or no number, or one below 0; weights that are all 0.
    pub fn weights(&self, column: &str) -> Result<Vec<f64>> {
        let table = self.table_for(column)?;
        let column = &table.columns()[table.find(column)?];
        let wrong = |row: usize, problem: String| DataError::Weight {
            place: table.place(row, &column.name),
            problem,
        };
        let shown = |row| crate::names::shown(&column.text(row).unwrap_or_default());
        let cells = column
            .as_numbers(|_| false)
            .map_err(|row| wrong(row, format!("'{}' is no number", shown(row))))?;
        let weight = |(row, value): (usize, Option<f64>)| match value {
            None => Err(wrong(row, "the weight is missing".to_owned())),
            Some(weight) if weight.is_finite() && weight >= 0.0 => Ok(weight),
            Some(_) => Err(wrong(row, format!("the weight is {}", shown(row)))),
        };
        let weights: Vec<f64> = cells.iter().enumerate().map(weight).collect::<Result<_>>()?;
        match weights.iter().all(|weight| *weight == 0.0) {
            true => Err(wrong(0, "every weight is 0".to_owned())),
            false => Ok(weights),
        }
    }

    fn table_for(&self, column: &str) -> Result<&Table> {
        match &self.features {
            Features::Table(table) => Ok(table),
            Features::Images(_) => Err(DataError::NoColumn {
                file: self.name.clone(),
                name: column.to_owned(),
                nearest: None,
                columns: "none, as it holds images".to_owned(),
            }),
        }
    }
}
