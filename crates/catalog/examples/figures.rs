//! Measures the catalog on this machine's disk: changes per second against the disk's own sync rate,
//! and opening, memory and reading at a size. `figures DIRECTORY [STAGES VERSIONS EXPORTS]`, in release.

#![expect(clippy::print_stdout, reason = "its figures are its output")]

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stagedoor_catalog::{
    Actor, Catalog, Expected, ExportState, NewExport, OnExists, Options, StageChanges,
    StageDefinition,
};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// About what the record of one change of a stage has.
const RECORD_BYTES: usize = 1000;
const MEASURED: Duration = Duration::from_secs(3);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments
        .next()
        .ok_or("usage: figures DIRECTORY [STAGES VERSIONS EXPORTS]")?;
    let dir = Path::new(&dir);
    fs::create_dir_all(dir)?;
    let sizes: Vec<usize> = arguments
        .map(|size| size.parse())
        .collect::<std::result::Result<_, _>>()?;
    rates(dir)?;
    alterations(&dir.join("altered"))?;
    if let [stages, versions, exports] = sizes[..] {
        at_size(&dir.join("large"), stages, versions, exports)?;
    }
    Ok(())
}

fn rates(dir: &Path) -> Result<()> {
    // In turns, for the disk of a shared machine has better and worse moments.
    let (mut disk, mut alone, mut many) = (0.0_f64, 0.0_f64, 0.0_f64);
    for round in 0..3 {
        disk = disk.max(syncs(&dir.join("syncs"))?);
        alone = alone.max(creates(&dir.join(format!("rate-{round}-1")), 1)?);
        many = many.max(creates(&dir.join(format!("rate-{round}-64")), 64)?);
    }
    println!("syncs of the disk      {disk:9.0} /s");
    println!(
        "creates, 1 thread      {alone:9.0} /s   {:.2} of it",
        alone / disk
    );
    println!(
        "creates, 64 threads    {many:9.0} /s   {:.1} of it",
        many / disk
    );
    Ok(())
}

/// What 100,000 alterations of one stage leave, before and after the retention that a server asks for each hour.
fn alterations(dir: &Path) -> Result<()> {
    const ALTERATIONS: usize = 100_000;
    const KEPT: usize = 1_000;
    let _ = fs::remove_dir_all(dir);
    let catalog = Catalog::open(dir, Options::default())?;
    create(&catalog, 0)?;
    let next = AtomicUsize::new(0);
    in_threads(64, || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= ALTERATIONS {
                return Ok(());
            }
            let changes = StageChanges {
                comment: Some(format!("alteration {number}")),
                ..StageChanges::default()
            };
            catalog.alter_stage(&root(), "stage00000000", changes, Expected::Any)?;
        }
    })?;
    println!(
        "100,000 alterations    {:9} MB of journal",
        catalog.journal_bytes() >> 20
    );
    catalog.prune_stage_versions(&root(), KEPT)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
    catalog.prune_audit(&root(), u64::try_from(now)?)?;
    catalog.compact()?;
    println!(
        "  1,000 kept, no audit {:9} KB of journal",
        catalog.journal_bytes() >> 10
    );
    drop(catalog);
    fs::remove_dir_all(dir)?;
    Ok(())
}

/// How often a second the disk appends a record and syncs it.
fn syncs(path: &Path) -> Result<f64> {
    let mut file = File::create(path)?;
    let bytes = vec![7; RECORD_BYTES];
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < MEASURED {
        file.write_all(&bytes)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

fn creates(dir: &Path, threads: usize) -> Result<f64> {
    let _ = fs::remove_dir_all(dir);
    let catalog = Catalog::open(dir, Options::default())?;
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    in_threads(threads, || {
        while start.elapsed() < MEASURED {
            let number = next.fetch_add(1, Ordering::Relaxed);
            create(&catalog, number)?;
        }
        Ok(())
    })?;
    let rate = next.into_inner() as f64 / start.elapsed().as_secs_f64();
    drop(catalog);
    fs::remove_dir_all(dir)?;
    Ok(rate)
}

fn in_threads(threads: usize, work: impl Fn() -> Result<()> + Sync) -> Result<()> {
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        for thread in running {
            thread.join().map_err(|_| "a thread panicked")??;
        }
        Ok(())
    })
}

fn root() -> Actor {
    Actor::new("sys", "root", "moadmin")
}

fn create(catalog: &Catalog, number: usize) -> Result<()> {
    let definition = StageDefinition {
        url: Some(format!("s3://bucket/some/where/{number}/")),
        ..StageDefinition::default()
    };
    let name = format!("stage{number:08}");
    catalog.create_stage(&root(), &name, definition, OnExists::Error, Expected::Any)?;
    Ok(())
}

fn export(catalog: &Catalog, number: usize) -> Result<()> {
    let id = format!("0192f0c1-2345-7abc-8def-{number:012x}");
    let new = NewExport {
        id: id.clone(),
        database: None,
        statement: format!("SELECT * FROM t WHERE x > {number} INTO OUTFILE 'stage://s/a.csv'"),
        stage: None,
        stage_parents: Vec::new(),
        target: "stage://s/a.csv".into(),
        key: None,
    };
    catalog.create_export(&root(), new)?;
    catalog.update_export(&root(), &id, |export| {
        export.state = ExportState::Failed;
        export.manifest_json = Some("{\"format\":\"csv\",\"files\":[]}".into());
    })?;
    Ok(())
}

