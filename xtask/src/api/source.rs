//! A crate's modules, parsed, without what is for tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use syn::{Attribute, Item, Visibility};

/// A module and those in it.
#[derive(Default)]
pub(super) struct Module {
    pub(super) items: Vec<Item>,
    pub(super) modules: BTreeMap<String, Module>,
    /// Of those, the ones that are public.
    pub(super) public: Vec<String>,
}

/// Reads a crate from its first file.
pub(super) fn read(file: &Path) -> Result<Module> {
    let folder = file.parent().context("a source file has no folder")?;
    parsed(file, folder)
}

/// `folder` is where the files of the module's own modules are.
fn parsed(file: &Path, folder: &Path) -> Result<Module> {
    let text =
        fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))?;
    let parsed =
        syn::parse_file(&text).with_context(|| format!("failed to parse {}", file.display()))?;
    module(parsed.items, folder)
}

fn module(items: Vec<Item>, folder: &Path) -> Result<Module> {
    let mut found = Module::default();
    for item in items {
        let Item::Mod(inner) = item else {
            found.items.push(item);
            continue;
        };
        if is_test(&inner.attrs) {
            continue;
        }
        let name = inner.ident.to_string();
        let below = folder.join(&name);
        let read = match inner.content {
            Some((_, items)) => module(items, &below)?,
            None => {
                let file = folder.join(format!("{name}.rs"));
                if !file.exists() {
                    bail!("there is no {}", file.display());
                }
                parsed(&file, &below)?
            }
        };
        if is_public(&inner.vis) {
            found.public.push(name.clone());
        }
        found.modules.insert(name, read);
    }
    found.items.retain(|item| !is_test(attributes(item)));
    Ok(found)
}

pub(super) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Whether it is there for tests only.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
