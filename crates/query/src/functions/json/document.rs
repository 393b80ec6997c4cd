//! Documents as MySQL has them: the order of their members, how they are printed, what is in what.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

/// Members by the length of their keys, then by their bytes, as MySQL keeps them.
pub(super) fn sorted(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by(|(left, _), (right, _)| {
        left.len().cmp(&right.len()).then_with(|| left.cmp(right))
    });
    members
}

/// As MySQL prints documents: a blank behind commas and colons.
pub(super) fn written(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value);
    text
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::Array(elements) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                write_value(text, element);
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (index, (key, member)) in sorted(members).into_iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                let _ = write!(text, "{}: ", Value::from(key.as_str()));
                write_value(text, member);
            }
            text.push('}');
        }
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            let _ = write!(text, "{scalar}");
        }
    }
}

pub(super) fn unquoted(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => written(other),
    }
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL",
        Value::Bool(_) => "BOOLEAN",
        Value::Number(number) if number.is_f64() => "DOUBLE",
        Value::Number(number) if number.is_i64() => "INTEGER",
        Value::Number(_) => "UNSIGNED INTEGER",
        Value::String(_) => "STRING",
        Value::Array(_) => "ARRAY",
        Value::Object(_) => "OBJECT",
    }
}

pub(super) fn depth(value: &Value) -> i64 {
    1 + match value {
        Value::Array(elements) => elements.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => members.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// JSON_CONTAINS: each element of the candidate in one of the target's, each member under its key.
pub(super) fn contains(target: &Value, candidate: &Value) -> bool {
    match (target, candidate) {
        (Value::Array(target), Value::Array(candidates)) => candidates
            .iter()
            .all(|candidate| target.iter().any(|value| contains(value, candidate))),
        (Value::Array(target), candidate) => target.iter().any(|value| contains(value, candidate)),
        (Value::Object(target), Value::Object(candidates)) => {
            candidates.iter().all(|(key, candidate)| {
                target
                    .get(key)
                    .is_some_and(|value| contains(value, candidate))
            })
        }
        (Value::Number(left), Value::Number(right)) => same_number(left, right),
        (left, right) => left == right,
    }
}

/// JSON_OVERLAPS: an element, a member or the value itself that both have.
pub(super) fn overlap(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => left
            .iter()
            .any(|one| right.iter().any(|other| equal(one, other))),
        (Value::Array(elements), other) | (other, Value::Array(elements)) => {
            elements.iter().any(|element| equal(element, other))
        }
        (Value::Object(left), Value::Object(right)) => left
            .iter()
            .any(|(key, one)| right.get(key).is_some_and(|other| equal(one, other))),
        (left, right) => equal(left, right),
    }
}

/// Equal as MySQL compares documents: numbers by value, arrays element by element, objects by their members.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => same_number(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(one, other)| equal(one, other))
        }
        (Value::Object(left), Value::Object(right)) => {
            let same = |(key, one): (&String, &Value)| {
                right.get(key).is_some_and(|other| equal(one, other))
            };
            left.len() == right.len() && left.iter().all(same)
        }
        (left, right) => left == right,
    }
}

/// Integers digit for digit; as floating-point numbers only where one of them is none.
fn same_number(left: &Number, right: &Number) -> bool {
    let is_whole = |number: &Number| number.is_i64() || number.is_u64();
    match is_whole(left) && is_whole(right) {
        true => left == right,
        false => left == right || left.as_f64() == right.as_f64(),
    }
}

/// JSON_MERGE_PATCH of two documents (RFC 7396).
pub(super) fn patched(target: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch;
    };
    let mut members = match target {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    };
    for (key, new) in patch {
        if new.is_null() {
            members.remove(&key);
            continue;
        }
        let old = members.remove(&key).unwrap_or(Value::Null);
        members.insert(key, patched(old, new));
    }
    Value::Object(members)
}

/// JSON_MERGE_PRESERVE of two documents: members of objects are merged, all else becomes one array.
pub(super) fn merged(left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Object(mut left), Value::Object(right)) => {
            for (key, new) in right {
                let new = match left.remove(&key) {
                    Some(old) => merged(old, new),
                    None => new,
                };
                left.insert(key, new);
            }
            Value::Object(left)
        }
        (left, right) => {
            let mut elements = as_array(left);
            elements.extend(as_array(right));
            Value::Array(elements)
        }
    }
}

fn as_array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(elements) => elements,
        other => vec![other],
    }
}
