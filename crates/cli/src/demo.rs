//! `stagedoor demo`: the whole tour on a server of its own, with every answer checked.
//! It needs no argument and no network, and leaves nothing behind unless asked to.

mod manifest;
mod tour;
mod tpch;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, ensure};

use self::tour::{Tour, literal};
use crate::args::DemoArgs;
use crate::batch::stdout_failed;
use crate::client::Client;
use crate::connect::{Connection, Place};
use crate::failure::Failure;
use crate::interrupt::{EXIT_INTERRUPTED, Interrupts};
use crate::output::complain;
use crate::render::Format;
use crate::runner::{Runner, Settings, export_seconds};

/// What the first export must write, byte for byte.
const USER_CSV: &str =
    "id,user_name,sex\n1,\"weder\",\"man\"\n2,\"tom\",\"man\"\n3,\"wederTom\",\"man\"\n";

const REFUSAL: &str = "ERROR 20101 (HY000): internal error: stage exists, please try to check and use a stage instead";

/// The demo's folders: the server's own, and three places outside of it.
struct Folders {
    data: PathBuf,
    stage1: PathBuf,
    tpch: PathBuf,
    out: PathBuf,
}

/// Runs the command and gives the exit status: 0 only if everything was as promised.
///
/// # Errors
/// What was not as promised, in words.
pub(crate) async fn run(args: DemoArgs) -> anyhow::Result<u8> {
    let interrupts = Interrupts::install()?;
    let temporary;
    let root = match &args.keep {
        Some(dir) => kept(dir)?,
        None => {
            temporary = tempfile::Builder::new()
                .prefix("stagedoor-demo-")
                .tempdir()?;
            temporary.path().canonicalize()?
        }
    };
    let folders = Folders::create(&root)?;
    let connection = {
        let settings = server::Settings::embedded(&folders.data);
        Connection::open(&Place::DataDir(Box::new(settings))).await?
    };
    // Listening from here on keeps Ctrl-C from ending the program with the folder left behind.
    let mut listener = interrupts.listen();
    let outcome = tokio::select! {
        outcome = take_tour(&connection, &interrupts, &folders, &args) => outcome,
        () = listener.pressed() => Err(Failure::interrupted().into()),
    };
    let was_interrupted =
        matches!(&outcome, Err(error) if error.downcast_ref() == Some(&Failure::interrupted()));
    connection.close().await;
    match outcome {
        Ok(()) => Ok(0),
        Err(error) if was_interrupted => {
            complain(error);
            Ok(EXIT_INTERRUPTED)
        }
        Err(error) => stdout_failed(tour::stdout_error(error)?),
    }
}

/// Makes the directory to keep; one with anything in it is not touched.
fn kept(dir: &Path) -> anyhow::Result<PathBuf> {
    let context = || format!("cannot use {}", dir.display());
    fs::create_dir_all(dir).with_context(context)?;
    let is_empty = fs::read_dir(dir).with_context(context)?.next().is_none();
    ensure!(
        is_empty,
        "{} is not empty; give --keep a new directory",
        dir.display()
    );
    dir.canonicalize().with_context(context)
}

impl Folders {
    fn create(root: &Path) -> anyhow::Result<Self> {
        let folder = |name: &str| {
            let path = root.join(name);
            fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
            anyhow::Ok(path)
        };
        Ok(Self {
            data: folder("data")?,
            stage1: folder("stage1")?,
            tpch: folder("tpch")?,
            out: folder("out")?,
        })
    }
}

async fn take_tour(
    connection: &Connection,
    interrupts: &Interrupts,
    folders: &Folders,
    args: &DemoArgs,
) -> anyhow::Result<()> {
    let client = Client::open(connection, "").await?;
    let settings = Settings::new(Format::Table, true, false);
    let mut tour = Tour::new(Runner::new(client, interrupts.clone(), settings));
    tour.say(format_args!(
        "A server of its own runs in this process; its data is in {}.",
        folders.data.display()
    ))?;
    governed_export(&mut tour, folders).await?;
    governance(&mut tour).await?;
    proven_export(&mut tour, folders, args.scale).await?;
    what_next(&mut tour, args.keep.is_some().then_some(folders))?;
    tour.into_runner().into_client().close().await;
    Ok(())
}

async fn governed_export(tour: &mut Tour, folders: &Folders) -> anyhow::Result<()> {
    tour.heading("An export to a stage")?;
    tour.run("CREATE TABLE `user` (`id` int(11), `user_name` varchar(255), `sex` varchar(255))")
        .await?;
    tour.run("INSERT INTO user(id,user_name,sex) VALUES ('1', 'weder', 'man'), ('2', 'tom', 'man'), ('3', 'wederTom', 'man')")
        .await?;
    tour.run(&format!(
        "CREATE STAGE stage1 URL={} ENABLE = TRUE",
        path_literal(&folders.stage1)?
    ))
    .await?;
    tour.run("SELECT * FROM user INTO OUTFILE 'stage1:/user.csv'")
        .await?;
    let file = folders.stage1.join("user.csv");
    let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    tour.say(format_args!("\n{} now holds:", file.display()))?;
    tour.quote(&String::from_utf8_lossy(&bytes))?;
    ensure!(
        bytes == USER_CSV.as_bytes(),
        "the file should have held\n{USER_CSV}"
    );
    Ok(())
}

