//! `SELECT … INTO OUTFILE`: who may write where (the governance rule), and an export job for it.
//! Everything that can be refused is refused here, before a record is made or a byte written.

use catalog::ExportState;
use exporter::csv::{CsvOptions, Dialect, QuotePolicy};
use parser::{Compression, Export, Format, Scheme, Target};
use storage::OnExisting;

use crate::error::{Error, Reason, Result, stage_required};
use crate::exports::{
    ExportHandle, ExportPlan, ExportTarget, ManifestInput, TargetStage, file_format, manifest_path,
    numbered,
};
use crate::instance::Instance;
use crate::places::{path_in_stage, squeezed};

use super::{Outcome, Session};

impl Session {
    /// Admits an export and starts it.
    ///
    /// # Errors
    /// [`Reason::StageRequired`] and the other refusals of the governance rule; [`Reason::TargetExists`];
    /// what planning the query gives.
    pub(super) async fn export(&self, statement: Export, masked: String) -> Result<ExportHandle> {
        let credentials = statement.options.credentials.is_some();
        let target = statement.target.value.clone();
        let target = self
            .blocking(move |instance, _| admit(instance, target, credentials))
            .await?;
        check_options(&statement, &target)?;
        let mut manifest_file = statement
            .options
            .manifest
            .as_ref()
            .is_some_and(|manifest| manifest.value);
        if manifest_file {
            // Its name may be too long where the file's own is not.
            manifest_path(&target.path)?;
        }
        let on_existing = match statement
            .options
            .overwrite
            .as_ref()
            .is_some_and(|overwrite| overwrite.value)
        {
            true => OnExisting::Replace,
            false => OnExisting::Refuse,
        };
        let found = target.clone();
        match on_existing {
            OnExisting::Refuse => {
                self.blocking(move |_, _| refuse_existing(&found, manifest_file))
                    .await?;
            }
            // A manifest beside the old file would prove the wrong bytes: it is replaced, too.
            OnExisting::Replace => {
                manifest_file |= self
                    .blocking(move |_, _| Ok(found.store.exists(&manifest_path(&found.path)?)?))
                    .await?;
            }
        }

        let csv = csv_options(&statement)?;
        let (planned, pin) = self.plan_query(statement.query).await?;
        let schema = planned.schema();
        let options = exporter::manifest::csv_options(&csv);
        let driver = exporter::ExportOptions::csv(&schema, csv)
            .map_err(|e| Error::internal(Reason::OptionInvalid, &e))?;
        let rows_estimated = planned.row_estimate();
        let batches = planned.stream()?;

        let settings = &self.instance.settings.export;
        let threads = match settings.threads {
            0 => std::thread::available_parallelism().map_or(2, usize::from),
            threads => threads,
        };
        let manifest = ManifestInput {
            statement: masked,
            principal: self.principal(),
            account: self.account().to_owned(),
            schema,
            options,
        };
        let plan = ExportPlan {
            actor: self.actor.clone(),
            target,
            batches: Box::pin(batches),
            rows_estimated,
            options: driver.threads(threads),
            manifest,
            manifest_file,
            on_existing,
            pin,
        };
        crate::exports::start(&self.instance, plan).await
    }

    pub(super) async fn cancel_export(&self, id: &str) -> Result<Outcome> {
        self.cancel(id).await?;
        Ok(Outcome::done("CANCEL EXPORT"))
    }

