//! Measures what the gate costs a statement: `SELECT 1` through `Session::execute`, with its principal, permit, turn,
//! bounds and log lines, against the same parser and engine without a session. `gate DIRECTORY`, in release.

#![expect(clippy::print_stdout, reason = "its figures are its output")]

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use parser::{Limits, Plan};
use query::{Context, QueryEngine, SessionValues};
use stagedoor_server::{Outcome, Server, Session, Settings};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const STATEMENT: &str = "SELECT 1";

/// So many statements of one kind, then as many of the other, for the machine has better and worse moments.
const STATEMENTS_A_BLOCK: usize = 100;
const BLOCKS: usize = 60;

#[tokio::main]
async fn main() -> Result<()> {
    let dir = std::env::args().nth(1).ok_or("usage: gate DIRECTORY")?;
    let dir = Path::new(&dir);
    let server = Server::open(Settings::embedded(&dir.join("data"))).await?;
    let mut session = server.session()?;
    let spill = dir.join("spill");
    std::fs::create_dir_all(&spill)?;
    let engine = QueryEngine::local(query::Settings::new(&spill))?;
    let (mut gated, mut ungated) = (Vec::new(), Vec::new());
    // The first block of each warms up.
    for block in 0..=BLOCKS {
        let gated_block = times(async || through_the_gate(&mut session).await).await?;
        let ungated_block = times(async || around_it(&engine).await).await?;
        if block > 0 {
            gated.extend(gated_block);
            ungated.extend(ungated_block);
        }
    }
    let (gated, ungated) = (median(gated), median(ungated));
    let ratio = gated.as_secs_f64() / ungated.as_secs_f64();
    println!("{STATEMENT} through the gate   {gated:9.1?}");
    println!("{STATEMENT} around it          {ungated:9.1?}");
    println!("the gate costs             {:8.1} %", (ratio - 1.0) * 100.0);
    Ok(())
}

/// How long each statement of a block takes.
async fn times(mut statement: impl AsyncFnMut() -> Result<()>) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(STATEMENTS_A_BLOCK);
    for _ in 0..STATEMENTS_A_BLOCK {
        let began = Instant::now();
        statement().await?;
        times.push(began.elapsed());
    }
    Ok(times)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

async fn through_the_gate(session: &mut Session) -> Result<()> {
    let Outcome::Rows(rows) = session.execute(STATEMENT).await? else {
        return Err("no rows".into());
    };
    rows.batches.try_collect::<Vec<_>>().await?;
    Ok(())
}

async fn around_it(engine: &QueryEngine) -> Result<()> {
    let limits = Limits {
        statement_bytes_max: 8 << 20,
        nesting_max: 64,
    };
    let Plan::Query(text) = parser::parse_with(STATEMENT, &limits)? else {
        return Err("no query".into());
    };
    query::table_references(&text.text)?;
    let context = Context {
        tables: Vec::new(),
        stores: Vec::new(),
        values: SessionValues::default(),
        time_max: Some(Duration::from_secs(3600)),
        time_spent: Duration::ZERO,
        time_setting: "",
    };
    let rows = engine.plan(&text.text, context).await?.stream()?;
    rows.try_collect::<Vec<_>>().await?;
    Ok(())
}
