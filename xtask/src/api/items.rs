//! The public items of a crate, as lines.

use anyhow::{Result, bail};
use quote::ToTokens;
use syn::{Fields, ImplItem, Item, ItemImpl, TraitItem, Type, UseTree};

use super::source::{Module, is_public};

/// Every item that another crate can name, with what it has.
pub(super) fn public(krate: &Module) -> Result<Vec<String>> {
    let mut impls = Vec::new();
    collect_impls(krate, &mut impls);
    let mut found = Found {
        krate,
        impls,
        lines: Vec::new(),
    };
    found.module(krate, &[], "")?;
    Ok(found.lines)
}

struct Found<'a> {
    krate: &'a Module,
    impls: Vec<&'a ItemImpl>,
    lines: Vec<String>,
}

impl<'a> Found<'a> {
    /// What a public module offers. `path` is where it is, `shown` its name in lines, with `::` behind it.
    fn module(&mut self, module: &'a Module, path: &[String], shown: &str) -> Result<()> {
        for item in &module.items {
            self.item(item, shown);
            if let Item::Use(item) = item
                && is_public(&item.vis)
            {
                self.tree(&item.tree, path.to_vec(), shown)?;
            }
        }
        for name in &module.public {
            let inner = &module.modules[name];
            let below = [path, std::slice::from_ref(name)].concat();
            self.lines.push(format!("mod {shown}{name}"));
            self.module(inner, &below, &format!("{shown}{name}::"))?;
        }
        Ok(())
    }

    /// What `pub use` offers; `path` is where the tree begins.
    fn tree(&mut self, tree: &UseTree, mut path: Vec<String>, shown: &str) -> Result<()> {
        match tree {
            UseTree::Path(part) => {
                match part.ident.to_string().as_str() {
                    "crate" => path.clear(),
                    "self" => {}
                    "super" => drop(path.pop()),
                    name => path.push(name.to_owned()),
                }
                self.tree(&part.tree, path, shown)
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, path.clone(), shown)?;
                }
                Ok(())
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.used(&path, &name, &name, shown)
            }
            UseTree::Rename(name) => {
                let (name, new) = (name.ident.to_string(), name.rename.to_string());
                self.used(&path, &name, &new, shown)
            }
            UseTree::Glob(_) => bail!("`pub use {}::*` hides what is public", path.join("::")),
        }
    }

    fn used(&mut self, path: &[String], name: &str, new: &str, shown: &str) -> Result<()> {
        if new != name {
            self.lines
                .push(format!("use {}::{name} as {shown}{new}", path.join("::")));
        }
        let Some(module) = find(self.krate, path) else {
            // Of another crate.
            self.lines
                .push(format!("use {}::{name} as {shown}{new}", path.join("::")));
            return Ok(());
        };
        let before = self.lines.len();
        let named = module
            .items
            .iter()
            .filter(|item| name_of(item).is_some_and(|own| own == name));
        for item in named {
            self.item(item, shown);
        }
        for item in &module.items {
            if let Item::Use(item) = item
                && let Some(found) = leading_to(&item.tree, name, path.to_vec())
            {
                if (&*found.0, &*found.1) == (path, name) {
                    // It leads to itself: the name of another crate.
                    self.lines.push(format!("use {name} as {shown}{new}"));
                    return Ok(());
                }
                return self.used(&found.0, &found.1, new, shown);
            }
        }
        if self.lines.len() == before {
            self.lines.push(format!("made by a macro: {shown}{name}"));
            self.of_type(name, &format!("{shown}{name}"));
        }
        Ok(())
    }

    fn item(&mut self, item: &Item, shown: &str) {
        match item {
            Item::Const(item) if is_public(&item.vis) => {
                self.push(shown, &format!("const {}: {}", item.ident, text(&item.ty)))
            }
            Item::Type(item) if is_public(&item.vis) => {
                let generics = text(&item.generics);
                self.push(
                    shown,
                    &format!("type {}{generics} = {}", item.ident, text(&item.ty)),
                );
            }
            Item::Fn(item) if is_public(&item.vis) => self.push(shown, &text(&item.sig)),
            Item::Struct(item) if is_public(&item.vis) => {
                let name = format!("{shown}{}", item.ident);
                let generics = text(&item.generics);
                self.lines
                    .push(format!("struct {name}{generics}{}", marks(&item.attrs)));
                self.fields(&name, &item.fields, true);
                self.of_type(&item.ident.to_string(), &name);
            }
            Item::Enum(item) if is_public(&item.vis) => {
                let name = format!("{shown}{}", item.ident);
                let generics = text(&item.generics);
                self.lines
                    .push(format!("enum {name}{generics}{}", marks(&item.attrs)));
                for variant in &item.variants {
                    let variant_name = format!("{name}::{}", variant.ident);
                    match &variant.fields {
                        Fields::Unnamed(fields) => self
                            .lines
                            .push(format!("variant {variant_name}{}", text(fields))),
                        Fields::Named(_) | Fields::Unit => {
                            self.lines.push(format!("variant {variant_name}"));
                        }
                    }
                    if let Fields::Named(_) = &variant.fields {
                        self.fields(&variant_name, &variant.fields, false);
                    }
                }
                self.of_type(&item.ident.to_string(), &name);
            }
            Item::Trait(item) if is_public(&item.vis) => {
                let name = format!("{shown}{}", item.ident);
                let above = text(&item.supertraits);
                let colon = if above.is_empty() { "" } else { ": " };
                self.lines.push(format!(
                    "trait {name}{}{colon}{above}",
                    text(&item.generics)
                ));
                for part in &item.items {
                    match part {
                        TraitItem::Fn(part) => {
                            self.lines.push(format!("{name}::{}", text(&part.sig)));
                        }
                        TraitItem::Type(part) => self.lines.push(format!(
                            "{name}::type {}: {}",
                            part.ident,
                            text(&part.bounds)
                        )),
                        TraitItem::Const(part) => self.lines.push(format!(
                            "{name}::const {}: {}",
                            part.ident,
                            text(&part.ty)
                        )),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn push(&mut self, shown: &str, what: &str) {
        let within = shown.trim_end_matches("::");
        match within {
            "" => self.lines.push(what.to_owned()),
            _ => self.lines.push(format!("{within}::{what}")),
        }
    }

    /// The public fields; all of an enum's are.
    fn fields(&mut self, name: &str, fields: &Fields, of_struct: bool) {
        for (place, field) in fields.iter().enumerate() {
            if of_struct && !is_public(&field.vis) {
                continue;
            }
            let own = match &field.ident {
                Some(ident) => ident.to_string(),
                None => place.to_string(),
            };
            self.lines
                .push(format!("field {name}.{own}: {}", text(&field.ty)));
        }
    }

    /// What is implemented for a type, wherever in the crate that is. Two types of one name are taken for one.
    fn of_type(&mut self, ident: &str, name: &str) {
        for found in self.impls.clone() {
            if type_name(&found.self_ty).is_none_or(|own| own != ident) {
                continue;
            }
            if let Some((_, path, _)) = &found.trait_ {
                self.lines.push(format!("{name}: {}", text(path)));
                continue;
            }
            for part in &found.items {
                match part {
                    ImplItem::Fn(part) if is_public(&part.vis) => {
                        self.lines.push(format!("{name}::{}", text(&part.sig)));
                    }
                    ImplItem::Const(part) if is_public(&part.vis) => {
                        self.lines
                            .push(format!("{name}::const {}: {}", part.ident, text(&part.ty)))
                    }
                    _ => {}
                }
            }
        }
    }
}

fn collect_impls<'a>(module: &'a Module, found: &mut Vec<&'a ItemImpl>) {
    for item in &module.items {
        if let Item::Impl(item) = item {
            found.push(item);
        }
    }
    for inner in module.modules.values() {
        collect_impls(inner, found);
    }
}

fn find<'a>(krate: &'a Module, path: &[String]) -> Option<&'a Module> {
    path.iter()
        .try_fold(krate, |module, name| module.modules.get(name))
}

/// Where a `use` takes a name from, and what it is called there.
fn leading_to(
    tree: &UseTree,
    wanted: &str,
    mut path: Vec<String>,
) -> Option<(Vec<String>, String)> {
    match tree {
        UseTree::Path(part) => {
            match part.ident.to_string().as_str() {
                "crate" => path.clear(),
                "self" => {}
                "super" => drop(path.pop()),
                name => path.push(name.to_owned()),
            }
            leading_to(&part.tree, wanted, path)
        }
        UseTree::Group(group) => group
            .items
            .iter()
            .find_map(|tree| leading_to(tree, wanted, path.clone())),
        UseTree::Name(name) => (name.ident == wanted).then(|| (path, wanted.to_owned())),
        UseTree::Rename(name) => (name.rename == wanted).then(|| (path, name.ident.to_string())),
        UseTree::Glob(_) => None,
    }
}

fn name_of(item: &Item) -> Option<&syn::Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        _ => None,
    }
}

