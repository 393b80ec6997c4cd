//! Admission of an export's target: the governance rule, and where the target is.

use std::sync::Arc;

use catalog::{CredentialValue, Credentials, OpenValue};
use parser::{CredentialKey, Scheme, Target};
use secrecy::SecretString;
use storage::{BucketCredentials, ObjectPath};

use crate::error::{Error, Reason, Result, stage_required};
use crate::exports::{ExportTarget, FileNames, TargetStage, numbered};
use crate::gate::{Acting, Object, Operation, Permit};
use crate::instance::Instance;
use crate::places::{Located, folder_of, path_in_stage, squeezed};

/// CREDENTIALS as a statement has them.
pub(super) type Given = Vec<(CredentialKey, SecretString)>;

/// A target that the governance rule has let pass, not opened yet.
pub(super) enum Admitted {
    Stage {
        located: Box<Located>,
        path: ObjectPath,
        names: FileNames,
        shown: String,
    },
    /// An absolute path.
    Local {
        path: String,
        /// As the statement has it.
        target: String,
    },
    /// A bucket that the statement names itself, with credentials of its own.
    Bucket {
        /// As the statement has it.
        template: String,
        /// The same with the number of the first file.
        target: String,
        credentials: Box<BucketCredentials>,
        /// The same for the record.
        kept: Credentials,
    },
}

impl Admitted {
    /// Where it is, as far as that may change beneath one text: the stage, and where its URL leads.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Stage { located, .. } => {
                format!("{} {}", located.id(), located.url().unwrap_or_default())
            }
            Self::Local { .. } | Self::Bucket { .. } => String::new(),
        }
    }

    pub(super) async fn open(
        self,
        instance: &Arc<Instance>,
        account: &str,
    ) -> Result<ExportTarget> {
        match self {
            Self::Stage {
                located,
                path,
                names,
                shown,
            } => {
                let stage = instance.open_stage(*located).await?;
                Ok(ExportTarget {
                    at: stage.place,
                    store: stage.store,
                    path,
                    names,
                    stage: Some(TargetStage {
                        name: stage.name,
                        id: stage.id,
                        version: stage.version,
                        url: stage.url,
                        parents: stage.parents,
                        temporary: stage.temporary,
                        policies: stage.policies,
                    }),
                    shown,
                    credentials: Credentials::default(),
                })
            }
            Self::Local { path: full, target } => {
                let (store, path) = instance.open_local(account, &full).await?;
                Ok(ExportTarget {
                    at: folder_of(&full).to_string(),
                    store,
                    names: FileNames::of(&target, &path, false),
                    path,
                    stage: None,
                    shown: full,
                    credentials: Credentials::default(),
                })
            }
            Self::Bucket {
                template,
                target,
                credentials,
                kept,
            } => {
                let (store, path) = instance.open_raw(account, &target, &credentials).await?;
                Ok(ExportTarget {
                    at: target.clone(),
                    store,
                    names: FileNames::of(&template, &path, false),
                    path,
                    stage: None,
                    shown: target,
                    credentials: kept,
                })
            }
        }
    }
}

/// The governance rule, and the target's place. With an enabled stage in the account only a stage path
/// passes; no role and no setting is exempt. Blocking.
pub(super) fn admit(
    acting: &Acting,
    permit: &Permit,
    target: Target,
    credentials: Option<Given>,
) -> Result<Admitted> {
    if let Target::Stage { name, path } = &target {
        if credentials.is_some() {
            return Err(Error::invalid_input(
                Reason::OptionInvalid,
                "CREDENTIALS go with an s3:// or oss:// target; a stage has its own",
            ));
        }
        let located = acting.locate_stage(name, Operation::ExportToStage)?;
        let pattern = path;
        let path = path_in_stage(&numbered(pattern, 0)?)?;
        return Ok(Admitted::Stage {
            located: Box::new(located),
            names: FileNames::of(pattern, &path, true),
            shown: format!("stage://{name}/{path}"),
            path,
        });
    }
    if acting
        .instance
        .catalog
        .any_stage_enabled(permit.account())?
    {
        let object = Object::Path(target.to_string());
        return Err(acting.refused(Operation::ExportToPath, &object, stage_required()));
    }
    let path = match (target, credentials) {
        (Target::Stage { .. }, _) => {
            return Err(Error::defect("a stage path passed as a local path"));
        }
        (
            Target::Url {
                scheme: scheme @ (Scheme::S3 | Scheme::Oss),
                ..
            },
            None,
        ) => {
            return Err(Error::invalid_configuration(
                Reason::OptionInvalid,
                format_args!(
                    "an {}:// target needs CREDENTIALS = {{…}} where no stage is used; the server's own are never used",
                    scheme.as_str()
                ),
            ));
        }
        (
            target @ Target::Url {
                scheme: Scheme::S3 | Scheme::Oss,
                ..
            },
            Some(given),
        ) => return bucket(acting, &target.to_string(), given),
        // The original's form for buckets, an endpoint without a scheme.
        (Target::Raw(text), Some(given)) if !text.starts_with('/') => {
            return bucket(acting, &text, given);
        }
        (
            Target::Raw(_)
            | Target::Url {
                scheme: Scheme::File,
                ..
            },
            Some(_),
        ) => {
            return Err(Error::invalid_input(
                Reason::OptionInvalid,
                "CREDENTIALS go with an s3:// or oss:// target; a path on the server's machine takes none",
            ));
        }
        (Target::Raw(path), None) => path,
        (
            Target::Url {
                scheme: Scheme::File,
                rest,
            },
            None,
        ) => rest,
    };
    if !permit.sees_all() && !acting.paths_are_listed() {
        let object = Object::Path(path);
        let error = Error::internal(
            Reason::PermissionDenied,
            "do not have privilege to execute the statement: where paths.allow lists no folders, a path on the server's machine is for administrators; export to a stage",
        );
        return Err(acting.refused(Operation::ExportToPath, &object, error));
    }
    let full = local_path(&path)?;
    acting
        .instance
        .check_folder_blocking(permit.account(), &folder_of(&full))?;
    Ok(Admitted::Local {
        path: full,
        target: path,
    })
}

/// A bucket that the statement names itself, as far as it can be checked without a connection. Blocking.
fn bucket(acting: &Acting, target: &str, given: Given) -> Result<Admitted> {
    let template = target.to_owned();
    let target = numbered(target, 0)?;
    let kept = acting.credentials(given)?;
    let opened = acting.instance.use_credentials(
        acting.principal.account(),
        kept.iter().map(|credential| {
            let value = match &credential.value {
                CredentialValue::Plain(text) => OpenValue::Plain(text.clone()),
                CredentialValue::Reference(text) => OpenValue::Reference(text.clone()),
                CredentialValue::Secret(secret) => OpenValue::Secret(secret.clone()),
                CredentialValue::Sealed(_) | CredentialValue::Shredded(_) => {
                    return Err(Error::defect("given credentials are sealed"));
                }
            };
            Ok((credential.name.clone(), value))
        }),
    )?;
    Ok(Admitted::Bucket {
        template,
        target,
        credentials: Box::new(opened),
        kept,
    })
}

/// A local target's absolute path.
fn local_path(path: &str) -> Result<String> {
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
    Ok(full.to_string_lossy().into_owned())
}