async fn governance(tour: &mut Tour) -> anyhow::Result<()> {
    tour.heading("Nobody writes outside a stage")?;
    tour.refused(
        "SELECT * FROM user INTO OUTFILE '~/tmp/csv2/user.txt'",
        REFUSAL,
    )
    .await?;
    tour.say("")?;
    tour.run("SHOW STAGES").await?;
    tour.run("DESCRIBE STAGE stage1").await?;
    Ok(())
}

async fn proven_export(tour: &mut Tour, folders: &Folders, scale: f64) -> anyhow::Result<()> {
    tour.heading("A large export, proven by its manifest")?;
    tour.say(format_args!(
        "Writing TPC-H lineitem (scale {scale}) as Parquet …"
    ))?;
    let started = Instant::now();
    let file = folders.tpch.join("lineitem.parquet");
    let path = file.clone();
    let rows = tokio::task::spawn_blocking(move || tpch::write_lineitem(&path, scale)).await??;
    let mb = fs::metadata(&file)?.len() as f64 / 1e6;
    tour.say(format_args!(
        "{rows} rows, {mb:.1} MB in {:.1} s\n",
        started.elapsed().as_secs_f64()
    ))?;

    tour.run(&format!(
        "CREATE STAGE tpch URL={}",
        path_literal(&folders.tpch)?
    ))
    .await?;
    tour.run(&format!(
        "CREATE STAGE out URL={}",
        path_literal(&folders.out)?
    ))
    .await?;
    tour.run("CREATE EXTERNAL TABLE lineitem INFILE {'filepath'='stage://tpch/lineitem.parquet','format'='parquet'}")
        .await?;
    tour.run(
        "SELECT l_returnflag, l_linestatus, count(*) AS line_count, sum(l_quantity) AS sum_quantity,\n\
         sum(l_extendedprice * (1 - l_discount)) AS sum_revenue\n\
         FROM lineitem WHERE l_shipdate <= DATE '1998-09-02'\n\
         GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus",
    )
    .await?;
    let result = tour
        .run("SELECT * FROM lineitem INTO OUTFILE 'stage://out/lineitem.csv' MANIFEST 'true'")
        .await?;
    let export = result.export.context("the export gave no report")?;
    ensure!(
        export.rows == rows,
        "{rows} rows should have been exported, not {}",
        export.rows
    );
    if let Some(seconds) = export_seconds(&export).filter(|seconds| *seconds > 0.0) {
        let mb_per_s = export.bytes as f64 / 1e6 / seconds;
        tour.say(format_args!(
            "That took {seconds:.2} s: {mb_per_s:.0} MB/s of CSV, digest included."
        ))?;
    }

    let manifest = tour.runner().client().manifest(export.name).await?;
    let beside = folders.out.join("lineitem.csv.manifest.json");
    tour.say(format_args!("\n{} says:", beside.display()))?;
    tour.quote(&manifest::shortened(&manifest)?)?;
    let kept =
        fs::read_to_string(&beside).with_context(|| format!("cannot read {}", beside.display()))?;
    ensure!(
        kept == manifest,
        "the manifest beside the file should be the one in the catalog"
    );

    let promised = manifest::sha256_of_only_file(&manifest)?;
    let file = folders.out.join("lineitem.csv");
    let found = tokio::task::spawn_blocking(move || manifest::sha256_of_file(&file)).await??;
    tour.say(format_args!(
        "\nSHA-256 of the file, computed here from its bytes:\n    {found}"
    ))?;
    ensure!(
        found == promised,
        "the manifest says {promised}: the file is not what was exported"
    );
    tour.say("which is what the manifest says.")
}

fn what_next(tour: &mut Tour, kept: Option<&Folders>) -> anyhow::Result<()> {
    tour.say("\nEverything was as it should be. Next:")?;
    match kept {
        Some(folders) => tour.say(format_args!(
            "  stagedoor sql --data-dir {}      the shell, on this demo's data",
            folders.data.display()
        ))?,
        None => tour.say(
            "  stagedoor demo --keep DIR            the same, with its files left to look at",
        )?,
    }
    tour.say("  stagedoor sql                        the shell, with data of your own")?;
    tour.say("  stagedoor serve                      the server, for clients over gRPC")
}

/// A path as a string literal; SQL is text, so the path must be.
fn path_literal(path: &Path) -> anyhow::Result<String> {
    Ok(literal(path.to_str().with_context(|| {
        format!("{} is not UTF-8", path.display())
    })?))
}
