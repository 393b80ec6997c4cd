//! Paths into JSON documents: `$.a."b c"[0][last-1][1 to 3].*[*]**.d`
//! (MySQL 8.4 manual, "JSON Path Syntax").

use serde_json::Value;

/// Legs of one path; more is no path that anyone writes.
const LEGS_MAX: usize = 100;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Leg {
    Key(String),
    AnyKey,
    Element(Place),
    Range(Place, Place),
    AnyElement,
    /// All that is below, at any depth.
    Below,
}

/// A place in an array, from its start or from its last element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    First(usize),
    Last(usize),
}

impl Place {
    fn index(self, length: usize) -> Option<usize> {
        match self {
            Self::First(index) => Some(index),
            Self::Last(back) => length.checked_sub(1)?.checked_sub(back),
        }
    }
}

/// A path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(Vec<Leg>);

impl Path {
    /// The path of a text, or what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |rest: &str| {
            format!("'{text}' is no JSON path: '{rest}' was not expected, write such as $.key[0]")
        };
        let trimmed = text.trim();
        let mut rest = trimmed
            .strip_prefix('$')
            .ok_or_else(|| format!("'{text}' is no JSON path: it does not begin with $"))?
            .trim_start();
        let mut legs = Vec::new();
        while !rest.is_empty() {
            if legs.len() == LEGS_MAX {
                return Err(format!("a JSON path has more than {LEGS_MAX} steps"));
            }
            let (leg, after) = leg(rest).ok_or_else(|| wrong(rest))?;
            legs.push(leg);
            rest = after.trim_start();
        }
        if legs.last() == Some(&Leg::Below) {
            return Err(format!("'{text}' is no JSON path: it may not end with **"));
        }
        Ok(Self(legs))
    }

    /// Whether it can find more than one value.
    pub(super) fn is_many(&self) -> bool {
        self.0.iter().any(|leg| match leg {
            Leg::AnyKey | Leg::AnyElement | Leg::Below | Leg::Range(..) => true,
            Leg::Key(_) | Leg::Element(_) => false,
        })
    }

    /// Whether it is the whole document.
    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts a value where the path names one place: in the place of what is there, if `there` says so, or into the
    /// object or array that would have it, if `missing` says so.
    pub(super) fn put(&self, document: &mut Value, new: Value, there: bool, missing: bool) {
        if let Some(found) = at(&self.0, document) {
            if there {
                *found = new;
            }
            return;
        }
        let Some((last, above)) = self.0.split_last().filter(|_| missing) else {
            return;
        };
        let Some(parent) = at(above, document) else {
            return;
        };
        match last {
            Leg::Key(key) => {
                if let Some(members) = parent.as_object_mut() {
                    members.insert(key.clone(), new);
                }
            }
            Leg::Element(place) => {
                // A value that is no array becomes one.
                if !parent.is_array() {
                    *parent = Value::Array(vec![parent.take()]);
                }
                if let Some(elements) = parent.as_array_mut() {
                    match place {
                        Place::First(_) => elements.push(new),
                        Place::Last(_) => elements.insert(0, new),
                    }
                }
            }
            Leg::AnyKey | Leg::AnyElement | Leg::Range(..) | Leg::Below => {}
        }
    }

    /// Puts a value at the end of the array that the path names; a value that is no array becomes one.
    pub(super) fn append(&self, document: &mut Value, new: Value) {
        if let Some(found) = at(&self.0, document) {
            if !found.is_array() {
                *found = Value::Array(vec![found.take()]);
            }
            if let Some(elements) = found.as_array_mut() {
                elements.push(new);
            }
        }
    }

    /// Takes out what the path names.
    pub(super) fn remove(&self, document: &mut Value) {
        let Some((last, above)) = self.0.split_last() else {
            return;
        };
        let Some(parent) = at(above, document) else {
            return;
        };
        match last {
            Leg::Key(key) => {
                if let Some(members) = parent.as_object_mut() {
                    members.remove(key);
                }
            }
            Leg::Element(place) => {
                if let Some(elements) = parent.as_array_mut()
                    && let Some(index) = place.index(elements.len())
                    && index < elements.len()
                {
                    elements.remove(index);
                }
            }
            Leg::AnyKey | Leg::AnyElement | Leg::Range(..) | Leg::Below => {}
        }
    }

    /// What the path finds, in the document's order.
    pub(super) fn find<'a>(&self, document: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![document];
        for leg in &self.0 {
            let mut next = Vec::new();
            for value in found {
                step(leg, value, &mut next);
            }
            if *leg == Leg::Below {
                // One value can be reached in several ways.
                let mut seen = std::collections::HashSet::new();
                next.retain(|value| seen.insert(std::ptr::from_ref(*value)));
            }
            found = next;
        }
        found
    }
}

