//! Functions that are computed row by row: what they take, as MySQL converts arguments, and what they give.
//! Arguments are converted here by what the function wants, not by what DataFusion would cast to.

use std::any::type_name_of_val;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BooleanBuilder, Date32Builder, Float64Builder,
    Int64Builder, StringBuilder, Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
    UInt64Builder,
};
use arrow::datatypes::{
    DataType, Float64Type, Int64Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
    UInt64Type,
};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::{convert, plain_type};

/// What an argument is converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text; a value of another type as MySQL prints it.
    Text,
    /// The bytes of a binary value, or of [`Kind::Text`].
    Bytes,
    /// A whole number, rounded half away from zero.
    Integer,
    /// The 64 bits of a whole number; negative ones as two's complement.
    Bits,
    Double,
    /// Microseconds since 1970 of a date, a date and time, a text or a number that is one; else NULL.
    Moment,
    /// Microseconds of a time of day or a span of time, a text or a number that is one; else NULL.
    Clock,
}

/// One value of a result.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Bytes(Vec<u8>),
    Integer(i64),
    Bits(u64),
    Double(f64),
    /// Days since 1970.
    Date(i32),
    /// Microseconds since 1970.
    Moment(i64),
    /// Microseconds since midnight.
    Clock(i64),
    Truth(bool),
}

/// The type of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    Text,
    Bytes,
    Integer,
    Bits,
    Double,
    Date,
    Moment,
    Clock,
    Truth,
}

/// Computes the result of one row.
type Run = fn(&Args, usize) -> Result<Option<Cell>>;

/// One function.
pub(super) struct RowFunction {
    /// As DataFusion knows it.
    pub(super) name: &'static str,
    /// What the arguments are; the last one stands for all that follow if there may be more.
    takes: &'static [Kind],
    least: usize,
    most: usize,
    gives: Gives,
    /// Whether NULL in any argument gives NULL without a call.
    strict: bool,
    run: Run,
    signature: Signature,
}

impl RowFunction {
    /// A function of just these arguments.
    pub(super) fn new(name: &'static str, takes: &'static [Kind], gives: Gives, run: Run) -> Self {
        Self {
            name,
            takes,
            least: takes.len(),
            most: takes.len(),
            gives,
            strict: true,
            run,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    /// With so many arguments at least, the others may be left out.
    pub(super) fn from(mut self, least: usize) -> Self {
        self.least = least;
        self
    }

    /// With as many arguments as one likes, all further ones like the last.
    pub(super) fn any_number(mut self) -> Self {
        self.most = usize::MAX;
        self
    }

    /// Sees NULL arguments.
    pub(super) fn with_nulls(mut self) -> Self {
        self.strict = false;
        self
    }

    fn kind(&self, index: usize) -> Kind {
        self.takes
            .get(index)
            .or(self.takes.last())
            .copied()
            .unwrap_or(Kind::Text)
    }
}

impl fmt::Debug for RowFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", type_name_of_val(self), self.name)
    }
}

impl PartialEq for RowFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for RowFunction {}

