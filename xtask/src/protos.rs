//! The form of the wire contract, and what of it may never change: `proto/frozen/stagedoor.v1.bin` is what clients have
//! been promised, and everything in it must still mean the same on the wire. What is added is free.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    MethodDescriptorProto,
};

const PACKAGE: &str = "stagedoor.v1";

fn frozen(root: &Path) -> PathBuf {
    root.join("proto/frozen/stagedoor.v1.bin")
}

/// Fails with all that is wrong with the form of the contract, and all that it has broken.
pub(crate) fn check(root: &Path, now: &FileDescriptorSet) -> Result<()> {
    let file = frozen(root);
    let bytes = fs::read(&file).with_context(|| format!("{} is missing", file.display()))?;
    let before = FileDescriptorSet::decode(&bytes[..]).context("the frozen contract is damaged")?;
    let mut wrong = form(now);
    wrong.extend(broken(&before, now));
    if !wrong.is_empty() {
        bail!("proto/stagedoor/v1:\n  {}", wrong.join("\n  "));
    }
    Ok(())
}

/// Writes what is promised from now on.
///
/// # Errors
/// The contract takes something back.
pub(crate) fn freeze(root: &Path, now: &FileDescriptorSet) -> Result<()> {
    let file = frozen(root);
    if file.exists() {
        check(root, now)?;
    }
    // Comments are no promise.
    let mut kept = now.clone();
    kept.file.retain(|file| file.package() == PACKAGE);
    for file in &mut kept.file {
        file.source_code_info = None;
    }
    fs::create_dir_all(file.with_file_name(""))?;
    fs::write(file, kept.encode_to_vec())?;
    Ok(())
}

/// Everything of the contract by its full name.
#[derive(Default)]
struct Contract {
    messages: BTreeMap<String, DescriptorProto>,
    enums: BTreeMap<String, EnumDescriptorProto>,
    /// By `Service.Method`.
    methods: BTreeMap<String, MethodDescriptorProto>,
}

impl Contract {
    fn of(set: &FileDescriptorSet) -> Self {
        let mut contract = Self::default();
        for file in set.file.iter().filter(|file| file.package() == PACKAGE) {
            for message in &file.message_type {
                contract.add(message.name(), message);
            }
            for known in &file.enum_type {
                contract
                    .enums
                    .insert(known.name().to_owned(), known.clone());
            }
            for service in &file.service {
                for method in &service.method {
                    let name = format!("{}.{}", service.name(), method.name());
                    contract.methods.insert(name, method.clone());
                }
            }
        }
        contract
    }

    fn add(&mut self, name: &str, message: &DescriptorProto) {
        for nested in &message.nested_type {
            self.add(&format!("{name}.{}", nested.name()), nested);
        }
        for known in &message.enum_type {
            let name = format!("{name}.{}", known.name());
            self.enums.insert(name, known.clone());
        }
        self.messages.insert(name.to_owned(), message.clone());
    }
}

/// What does not keep to the form: names as the guides have them, a request and a response for each method, an
/// unspecified value for each enum.
fn form(set: &FileDescriptorSet) -> Vec<String> {
    let contract = Contract::of(set);
    let mut wrong = Vec::new();
    for (name, method) in &contract.methods {
        for (kind, told) in [
            ("Request", method.input_type()),
            ("Response", method.output_type()),
        ] {
            let wanted = format!(".{PACKAGE}.{}{kind}", method.name());
            if told != wanted {
                wrong.push(format!("{name} has {told}, and not its own {wanted}"));
            }
        }
    }
    for (name, message) in &contract.messages {
        for field in &message.field {
            let told = field.name();
            let is_snake = told.starts_with(|c: char| c.is_ascii_lowercase())
                && told
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
                && !told.contains("__")
                && !told.ends_with('_');
            if !is_snake {
                wrong.push(format!("{name}.{told} is not in lower snake case"));
            }
        }
    }
    for (name, known) in &contract.enums {
        let own = name.rsplit('.').next().unwrap_or_default();
        let prefix = upper_snake(own);
        for value in &known.value {
            if !value.name().starts_with(&format!("{prefix}_")) {
                wrong.push(format!(
                    "{name}.{} does not begin with {prefix}_",
                    value.name()
                ));
            }
        }
        let first = known.value.first();
        let unspecified = format!("{prefix}_UNSPECIFIED");
        if first.is_none_or(|value| value.number() != 0 || value.name() != unspecified) {
            wrong.push(format!("{name} does not begin with {unspecified} = 0"));
        }
    }
    wrong
}

fn upper_snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