fn type_name(of: &Type) -> Option<String> {
    match of {
        Type::Path(path) => Some(path.path.segments.last()?.ident.to_string()),
        _ => None,
    }
}

/// What is derived, and whether others must expect more.
fn marks(attributes: &[syn::Attribute]) -> String {
    let mut told = String::new();
    for attribute in attributes {
        if attribute.path().is_ident("derive") || attribute.path().is_ident("non_exhaustive") {
            told += " ";
            told += &text(&attribute.meta);
        }
    }
    told
}

/// Tokens as they are usually written.
fn text(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (from, to) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" ::", "::"),
        (" < ", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        ("[ ", "["),
        (" ]", "]"),
        (" ,", ","),
        (" :", ":"),
        (" ;", ";"),
        ("& ", "&"),
        ("' ", "'"),
        (",)", ")"),
        (",>", ">"),
        ("\n", " "),
    ] {
        text = text.replace(from, to);
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_others_can_name_is_listed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write(
            "lib.rs",
            "mod a; pub mod b; pub use a::{Thing, Kind as Sort}; pub use other::X; pub use another; pub(crate) fn no() {} #[cfg(test)] mod tests;",
        );
        write(
            "a.rs",
            "#[derive(Debug)] pub struct Thing { pub x: Vec<u8>, y: u8 } impl Thing { pub fn go(&self, n: u64) -> Option<&str> { None } fn own() {} } \
             pub enum Kind { A(u8), B { c: bool } } impl Clone for Thing {} pub struct Hidden;",
        );
        write(
            "b.rs",
            "pub const N: u8 = 1; pub fn f<T: Copy>(t: T) -> T { t }",
        );
        let krate = super::super::source::read(&folder.path().join("lib.rs")).unwrap();
        let mut lines = public(&krate).unwrap();
        lines.sort();
        assert_eq!(
            lines,
            [
                "Thing: Clone",
                "Thing::fn go(&self, n: u64) -> Option<&str>",
                "b::const N: u8",
                "b::fn f<T: Copy>(t: T) -> T",
                "enum Kind",
                "field Kind::B.c: bool",
                "field Thing.x: Vec<u8>",
                "mod b",
                "struct Thing derive(Debug)",
                "use a::Kind as Sort",
                "use another as another",
                "use other::X as X",
                "variant Kind::A(u8)",
                "variant Kind::B",
            ]
        );
    }
}
