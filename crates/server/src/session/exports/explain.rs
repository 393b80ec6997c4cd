//! EXPLAIN EXPORT: what an export would write where, and under which rules. It checks all that the export checks
//! before it begins, and writes nothing.

use arrow::datatypes::SchemaRef;
use exporter::DigestAlgorithm;
use parser::Export;

use crate::error::Result;
use crate::exports::{ExportPlan, manifest_path};

use super::{Asked, Conflicts, Session};

/// What would be done, a property a line.
pub(crate) type Explained = Vec<(&'static str, String)>;

impl Session {
    /// # Errors
    /// Those of the export, but for files that are in its way: these are told.
    pub(crate) async fn explain_export(&self, statement: &Export) -> Result<Explained> {
        let mut conflicts = Vec::new();
        let plan = match self
            .export_plan(statement, Conflicts::Told(&mut conflicts))
            .await?
        {
            Asked::New(plan) => plan,
            Asked::Before(handle) => {
                let id = handle.id().to_owned();
                return Ok(vec![
                    ("target", handle.admitted().target.clone()),
                    (
                        "export id",
                        format!(
                            "is that of export {id}: nothing would be written, and its report be given"
                        ),
                    ),
                ]);
            }
        };
        let mut told = told(&plan, statement);
        told.extend(conflicts.into_iter().map(|error| ("conflict", error)));
        Ok(told)
    }
}

fn told(plan: &ExportPlan, statement: &Export) -> Explained {
    let target = &plan.target;
    let mut told = vec![("target", target.shown.clone())];
    if let Some(stage) = &target.stage {
        told.push((
            "stage",
            format!("{} (version {})", stage.name, stage.version),
        ));
        if let Some(url) = &stage.url {
            told.push(("url", url.clone()));
        }
    }
    let policies = target.policies();
    told.extend(policies.told().map(|rule| ("policy", rule)));
    told.push(("format", plan.manifest.format.to_owned()));
    told.extend(
        plan.manifest
            .options
            .iter()
            .map(|(name, value)| ("option", format!("{name} = {value}"))),
    );
    told.push(("columns", columns(&plan.manifest.schema)));
    told.push((
        "rows",
        match plan.rows_estimated {
            Some(rows) => format!("about {rows}, as the planner estimates"),
            None => "not known before it runs".to_owned(),
        },
    ));
    told.push(("files", files(plan, statement)));
    if plan.beside.manifest_of_one {
        told.extend(manifest_path(&target.path).map(|path| ("manifest", path.to_string())));
    } else if plan.beside.manifest_of_several && plan.beside.may_be_several {
        told.push((
            "manifest",
            "_manifest.json beside the first file, if there are several; always in the catalog"
                .to_owned(),
        ));
    } else {
        told.push(("manifest", "in the catalog only".to_owned()));
    }
    if plan.beside.checksums {
        let program = match plan.beside.digest {
            DigestAlgorithm::Sha256 => "sha256sum",
            DigestAlgorithm::Blake3 => "b3sum",
        };
        told.push(("digests", format!("beside the data, for {program} -c")));
    }
    told.push((
        "publication",
        match (plan.beside.replaces, target.store.refuses_to_replace()) {
            (true, _) => {
                "replaces files of the names, and removes what else the export before has left"
            }
            (false, true) => "in one step a file, which replaces none",
            (false, false) => {
                "looks for files of the names first: the place has no step that never replaces one"
            }
        }
        .to_owned(),
    ));
    if let Some(key) = &plan.key {
        told.push(("export id", key.key.clone()));
    }
    told
}

fn columns(schema: &SchemaRef) -> String {
    let columns: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| format!("{} {}", field.name(), query::field_sql_type(field)))
        .collect();
    columns.join(", ")
}

fn files(plan: &ExportPlan, statement: &Export) -> String {
    let first = &plan.target.path;
    let limit = plan.manifest.options.get("file_bytes_max");
    let options = &statement.options;
    let by = options.partition_by.iter();
    let partition = match &options.partition_path {
        Some(path) => format!("{}/", path.value),
        None => by.map(|name| format!("{}=…/", name.value)).collect(),
    };
    let name = match first.as_str().rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/{partition}{name}"),
        None => format!("{partition}{first}"),
    };
    match (limit, plan.target.file(1)) {
        (Some(limit), Ok(second)) => {
            let second = second.file_name().to_owned();
            format!("{name}, {second}, … of at most {limit} bytes each")
        }
        (Some(_) | None, _) => match partition.is_empty() {
            true => name,
            false => format!("{name}, a folder for each value"),
        },
    }
}
