//! Functions of doubles, which are NULL outside what they are defined for, where DataFusion's give
//! infinities and NaN (MySQL 8.4 manual, "Mathematical Functions").

use datafusion::common::{Result, exec_err};

use super::rowwise::{Args, Cell, Gives, Kind, RowFunction};

pub(super) fn functions() -> Vec<RowFunction> {
    const ONE: &[Kind] = &[Kind::Double];
    const TWO: &[Kind] = &[Kind::Double, Kind::Double];
    vec![
        RowFunction::new("mysql_ln", ONE, Gives::Double, |a, r| {
            positive(a, r, f64::ln)
        }),
        RowFunction::new("mysql_log2", ONE, Gives::Double, |a, r| {
            positive(a, r, f64::log2)
        }),
        RowFunction::new("mysql_log10", ONE, Gives::Double, |a, r| {
            positive(a, r, f64::log10)
        }),
        RowFunction::new("mysql_log", TWO, Gives::Double, |a, r| {
            let (Some(base), Some(number)) = (a.double(0, r), a.double(1, r)) else {
                return Ok(None);
            };
            let defined = base > 0.0 && base != 1.0 && number > 0.0;
            Ok(defined.then(|| Cell::Double(number.ln() / base.ln())))
        }),
        RowFunction::new("mysql_sqrt", ONE, Gives::Double, |a, r| {
            defined(a, r, f64::sqrt)
        }),
        RowFunction::new("mysql_acos", ONE, Gives::Double, |a, r| {
            defined(a, r, f64::acos)
        }),
        RowFunction::new("mysql_asin", ONE, Gives::Double, |a, r| {
            defined(a, r, f64::asin)
        }),
        RowFunction::new("mysql_exp", ONE, Gives::Double, |a, r| {
            a.double(0, r).map(|x| finite("EXP", x.exp())).transpose()
        }),
        RowFunction::new("mysql_pow", TWO, Gives::Double, |a, r| {
            let (Some(base), Some(power)) = (a.double(0, r), a.double(1, r)) else {
                return Ok(None);
            };
            finite("POW", base.powf(power)).map(Some)
        }),
        RowFunction::new("mysql_sign", ONE, Gives::Integer, |a, r| {
            Ok(a.double(0, r).map(|x| {
                Cell::Integer(if x > 0.0 {
                    1
                } else if x < 0.0 {
                    -1
                } else {
                    0
                })
            }))
        }),
    ]
}

fn positive(args: &Args, row: usize, function: fn(f64) -> f64) -> Result<Option<Cell>> {
    Ok(args
        .double(0, row)
        .filter(|x| *x > 0.0)
        .map(|x| Cell::Double(function(x))))
}

fn defined(args: &Args, row: usize, function: fn(f64) -> f64) -> Result<Option<Cell>> {
    Ok(args
        .double(0, row)
        .map(function)
        .filter(|result| !result.is_nan())
        .map(Cell::Double))
}

/// Out of the range of doubles is an error, as MySQL's 1690.
fn finite(name: &str, result: f64) -> Result<Cell> {
    if result.is_finite() {
        return Ok(Cell::Double(result));
    }
    exec_err!("the result of {name}() is out of the range of double")
}