/// The one value that these steps lead to.
fn at<'a>(legs: &[Leg], document: &'a mut Value) -> Option<&'a mut Value> {
    legs.iter().try_fold(document, |value, leg| match leg {
        Leg::Key(key) => value.as_object_mut()?.get_mut(key),
        Leg::Element(place) => match value {
            Value::Array(elements) => {
                let index = place.index(elements.len())?;
                elements.get_mut(index)
            }
            // A value that is no array is as an array of it alone.
            other => matches!(place, Place::First(0) | Place::Last(0)).then_some(other),
        },
        Leg::AnyKey | Leg::AnyElement | Leg::Range(..) | Leg::Below => None,
    })
}

fn step<'a>(leg: &Leg, value: &'a Value, found: &mut Vec<&'a Value>) {
    let (elements, members) = (value.as_array(), value.as_object());
    match leg {
        Leg::Key(key) => found.extend(members.and_then(|members| members.get(key))),
        Leg::AnyKey => {
            for (_, member) in members.map(super::document::sorted).into_iter().flatten() {
                found.push(member);
            }
        }
        Leg::AnyElement => found.extend(elements.into_iter().flatten()),
        Leg::Element(place) => match (elements, place) {
            (Some(elements), place) => {
                let index = place.index(elements.len());
                found.extend(index.and_then(|index| elements.get(index)));
            }
            // A value that is no array is as an array of it alone.
            (None, Place::First(0) | Place::Last(0)) => found.push(value),
            (None, Place::First(_) | Place::Last(_)) => {}
        },
        Leg::Range(from, to) => {
            let Some(elements) = elements else { return };
            let from = from.index(elements.len()).unwrap_or(0);
            if let Some(to) = to.index(elements.len()) {
                found.extend(
                    elements
                        .iter()
                        .skip(from)
                        .take((to + 1).saturating_sub(from)),
                );
            }
        }
        Leg::Below => {
            found.push(value);
            for element in elements.into_iter().flatten() {
                step(leg, element, found);
            }
            for (_, member) in members.map(super::document::sorted).into_iter().flatten() {
                step(leg, member, found);
            }
        }
    }
}

fn leg(text: &str) -> Option<(Leg, &str)> {
    if let Some(rest) = text.strip_prefix("**") {
        return Some((Leg::Below, rest));
    }
    if let Some(rest) = text.strip_prefix('.') {
        let rest = rest.trim_start();
        if let Some(rest) = rest.strip_prefix('*') {
            return Some((Leg::AnyKey, rest));
        }
        if rest.starts_with('"') {
            let mut keys = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let key = keys.next()?.ok()?;
            let end = keys.byte_offset();
            return Some((Leg::Key(key), rest.get(end..)?));
        }
        let end = rest
            .find(|char: char| !(char.is_alphanumeric() || matches!(char, '_' | '$')))
            .unwrap_or(rest.len());
        let (key, rest) = rest.split_at(end);
        let named = key
            .chars()
            .next()
            .is_some_and(|first| !first.is_ascii_digit());
        return named.then(|| (Leg::Key(key.to_owned()), rest));
    }
    let (inner, rest) = text.strip_prefix('[')?.split_once(']')?;
    let inner = inner.trim();
    if inner == "*" {
        return Some((Leg::AnyElement, rest));
    }
    match inner.split_once(" to ") {
        Some((from, to)) => Some((Leg::Range(place(from)?, place(to)?), rest)),
        None => Some((Leg::Element(place(inner)?), rest)),
    }
}

fn place(text: &str) -> Option<Place> {
    let text = text.trim();
    match text.strip_prefix("last") {
        None => text.parse().ok().map(Place::First),
        Some("") => Some(Place::Last(0)),
        Some(rest) => rest
            .trim()
            .strip_prefix('-')?
            .trim()
            .parse()
            .ok()
            .map(Place::Last),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::Path;

    #[test]
    fn paths_find_what_they_name() {
        let document: serde_json::Value =
            serde_json::from_str(r#"{"a":[1,{"b":2},[3,4]],"k k":5,"c":{"b":6}}"#).unwrap();
        for (path, wanted) in [
            ("$", 1),
            ("$.a[1].b", 1),
            ("$.\"k k\"", 1),
            ("$.a[last][0]", 1),
            ("$.a[last-2]", 1),
            ("$.a[0 to 1]", 2),
            ("$.a[*]", 3),
            ("$.*", 3),
            ("$**.b", 2),
            ("$.c[0].b", 1),
            ("$.x", 0),
            ("$.a[9]", 0),
        ] {
            let path = Path::parse(path).unwrap();
            assert_eq!(path.find(&document).len(), wanted, "{path:?}");
        }
        for wrong in ["", "a", "$a", "$.", "$[", "$[x]", "$**", "$.1a", "$.a["] {
            assert!(Path::parse(wrong).is_err(), "{wrong}");
        }
    }
}