/// What clients that know `before` would find otherwise.
fn broken(before: &FileDescriptorSet, now: &FileDescriptorSet) -> Vec<String> {
    let (before, now) = (Contract::of(before), Contract::of(now));
    let mut wrong = Vec::new();
    for (name, old) in &before.methods {
        let shape = |method: &MethodDescriptorProto| {
            (
                method.input_type().to_owned(),
                method.output_type().to_owned(),
                method.client_streaming(),
                method.server_streaming(),
            )
        };
        match now.methods.get(name) {
            None => wrong.push(format!("the method {name} is gone")),
            Some(new) if shape(new) != shape(old) => {
                wrong.push(format!("the method {name} takes or gives something else"));
            }
            Some(_) => {}
        }
    }
    for (name, old) in &before.messages {
        let Some(new) = now.messages.get(name) else {
            wrong.push(format!("the message {name} is gone"));
            continue;
        };
        for field in &old.field {
            wrong.extend(changed(name, (old, field), new));
        }
    }
    for (name, old) in &before.enums {
        let Some(new) = now.enums.get(name) else {
            wrong.push(format!("the enum {name} is gone"));
            continue;
        };
        for value in &old.value {
            let is_there = new
                .value
                .iter()
                .any(|other| other.name() == value.name() && other.number() == value.number());
            if !is_there {
                wrong.push(format!(
                    "{name}.{} = {} is gone, or means something else",
                    value.name(),
                    value.number()
                ));
            }
        }
    }
    wrong
}

/// What is other about a field.
fn changed(
    message: &str,
    (old_message, old): (&DescriptorProto, &FieldDescriptorProto),
    new_message: &DescriptorProto,
) -> Option<String> {
    let place = format!("{message}.{} = {}", old.name(), old.number());
    let Some(new) = new_message
        .field
        .iter()
        .find(|field| field.number() == old.number())
    else {
        return Some(format!("{place} is gone: deprecate it, and keep it"));
    };
    let shape = |field: &FieldDescriptorProto,
                 of: &DescriptorProto|
     -> (Type, Label, String, bool, Option<String>) {
        let oneof = field
            .oneof_index
            .and_then(|at| of.oneof_decl.get(usize::try_from(at).ok()?));
        (
            field.r#type(),
            field.label(),
            field.type_name().to_owned(),
            field.proto3_optional(),
            oneof.map(|oneof| oneof.name().to_owned()),
        )
    };
    if new.name() != old.name() {
        return Some(format!("{place} is called {} now", new.name()));
    }
    (shape(old, old_message) != shape(new, new_message))
        .then(|| format!("{place} has another type"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn compiled(text: &str) -> FileDescriptorSet {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("syntax = \"proto3\"; package {PACKAGE};\n{text}");
        fs::write(folder.path().join("a.proto"), text).unwrap();
        protox::compile(["a.proto"], [folder.path()]).unwrap()
    }

    const CONTRACT: &str = "
        service S { rpc Do(DoRequest) returns (stream DoResponse); }
        message DoRequest { string name = 1; optional int32 count = 2; oneof kind { bool a = 3; bool b = 4; } }
        message DoResponse { repeated State states = 1; }
        enum State { STATE_UNSPECIFIED = 0; STATE_ON = 1; }";

    #[test]
    fn what_is_added_is_free() {
        let more = CONTRACT
            .replace("string name = 1;", "string name = 1; string more = 9;")
            .replace("STATE_ON = 1;", "STATE_ON = 1; STATE_OFF = 2;");
        let (before, now) = (compiled(CONTRACT), compiled(&more));
        assert!(broken(&before, &now).is_empty());
        assert!(form(&now).is_empty());
    }

    #[test]
    fn what_is_taken_away_or_means_something_else_is_found() {
        for (from, to, told) in [
            ("string name = 1;", "", "DoRequest.name = 1 is gone"),
            (
                "string name = 1;",
                "string name = 7;",
                "DoRequest.name = 1 is gone",
            ),
            ("string name = 1;", "bytes name = 1;", "another type"),
            (
                "string name = 1;",
                "string title = 1;",
                "is called title now",
            ),
            ("optional int32", "int32", "another type"),
            (
                "oneof kind { bool a = 3; bool b = 4; }",
                "bool a = 3; bool b = 4;",
                "another type",
            ),
            ("repeated State", "State", "another type"),
            ("STATE_ON = 1;", "", "State.STATE_ON = 1 is gone"),
            (
                "STATE_ON = 1;",
                "STATE_ON = 2;",
                "State.STATE_ON = 1 is gone",
            ),
            (
                "returns (stream DoResponse)",
                "returns (DoResponse)",
                "takes or gives something else",
            ),
            ("rpc Do(", "rpc DoIt(", "the method S.Do is gone"),
        ] {
            let changed = CONTRACT.replace(from, to);
            assert_ne!(changed, CONTRACT);
            let wrong = broken(&compiled(CONTRACT), &compiled(&changed));
            assert!(
                wrong.iter().any(|text| text.contains(told)),
                "{to}: {wrong:?}"
            );
        }
    }

    #[test]
    fn the_form_is_looked_at() {
        for (from, to, told) in [
            (
                "Do(DoRequest)",
                "Do(DoResponse)",
                "S.Do has .stagedoor.v1.DoResponse",
            ),
            ("string name", "string theName", "DoRequest.theName"),
            ("STATE_ON", "ON", "does not begin with STATE_"),
            (
                "STATE_UNSPECIFIED",
                "STATE_NONE",
                "does not begin with STATE_UNSPECIFIED",
            ),
        ] {
            let wrong = form(&compiled(&CONTRACT.replace(from, to)));
            assert!(
                wrong.iter().any(|text| text.contains(told)),
                "{to}: {wrong:?}"
            );
        }
    }
}