    /// Stops a running export and waits until it has stopped.
    ///
    /// # Errors
    /// [`Reason::ExportNotFound`]; [`Reason::ExportState`] when it has ended, or ended well meanwhile.
    pub(crate) async fn cancel(&self, id: &str) -> Result<()> {
        let ended = |state| {
            Error::internal(
                Reason::ExportState,
                format_args!("export '{id}' is {state}, not running"),
            )
        };
        let Some(job) = self.instance.jobs.get(id) else {
            return match self.instance.catalog.export(self.account(), id)? {
                Some(record) if record.state.is_final() => {
                    Err(ended(format!("{:?}", record.state).to_uppercase()))
                }
                // Left by a stopped server, and not recoverable so far.
                Some(record) => {
                    let end = self
                        .blocking(move |instance, _| crate::exports::give_up(instance, &record))
                        .await?;
                    match end {
                        ExportState::Committed => Err(ended("COMMITTED".to_owned())),
                        _ => Ok(()),
                    }
                }
                None => Err(Error::internal(
                    Reason::ExportNotFound,
                    format_args!("there is no export '{id}'"),
                )),
            };
        };
        job.cancel();
        match job.ended().await {
            Ok(_) => Err(ended("COMMITTED".to_owned())),
            Err(error) if error.reason() == Reason::ExportCancelled => Ok(()),
            Err(error) => Err(error.within(format_args!("export '{id}' had ended"))),
        }
    }
}

/// The governance rule, and the target's place. With an enabled stage in the account only a stage path
/// passes; no role and no setting is exempt. Blocking.
fn admit(instance: &Instance, target: Target, credentials: bool) -> Result<ExportTarget> {
    if let Target::Stage { name, path } = &target {
        let stage = instance.open_stage(name)?;
        let path = path_in_stage(&numbered(path, 0)?)?;
        let shown = format!("stage://{name}/{path}");
        return Ok(ExportTarget {
            store: stage.store,
            path,
            stage: Some(TargetStage {
                name: stage.name,
                version: stage.version,
                url: stage.url,
                parents: stage.parents,
            }),
            shown,
        });
    }
    if instance
        .catalog
        .any_stage_enabled(crate::instance::ACCOUNT)?
    {
        return Err(stage_required());
    }
    let path = match target {
        Target::Raw(path) => path,
        Target::Url {
            scheme: Scheme::File,
            rest,
        } => rest,
        Target::Url { scheme, .. } if !credentials => {
            return Err(Error::invalid_configuration(
                Reason::OptionInvalid,
                format_args!(
                    "an {}:// target needs CREDENTIALS = {{…}} where no stage is used",
                    scheme.as_str()
                ),
            ));
        }
        Target::Url { scheme, .. } => {
            return Err(Error::not_implemented(format_args!(
                "export to an {}:// target",
                scheme.as_str()
            )));
        }
        Target::Stage { .. } => return Err(Error::defect("a stage path passed as a local path")),
    };
    local_target(instance, &path)
}

fn local_target(instance: &Instance, path: &str) -> Result<ExportTarget> {
    if path.is_empty() || path.contains('\0') {
        return Err(Error::new(
            Reason::TargetInvalid,
            20411,
            "HY000",
            format!("invalid file path: '{}'", path.escape_default()),
        ));
    }
    let absolute = path.starts_with('/');
    let path = numbered(&squeezed(path), 0)?;
    let path = if absolute { format!("/{path}") } else { path };
    // `..` is refused here as in a stage: what a path means must not depend on links and folders.
    if path.split('/').any(|part| part == "..") {
        return Err(Error::new(
            Reason::TargetInvalid,
            20411,
            "HY000",
            format!("invalid file path: '{path}' has a '..' component"),
        ));
    }
    // Absolute in the record, so that recovery finds it whatever the server's working directory is then.
    let full = std::path::absolute(&path)
        .map_err(|e| Error::defect(format_args!("failed to make '{path}' absolute: {e}")))?;
    let full = full.to_string_lossy().into_owned();
    let (store, name) = instance.open_local(&full)?;
    Ok(ExportTarget {
        store,
        path: name,
        stage: None,
        shown: full,
    })
}

fn refuse_existing(target: &ExportTarget, manifest_file: bool) -> Result<()> {
    let mut names = vec![target.path.clone()];
    if manifest_file {
        names.push(manifest_path(&target.path)?);
    }
    for name in names {
        if target.store.exists(&name)? {
            return Err(Error::new(
                Reason::TargetExists,
                20406,
                "HY000",
                format!("file {} already exists", name.file_name()),
            ));
        }
    }
    Ok(())
}