fn at_size(dir: &Path, stages: usize, versions: usize, exports: usize) -> Result<()> {
    if !dir.exists() {
        fill(dir, stages, versions, exports)?;
    }
    println!(
        "journal                {:9} MB",
        fs::metadata(dir.join("journal"))?.len() >> 20
    );
    println!(
        "index                  {:9} MB",
        size(&dir.join("index"))? >> 20
    );
    let catalog = opened("open", dir)?;
    println!("  memory               {:9} MB", resident()? >> 20);
    timed("describe a stage", || {
        catalog.stage("sys", &format!("stage{:08}", stages / 2))
    })?;
    timed("its history", || {
        catalog.stage_history("sys", &format!("stage{:08}", stages / 3))
    })?;
    timed("a page of 1000 stages", || {
        catalog.stages_page("sys", None, 1000)
    })?;
    timed("all stages", || catalog.stages("sys"))?;
    timed("1 of all stages, by name", || {
        let wanted = format!("{:05}", stages / 2);
        catalog.stages_named("sys", "", |name| name.contains(&wanted))
    })?;
    timed("those of a prefix", || {
        catalog.stages_named("sys", "stage0000", |_| true)
    })?;
    timed("a page of 1000 exports", || {
        catalog.exports_page("sys", None, 1000)
    })?;
    timed("a page of 100 exports", || {
        catalog.exports_page("sys", None, 100)
    })?;
    let middle = format!("0192f0c1-2345-7abc-8def-{:012x}", exports / 2);
    timed("a page in the middle", || {
        catalog.exports_page("sys", Some(&middle), 100)
    })?;
    timed("the last 100 of audit", || catalog.audit_last("sys", 100))?;
    println!("  memory               {:9} MB", resident()? >> 20);
    timed("scrub", || catalog.scrub())?;
    println!("  memory               {:9} MB", resident()? >> 20);
    timed("compaction", || catalog.compact())?;
    timed("proof of the audit", || catalog.verify_audit())?;
    println!("  memory               {:9} MB", resident()? >> 20);
    println!(
        "journal                {:9} MB",
        catalog.journal_bytes() >> 20
    );
    timed("close", || {
        drop(catalog);
        Ok::<(), stagedoor_catalog::Error>(())
    })?;
    fs::remove_dir_all(dir.join("index"))?;
    let catalog = opened("rebuild", dir)?;
    println!("  memory               {:9} MB", resident()? >> 20);
    drop(catalog);
    drop(opened("open again", dir)?);
    Ok(())
}

fn opened(what: &str, dir: &Path) -> Result<Catalog> {
    let (start, before) = (Instant::now(), processor_time()?);
    let catalog = Catalog::open(dir, Options::default())?;
    println!(
        "{what:22} {:9.3} s    {:.2} s of it processor time",
        start.elapsed().as_secs_f64(),
        processor_time()? - before
    );
    Ok(catalog)
}

/// The seconds that the processors have spent on this process: on a busy machine, what tells more.
fn processor_time() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("no name in stat")?;
    let ticks: Vec<u64> = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;
    Ok(ticks.iter().sum::<u64>() as f64 / 100.0)
}

fn fill(dir: &Path, stages: usize, versions: usize, exports: usize) -> Result<()> {
    let catalog = Catalog::open(dir, Options::default())?;
    let start = Instant::now();
    let next = AtomicUsize::new(0);
    in_threads(64, || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= stages {
                return Ok(());
            }
            create(&catalog, number)?;
            for version in 1..versions {
                let change = StageChanges {
                    comment: Some(format!("version {version}")),
                    ..StageChanges::default()
                };
                let name = format!("stage{number:08}");
                catalog.alter_stage(&root(), &name, change, Expected::Any)?;
            }
        }
    })?;
    let next = AtomicUsize::new(0);
    in_threads(64, || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= exports {
                return Ok(());
            }
            export(&catalog, number)?;
        }
    })?;
    println!(
        "filled in              {:9.0} s",
        start.elapsed().as_secs_f64()
    );
    println!("  memory               {:9} MB", resident()? >> 20);
    if let Some(why) = catalog.compaction_failure() {
        println!("  compaction failed: {why}");
    }
    Ok(())
}

fn timed<T, E: Into<Box<dyn Error + Send + Sync>>>(
    what: &str,
    call: impl FnOnce() -> std::result::Result<T, E>,
) -> Result<()> {
    let start = Instant::now();
    call().map_err(Into::into)?;
    println!(
        "{what:22} {:9.2} ms",
        start.elapsed().as_secs_f64() * 1000.0
    );
    Ok(())
}

fn size(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() {
            size(&entry.path())?
        } else {
            entry.metadata()?.len()
        };
    }
    Ok(bytes)
}

/// How much memory this process has.
fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kilobytes << 10)
}