impl Hash for RowFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for RowFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        super::arguments(
            &super::user_name(self.name),
            arg_types,
            self.least,
            self.most,
        )?;
        arg_types
            .iter()
            .enumerate()
            .map(|(index, data_type)| {
                let plain = plain_type(data_type);
                convert::accepts(self.name, plain, self.kind(index))?;
                Ok(convert::plainest(plain))
            })
            .collect()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.gives {
            Gives::Text => DataType::Utf8,
            Gives::Bytes => DataType::Binary,
            Gives::Integer => DataType::Int64,
            Gives::Bits => DataType::UInt64,
            Gives::Double => DataType::Float64,
            Gives::Date => DataType::Date32,
            Gives::Moment => DataType::Timestamp(TimeUnit::Microsecond, None),
            Gives::Clock => DataType::Time64(TimeUnit::Microsecond),
            Gives::Truth => DataType::Boolean,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let columns = args
            .args
            .into_iter()
            .zip(&args.arg_fields)
            .enumerate()
            .map(|(index, (arg, field))| {
                // A constant is converted once.
                let (array, constant) = match arg {
                    ColumnarValue::Scalar(value) => (value.to_array()?, true),
                    ColumnarValue::Array(array) => (array, false),
                };
                Ok(Column {
                    values: match self.kind(index) {
                        Kind::Text => crate::convert::to_text_of(&array, field)?,
                        kind => convert::to_kind(&array, kind)?,
                    },
                    constant,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let result = self.rows(&Args { columns }, rows)?;
        Ok(if scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }
}

impl RowFunction {
    fn cell(&self, args: &Args, row: usize) -> Result<Option<Cell>> {
        if self.strict && (0..args.count()).any(|index| args.is_null(index, row)) {
            return Ok(None);
        }
        (self.run)(args, row)
    }

    fn rows(&self, args: &Args, rows: usize) -> Result<ArrayRef> {
        macro_rules! built {
            ($builder:expr, $cell:ident) => {{
                let mut builder = $builder;
                for row in 0..rows {
                    match self.cell(args, row)? {
                        Some(Cell::$cell(value)) => builder.append_value(value),
                        _ => builder.append_null(),
                    }
                }
                Arc::new(builder.finish())
            }};
        }
        Ok(match self.gives {
            Gives::Text => built!(StringBuilder::new(), Text),
            Gives::Bytes => built!(BinaryBuilder::new(), Bytes),
            Gives::Integer => built!(Int64Builder::with_capacity(rows), Integer),
            Gives::Bits => built!(UInt64Builder::with_capacity(rows), Bits),
            Gives::Double => built!(Float64Builder::with_capacity(rows), Double),
            Gives::Date => built!(Date32Builder::with_capacity(rows), Date),
            Gives::Moment => built!(TimestampMicrosecondBuilder::with_capacity(rows), Moment),
            Gives::Clock => built!(Time64MicrosecondBuilder::with_capacity(rows), Clock),
            Gives::Truth => built!(BooleanBuilder::with_capacity(rows), Truth),
        })
    }
}

/// A converted argument: of every row, or the same for all.
struct Column {
    values: ArrayRef,
    constant: bool,
}

/// The converted arguments of a call.
pub(super) struct Args {
    columns: Vec<Column>,
}

impl Args {
    pub(super) fn count(&self) -> usize {
        self.columns.len()
    }

    fn at(&self, index: usize, row: usize) -> Option<(&ArrayRef, usize)> {
        let column = self.columns.get(index)?;
        let row = if column.constant { 0 } else { row };
        (!column.values.is_null(row)).then_some((&column.values, row))
    }

    /// Whether the argument is NULL, or not given.
    pub(super) fn is_null(&self, index: usize, row: usize) -> bool {
        self.at(index, row).is_none()
    }

    pub(super) fn text(&self, index: usize, row: usize) -> Option<&str> {
        let (values, row) = self.at(index, row)?;
        Some(values.as_string_opt::<i32>()?.value(row))
    }

    pub(super) fn bytes(&self, index: usize, row: usize) -> Option<&[u8]> {
        let (values, row) = self.at(index, row)?;
        Some(values.as_binary_opt::<i32>()?.value(row))
    }

    pub(super) fn integer(&self, index: usize, row: usize) -> Option<i64> {
        let (values, row) = self.at(index, row)?;
        Some(values.as_primitive_opt::<Int64Type>()?.value(row))
    }

    pub(super) fn bits(&self, index: usize, row: usize) -> Option<u64> {
        let (values, row) = self.at(index, row)?;
        Some(values.as_primitive_opt::<UInt64Type>()?.value(row))
    }

    pub(super) fn double(&self, index: usize, row: usize) -> Option<f64> {
        let (values, row) = self.at(index, row)?;
        Some(values.as_primitive_opt::<Float64Type>()?.value(row))
    }

    pub(super) fn moment(&self, index: usize, row: usize) -> Option<i64> {
        let (values, row) = self.at(index, row)?;
        Some(
            values
                .as_primitive_opt::<TimestampMicrosecondType>()?
                .value(row),
        )
    }

    pub(super) fn clock(&self, index: usize, row: usize) -> Option<i64> {
        let (values, row) = self.at(index, row)?;
        let clocks = values.as_primitive_opt::<Time64MicrosecondType>()?;
        Some(clocks.value(row))
    }
}
