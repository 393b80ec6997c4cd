//! `cargo xtask codegen`: Rust from `proto/stagedoor/v1/*.proto`, with a pure-Rust compiler.
//! `--check` makes it in a temporary folder and compares, so that CI proves the committed code fresh, and looks whether the
//! contract keeps to its form and to what clients have been promised.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use prost::Message;
use prost_types::FileDescriptorSet;

use crate::protos;

const FILES: [&str; 6] = [
    "stagedoor/v1/account.proto",
    "stagedoor/v1/admin.proto",
    "stagedoor/v1/export.proto",
    "stagedoor/v1/file.proto",
    "stagedoor/v1/sql.proto",
    "stagedoor/v1/stage.proto",
];
/// Messages that carry passwords, tokens or keys: their `Debug` is written by hand in proto/src/redacted.rs.
const SECRET_MESSAGES: [&str; 11] = [
    ".stagedoor.v1.CreateAccountRequest",
    ".stagedoor.v1.CreateTokenResponse",
    ".stagedoor.v1.CreateUserRequest",
    ".stagedoor.v1.ExecuteRequest",
    ".stagedoor.v1.LoginResponse",
    ".stagedoor.v1.PresignFileResponse",
    ".stagedoor.v1.SplitScriptRequest",
    ".stagedoor.v1.Stage",
    ".stagedoor.v1.StartExportRequest",
    ".stagedoor.v1.UpdateAccountRequest",
    ".stagedoor.v1.UpdateUserRequest",
];
const OUTPUTS: [&str; 2] = ["stagedoor.v1.rs", "stagedoor.v1.bin"];

/// Writes `proto/src/generated`, or with `check` only compares with it.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let committed = root.join("proto/src/generated");
    if !check {
        fs::create_dir_all(&committed)?;
        return generate(root, &committed);
    }
    let fresh = tempfile::tempdir()?;
    generate(root, fresh.path())?;
    for name in OUTPUTS {
        let want = fs::read(fresh.path().join(name))?;
        let have = fs::read(committed.join(name)).with_context(|| {
            format!("proto/src/generated/{name} is missing: run `cargo xtask codegen`")
        })?;
        if want != have {
            bail!("proto/src/generated/{name} is stale: run `cargo xtask codegen`");
        }
    }
    protos::check(root, &compile(root)?)
}

/// Keeps the contract as it is now: from then on nothing of it may go.
pub(crate) fn freeze(root: &Path) -> Result<()> {
    protos::freeze(root, &compile(root)?)
}

fn compile(root: &Path) -> Result<FileDescriptorSet> {
    protox::compile(FILES, [root.join("proto")]).context("failed to compile the proto files")
}

fn generate(root: &Path, out: &Path) -> Result<()> {
    let descriptors = compile(root)?;
    fs::write(out.join("stagedoor.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .out_dir(out)
        .skip_debug(SECRET_MESSAGES)
        .compile_fds(descriptors)
        .context("failed to generate Rust from the proto files")
}
