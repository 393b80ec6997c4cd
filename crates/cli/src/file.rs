//! `stagedoor file`: the files of stages, for scripts.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use proto::v1::{File, PresignFileResponse, PresignedAccess};

use crate::args::{FileArgs, FileCommand, FilePlaceArgs};
use crate::batch::EXIT_FAILED;
use crate::client::{Files, StagePath};
use crate::connect::Connection;
use crate::options::{self, Environment};
use crate::output::complain;
use crate::render::{Format, Rows};
use crate::transfer::{self, LocalFile, Manner, Transfer};
use crate::usage::Usage;

/// Runs the command, writes its answer to `out`, and gives the exit status.
///
/// # Errors
/// Wrong options, a server that cannot be reached, or what it refused.
pub(crate) async fn run(
    args: FileArgs,
    env: Environment<'_>,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    match args.command {
        FileCommand::List(args) => {
            let at = stage_path(&args.path)?;
            with_files(&args.place, env, async |files| {
                list(files, &at, args.place.output, out).await.map(|()| 0)
            })
            .await
        }
        FileCommand::Remove(args) => {
            let at = stage_path(&args.path)?;
            with_files(&args.place, env, async |files| {
                let removed = files.remove(&at, args.allow_missing).await?;
                let batch = RecordBatch::try_from_iter([
                    ("removed_files", number(removed.removed_files)),
                    ("removed_bytes", number(removed.removed_bytes)),
                ])?;
                print(out, args.place.output, [batch])?;
                Ok(0)
            })
            .await
        }
        FileCommand::Get(args) => {
            let get = Transfer::Get {
                from: stage_path(&args.path)?,
                folder: args.folder,
            };
            let manner = Manner::new(args.overwrite, args.no_progress);
            carry(get, manner, &args.place, env, out).await
        }
        FileCommand::Put(args) => {
            let put = Transfer::Put {
                files: args.files.into_iter().map(LocalFile::named).collect(),
                to: stage_path(&args.path)?,
            };
            let manner = Manner::new(args.overwrite, args.no_progress);
            carry(put, manner, &args.place, env, out).await
        }
        FileCommand::Presign(args) => {
            let at = stage_path(&args.path)?;
            let access = match args.upload {
                true => PresignedAccess::Upload,
                false => PresignedAccess::Download,
            };
            with_files(&args.place, env, async |files| {
                let presigned = files.presign(&at, access, args.expire).await?;
                print(out, args.place.output, [presigned_row(&presigned)?])?;
                Ok(0)
            })
            .await
        }
        FileCommand::Refresh(args) => {
            let at = stage_path(&args.path)?;
            with_files(&args.place, env, async |files| {
                let found = files.refresh(&at).await?;
                let batch = RecordBatch::try_from_iter([
                    ("added_files", number(found.added_files)),
                    ("changed_files", number(found.changed_files)),
                    ("removed_files", number(found.removed_files)),
                    ("files", number(found.files)),
                ])?;
                print(out, args.place.output, [batch])?;
                Ok(0)
            })
            .await
        }
    }
}

fn stage_path(text: &str) -> Result<StagePath, Usage> {
    transfer::stage_path(text).ok_or_else(|| {
        Usage::new(format!(
            "`{text}` is no path in a stage, which is written stage://STAGE/PATH"
        ))
    })
}

async fn with_files(
    args: &FilePlaceArgs,
    env: Environment<'_>,
    work: impl AsyncFnOnce(&mut Files) -> anyhow::Result<u8>,
) -> anyhow::Result<u8> {
    let connection = Connection::open(&options::place(&args.place, env)?).await?;
    let mut files = Files::new(&connection);
    let done = work(&mut files).await;
    drop(files);
    connection.close().await;
    done
}

/// What was carried is printed, also when a later file fails.
async fn carry(
    transfer: Transfer,
    manner: Manner,
    args: &FilePlaceArgs,
    env: Environment<'_>,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    with_files(args, env, async |files| {
        let mut carried = Vec::new();
        let result = transfer.run(files, manner, &mut carried).await;
        if !carried.is_empty() {
            transfer::report(out, args.output, &carried)?;
        }
        Ok(match result {
            Ok(()) => 0,
            Err(error) => {
                complain(error);
                EXIT_FAILED
            }
        })
    })
    .await
}

/// A page at a time.
async fn list(
    files: &mut Files,
    at: &StagePath,
    format: Format,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut rows = Rows::new(format, &listed(&[])?.schema());
    let mut page_token = String::new();
    loop {
        let page = files.list(at, page_token).await?;
        rows.write(out, &listed(&page.files)?)?;
        if page.next_page_token.is_empty() {
            break;
        }
        page_token = page.next_page_token;
    }
    rows.finish(out)?;
    Ok(out.flush()?)
}

fn listed(files: &[File]) -> anyhow::Result<RecordBatch> {
    let modified = files.iter().map(|file| {
        let time = file.modify_time.as_ref()?;
        Some(time.seconds * 1_000_000 + i64::from(time.nanos) / 1000)
    });
    let texts = |of: fn(&File) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(files.iter().map(of)))
    };
    Ok(RecordBatch::try_from_iter([
        ("file", texts(|file| &file.path)),
        (
            "size",
            Arc::new(UInt64Array::from_iter_values(
                files.iter().map(|file| file.size_bytes),
            )) as ArrayRef,
        ),
        (
            "last_modified",
            Arc::new(TimestampMicrosecondArray::from_iter(modified)) as ArrayRef,
        ),
        ("etag", texts(|file| &file.etag)),
    ])?)
}

fn number(n: u64) -> ArrayRef {
    Arc::new(UInt64Array::from(vec![n]))
}

fn presigned_row(presigned: &PresignFileResponse) -> anyhow::Result<RecordBatch> {
    let text = |text: &str| Arc::new(StringArray::from(vec![text.to_owned()])) as ArrayRef;
    let expires = presigned.expire_time.as_ref();
    let expires = expires.map(|time| time.seconds * 1_000_000);
    Ok(RecordBatch::try_from_iter([
        ("method", text(&presigned.method)),
        ("url", text(&presigned.url)),
        ("headers", text(&serde_json::to_string(&presigned.headers)?)),
        (
            "expires",
            Arc::new(TimestampMicrosecondArray::from(vec![expires])) as ArrayRef,
        ),
    ])?)
}

fn print(
    out: &mut dyn Write,
    format: Format,
    batches: impl IntoIterator<Item = RecordBatch>,
) -> io::Result<()> {
    for batch in batches {
        let mut rows = Rows::new(format, &batch.schema());
        rows.write(out, &batch)?;
        rows.finish(out)?;
    }
    out.flush()
}
