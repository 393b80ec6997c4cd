//! Tables whose rows are made while the query reads them: how much of them is made, and what is asked of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{
    ArrayRef, RecordBatch, RecordBatchOptions, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use stagedoor_query::{
    Context, Limit, PageError, Pages, RowSource, Source, TableDefinition, Value, Wanted,
};

use crate::support::{World, context};

const PAGE: u64 = 100;
const ALL: u64 = 10_000;

/// Numbers from 0 up, each with a text and a time of a second later; it tells what was asked of it.
#[derive(Debug, Clone)]
struct Numbers {
    asked: Arc<Mutex<Vec<Wanted>>>,
    pages: Arc<AtomicU64>,
    fails_at: Option<u64>,
    /// The column whose order is told.
    ordered_by: Option<usize>,
    /// So many times as many rows as the others have.
    times: u64,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            asked: Arc::default(),
            pages: Arc::default(),
            fails_at: None,
            ordered_by: None,
            times: 1,
        }
    }
}

struct Reader {
    numbers: Numbers,
    wanted: Wanted,
    next: u64,
}

impl RowSource for Numbers {
    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("number", DataType::UInt64, true),
            Field::new("name", DataType::Utf8, true),
            Field::new(
                "time",
                DataType::Timestamp(TimeUnit::Microsecond, None),
                true,
            ),
        ]))
    }

    fn ordered_by(&self) -> Option<usize> {
        self.ordered_by
    }

    fn read(&self, wanted: Wanted) -> Box<dyn Pages> {
        self.asked.lock().unwrap().push(wanted.clone());
        Box::new(Reader {
            numbers: self.clone(),
            wanted,
            next: 0,
        })
    }
}

impl Pages for Reader {
    fn next_page(&mut self) -> Result<Option<RecordBatch>, PageError> {
        if self.next >= ALL * self.numbers.times {
            return Ok(None);
        }
        let page = self.numbers.pages.fetch_add(1, Ordering::Relaxed);
        if self.numbers.fails_at == Some(page) {
            return Err("the disk is gone".into());
        }
        let numbers: Vec<u64> = (self.next..self.next + PAGE).collect();
        self.next += PAGE;
        let seconds = numbers
            .iter()
            .map(|&number| Some(number as i64 * 1_000_000));
        let columns: [ArrayRef; 3] = [
            Arc::new(UInt64Array::from(numbers.clone())),
            Arc::new(StringArray::from_iter_values(
                numbers.iter().map(|number| format!("n{number:05}")),
            )),
            Arc::new(TimestampMicrosecondArray::from_iter(seconds)),
        ];
        let schema = self.numbers.schema().project(&self.wanted.columns)?;
        let columns = self
            .wanted
            .columns
            .iter()
            .map(|&at| Arc::clone(&columns[at]))
            .collect();
        let rows = RecordBatchOptions::new().with_row_count(Some(numbers.len()));
        Ok(Some(RecordBatch::try_new_with_options(
            Arc::new(schema),
            columns,
            &rows,
        )?))
    }
}

fn with(numbers: &Numbers) -> Context {
    let mut context = context();
    context.tables.push(TableDefinition {
        database: "db".into(),
        name: "numbers".into(),
        schema: None,
        source: Source::Rows(Arc::new(numbers.clone())),
    });
    context
}

async fn run(sql: &str) -> (String, Vec<Wanted>, u64) {
    let numbers = Numbers::default();
    let text = World::new().text_in(sql, with(&numbers)).await.unwrap();
    let asked = numbers.asked.lock().unwrap().clone();
    (text, asked, numbers.pages.load(Ordering::Relaxed))
}

fn limit(column: usize, least: Option<Value>, most: Option<Value>) -> Limit {
    Limit {
        column,
        least,
        most,
    }
}

#[tokio::test]
async fn rows_are_read_as_they_are_wanted() {
    let (text, asked, pages) = run("SELECT number FROM numbers LIMIT 3").await;
    assert_eq!(text, "number\n0\n1\n2");
    assert_eq!((asked[0].rows_max, &asked[0].columns), (Some(3), &vec![0]));
    assert!(pages <= 4, "{pages} of {} pages were read", ALL / PAGE);

    let (text, asked, pages) = run("SELECT COUNT(*) AS n FROM numbers").await;
    assert_eq!((text.as_str(), pages), ("n\n10000", ALL / PAGE));
    assert_eq!(asked.len(), 1);

    let (text, _, _) = run("SELECT number, name FROM numbers ORDER BY number DESC LIMIT 2").await;
    assert_eq!(text, "number|name\n9999|n09999\n9998|n09998");
}

