//! Which crate may know which, and which manifest may name a heavy dependency.
//! The tables here are ARCHITECTURE.md's picture; both change together.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::Metadata;

use super::Finding;

/// Package and the workspace's packages that it may depend on; the tests may depend on any.
const EDGES: [(&str, &[&str]); 12] = [
    (
        "stagedoor-cli",
        &["stagedoor-parser", "stagedoor-proto", "stagedoor-server"],
    ),
    (
        "stagedoor-server",
        &[
            "stagedoor-proto",
            "stagedoor-parser",
            "stagedoor-catalog",
            "stagedoor-storage",
            "stagedoor-exporter",
            "stagedoor-query",
            "stagedoor-sources",
            "stagedoor-mysql",
        ],
    ),
    ("stagedoor-mysql", &[]),
    ("stagedoor-parser", &[]),
    ("stagedoor-catalog", &[]),
    ("stagedoor-storage", &["stagedoor-test-servers"]),
    ("stagedoor-exporter", &[]),
    ("stagedoor-query", &[]),
    ("stagedoor-sources", &[]),
    ("stagedoor-proto", &[]),
    ("stagedoor-test-servers", &[]),
    ("xtask", &[]),
];

/// The package that may depend on all others.
const TESTS: &str = "stagedoor-tests";

/// Dependency and the packages that may name it, so that replacing it touches one crate.
const HEAVY: [(&str, &[&str]); 19] = [
    ("pest", &["stagedoor-parser"]),
    ("pest_derive", &["stagedoor-parser"]),
    ("sled", &["stagedoor-catalog"]),
    ("opendal", &["stagedoor-storage"]),
    ("object_store_opendal", &["stagedoor-storage"]),
    ("datafusion", &["stagedoor-query"]),
    ("arrow-csv", &["stagedoor-exporter", "stagedoor-query"]),
    ("tokio-postgres", &["stagedoor-sources"]),
    ("tokio-postgres-rustls", &["stagedoor-sources"]),
    ("mysql_async", &["stagedoor-sources", TESTS]),
    ("mysql_common", &["stagedoor-mysql"]),
    ("rsa", &["stagedoor-mysql"]),
    ("opentelemetry", &["stagedoor-server"]),
    ("opentelemetry-otlp", &["stagedoor-server"]),
    ("opentelemetry_sdk", &["stagedoor-server"]),
    ("opentelemetry-proto", &[TESTS]),
    ("tonic-prost-build", &["xtask"]),
    ("protox", &["xtask"]),
    ("clap", &["stagedoor-cli", "xtask"]),
];

/// What the checks need of a package.
#[derive(Debug, Clone)]
pub(super) struct Package {
    pub(super) name: String,
    /// Relative to the root.
    pub(super) manifest: PathBuf,
    pub(super) manifest_text: String,
    /// Package names, of normal, build and development dependencies alike.
    pub(super) dependencies: Vec<String>,
}

/// The workspace's packages, from cargo.
pub(super) fn packages(root: &Path, metadata: &Metadata) -> Result<Vec<Package>> {
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let path = package.manifest_path.as_std_path();
            Ok(Package {
                name: package.name.to_string(),
                manifest: path.strip_prefix(root).unwrap_or(path).to_path_buf(),
                manifest_text: fs::read_to_string(path)
                    .with_context(|| format!("failed to read {}", path.display()))?,
                dependencies: package
                    .dependencies
                    .iter()
                    .map(|dependency| dependency.name.clone())
                    .collect(),
            })
        })
        .collect()
}

/// All three checks.
pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    let mut findings = check_edges(packages);
    findings.extend(check_heavy(packages));
    findings.extend(check_lints(packages));
    findings
}

/// Every edge between the workspace's packages is in the table.
pub(super) fn check_edges(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages.iter().filter(|package| package.name != TESTS) {
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == package.name) else {
            let what = format!("{} is not in tidy's table of crate edges", package.name);
            findings.push(Finding::new(&package.manifest, 1, what));
            continue;
        };
        for dependency in &package.dependencies {
            let is_ours = packages.iter().any(|other| other.name == *dependency);
            if is_ours && !allowed.contains(&dependency.as_str()) {
                findings.push(Finding::new(
                    &package.manifest,
                    line_of(package, dependency),
                    format!("{} must not depend on {dependency}", package.name),
                ));
            }
        }
    }
    findings
}

/// Every heavy dependency is named only where the table says.
pub(super) fn check_heavy(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        for dependency in &package.dependencies {
            let Some((_, owners)) = HEAVY.iter().find(|(name, _)| name == dependency) else {
                continue;
            };
            if !owners.contains(&package.name.as_str()) {
                findings.push(Finding::new(
                    &package.manifest,
                    line_of(package, dependency),
                    format!(
                        "{dependency} belongs to {} alone, not to {}",
                        owners.join(" and "),
                        package.name
                    ),
                ));
            }
        }
    }
    findings
}

/// Every manifest takes the workspace's lints.
pub(super) fn check_lints(packages: &[Package]) -> Vec<Finding> {
    packages
        .iter()
        .filter(|package| !takes_lints(&package.manifest_text))
        .map(|package| {
            let what = "the manifest lacks `[lints]` with `workspace = true`";
            Finding::new(&package.manifest, 1, what)
        })
        .collect()
}

fn takes_lints(manifest: &str) -> bool {
    manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[lints]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .any(|line| line.replace(' ', "") == "workspace=true")
}

/// The line that names a dependency, by its package name or by the alias without our prefix.
fn line_of(package: &Package, dependency: &str) -> usize {
    let alias = dependency.strip_prefix("stagedoor-").unwrap_or(dependency);
    let is_named = |line: &str| {
        [dependency, alias].iter().any(|name| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
        })
    };
    package
        .manifest_text
        .lines()
        .position(is_named)
        .map_or(1, |index| index + 1)
}