/// Refuses what this version does not do, and a FORMAT that the file's name contradicts.
fn check_options(statement: &Export, target: &ExportTarget) -> Result<()> {
    let options = &statement.options;
    let (suffix_format, suffix_compression) = file_format(target.path.as_str());
    let format = match (&options.format, suffix_format) {
        (Some(format), Some(suffix)) if format.value != suffix => {
            let shown = target
                .path
                .file_name()
                .rsplit('.')
                .next()
                .unwrap_or_default()
                .to_lowercase();
            return Err(Error::internal(
                Reason::OptionInvalid,
                format_args!(
                    "format '{}' does not match file suffix '.{shown}'",
                    format.value
                ),
            ));
        }
        (Some(format), _) => format.value,
        (None, suffix) => suffix.unwrap_or(Format::Csv),
    };
    if format != Format::Csv {
        return Err(Error::not_implemented(format_args!("FORMAT '{format}'")));
    }
    let compression = options
        .compression
        .as_ref()
        .map(|compression| compression.value)
        .or(suffix_compression);
    if let Some(compression) = compression.filter(|compression| *compression != Compression::None) {
        return Err(Error::not_implemented(format_args!(
            "COMPRESSION '{compression}'"
        )));
    }
    let split = options
        .split_size_bytes
        .as_ref()
        .is_some_and(|size| size.value > 0)
        || options
            .max_file_size_kib
            .as_ref()
            .is_some_and(|size| size.value > 0);
    for (given, what) in [
        (split, "SPLITSIZE and MAX_FILE_SIZE"),
        (!options.partition_by.is_empty(), "PARTITION BY"),
        (options.export_id.is_some(), "EXPORT ID"),
    ] {
        if given {
            return Err(Error::not_implemented(what));
        }
    }
    Ok(())
}

/// The dialect's rules, with what the statement says explicitly on top.
fn csv_options(statement: &Export) -> Result<CsvOptions> {
    let options = &statement.options;
    let dialect = match options.dialect.as_ref().map(|dialect| dialect.value) {
        None | Some(parser::Dialect::Mysql) => Dialect::Mysql,
        Some(parser::Dialect::Rfc4180) => Dialect::Rfc4180,
        Some(parser::Dialect::Excel) => Dialect::Excel,
        Some(parser::Dialect::Postgres) => Dialect::Postgres,
    };
    let mut csv = CsvOptions::dialect(dialect);
    let fields = &options.fields;
    if let Some(terminated) = &fields.terminated_by {
        csv.fields_terminated.clone_from(&terminated.value);
    }
    if let Some(enclosed) = &fields.enclosed_by {
        csv.enclosed = enclosed
            .value
            .map(|c| one_byte("FIELDS ENCLOSED BY", c))
            .transpose()?;
        csv.quote = match (dialect, fields.optionally_enclosed) {
            (Dialect::Mysql, _) => QuotePolicy::Strings,
            (_, true) => QuotePolicy::Needed,
            // MySQL's rule: ENCLOSED without OPTIONALLY encloses every value.
            (_, false) => QuotePolicy::All,
        };
    }
    if let Some(escaped) = &fields.escaped_by {
        csv.escaped = escaped
            .value
            .map(|c| one_byte("FIELDS ESCAPED BY", c))
            .transpose()?;
    }
    if let Some(starting) = &options.lines.starting_by {
        csv.lines_starting.clone_from(&starting.value);
    }
    if let Some(terminated) = &options.lines.terminated_by {
        csv.lines_terminated.clone_from(&terminated.value);
    }
    if let Some(header) = &options.header {
        csv.header = header.value;
    }
    if let Some(null) = &options.null_as {
        csv.null.clone_from(&null.value);
    }
    csv.force_quote = options
        .force_quote
        .iter()
        .map(|name| name.value.clone())
        .collect();
    csv.validate()
        .map_err(|e| Error::internal(Reason::OptionInvalid, &e))?;
    Ok(csv)
}

fn one_byte(clause: &str, character: char) -> Result<u8> {
    u8::try_from(character)
        .ok()
        .filter(u8::is_ascii)
        .ok_or_else(|| {
            Error::internal(
                Reason::OptionInvalid,
                format_args!("{clause} must be an ASCII character, not '{character}'"),
            )
        })
}