/// What is read ahead of the rows that are wanted does not grow with their number.
#[tokio::test]
async fn rows_in_the_wanted_order_are_read_as_far_as_they_are_wanted() {
    // As many as have names of one length.
    const TIMES: u64 = 9;
    for (column, sql, rows) in [
        (
            0,
            "SELECT number FROM numbers ORDER BY number LIMIT 3",
            "number\n0\n1\n2",
        ),
        (
            0,
            "SELECT name FROM numbers WHERE number > 150 ORDER BY number LIMIT 2",
            "name\nn00151\nn00152",
        ),
        (
            1,
            "SELECT name, number FROM numbers WHERE name >= 'n00099' ORDER BY name LIMIT 2 OFFSET 1",
            "name|number\nn00100|100\nn00101|101",
        ),
    ] {
        let read = async |ordered_by| {
            let numbers = Numbers {
                ordered_by,
                times: TIMES,
                ..Numbers::default()
            };
            let text = World::new().text_in(sql, with(&numbers)).await.unwrap();
            (text, numbers.pages.load(Ordering::Relaxed))
        };
        let all = TIMES * ALL / PAGE;
        let (text, pages) = read(Some(column)).await;
        assert_eq!(text, rows, "{sql}");
        assert!(pages <= all / 3, "{sql}: {pages} of {all} pages were read");
        // Without it all have to be looked at.
        let (_, pages) = read(None).await;
        assert_eq!(pages, all, "{sql}");
    }
    // Another order is made, not taken.
    let numbers = Numbers {
        ordered_by: Some(0),
        ..Numbers::default()
    };
    let sql = "SELECT number FROM numbers ORDER BY number DESC LIMIT 2";
    let text = World::new().text_in(sql, with(&numbers)).await.unwrap();
    assert_eq!(text, "number\n9999\n9998");
}

#[tokio::test]
async fn limits_of_columns_are_told_and_looked_at_again() {
    let number = |number| Some(Value::Number(number));
    for (condition, limits, rows) in [
        ("number = 7", vec![limit(0, number(7), number(7))], 1),
        (
            "7 < number AND number <= 9",
            vec![limit(0, number(7), None), limit(0, None, number(9))],
            2,
        ),
        (
            "number BETWEEN 5 AND 6",
            vec![limit(0, number(5), None), limit(0, None, number(6))],
            2,
        ),
        (
            "name > 'n09998'",
            vec![limit(1, Some(Value::Text("n09998".into())), None)],
            1,
        ),
        (
            "name <= 'n00001' AND number + 1 > 1",
            vec![limit(1, None, Some(Value::Text("n00001".into())))],
            1,
        ),
        (
            "time < '1970-01-01 00:00:02'",
            vec![limit(2, None, Some(Value::Micros(2_000_000)))],
            2,
        ),
        ("number = 1 OR number = 2", vec![], 2),
        ("number <> 1 AND name LIKE 'n0000%'", vec![], 9),
    ] {
        let (text, asked, _) = run(&format!("SELECT number FROM numbers WHERE {condition}")).await;
        assert_eq!(text.lines().count() - 1, rows, "{condition}: {text}");
        assert_eq!(asked[0].limits, limits, "{condition}");
        // What is filtered afterwards cannot be counted before.
        assert_eq!(asked[0].rows_max, None, "{condition}");
    }
    let (_, asked, _) = run("SELECT number FROM numbers WHERE number > 3 LIMIT 1").await;
    assert_eq!(asked[0].rows_max, None);
}

#[tokio::test]
async fn a_page_that_cannot_be_read_fails_the_query() {
    let numbers = Numbers {
        fails_at: Some(3),
        ..Numbers::default()
    };
    let error = World::new()
        .text_in("SELECT MAX(number) FROM numbers", with(&numbers))
        .await
        .unwrap_err();
    let text = "failed to read the rows of a table: the disk is gone";
    assert_eq!(error.to_string(), text);
}
