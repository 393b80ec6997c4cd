//! SLEEP: the wait itself is the guard's, which knows when a statement is to end.

use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// The name of SLEEP.
pub(crate) const SLEEP: &str = "mysql_sleep";

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Sleep {
    signature: Signature,
}

impl Sleep {
    pub(super) fn new() -> Self {
        Self {
            // Volatile: it is not computed while the query is planned, and for each row anew.
            signature: Signature::user_defined(Volatility::Volatile),
        }
    }
}

impl ScalarUDFImpl for Sleep {
    fn name(&self) -> &str {
        SLEEP
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        super::arguments("SLEEP", types, 1, 1)?;
        Ok(vec![DataType::Float64])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("SLEEP() waits under a query's guard only")
    }
}
