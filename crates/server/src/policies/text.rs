//! The rules of a policy as text, as statements and calls have them, and back.

use catalog::StagePolicy;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use exporter::Recipients;
use parser::{Format, PolicyKey, byte_size};

use crate::error::{Error, Reason, Result};
use crate::time::timestamp_text;

/// The policy that rules make; each key is given once.
///
/// # Errors
/// [`Reason::OptionInvalid`] for a value that a rule cannot have.
pub(crate) fn policy_of<'a>(
    rules: impl IntoIterator<Item = (PolicyKey, &'a str)>,
) -> Result<StagePolicy> {
    let mut policy = StagePolicy::default();
    for (key, value) in rules {
        let value = value.trim();
        match key {
            PolicyKey::Formats => policy.formats = formats(value)?,
            PolicyKey::MaxBytes => policy.max_bytes = Some(bytes(key, value)?),
            PolicyKey::MaxRows => policy.max_rows = Some(rows(key, value)?),
            PolicyKey::DailyBytes => policy.daily_bytes = Some(bytes(key, value)?),
            PolicyKey::RequireManifest => policy.require_manifest = truth(key, value)?,
            PolicyKey::FormulaGuard => policy.formula_guard = truth(key, value)?,
            PolicyKey::EncryptTo => policy.encrypt_to = recipients(value)?,
            PolicyKey::Expires => policy.expires_us = Some(instant(key, value)?),
        }
    }
    Ok(policy)
}

/// The rules of a policy; those that restrict nothing are not there.
pub(crate) fn rules_of(policy: &StagePolicy) -> Vec<(PolicyKey, String)> {
    let StagePolicy {
        formats,
        max_bytes,
        max_rows,
        daily_bytes,
        require_manifest,
        formula_guard,
        expires_us,
        encrypt_to,
    } = policy;
    let number = |number: &u64| number.to_string();
    [
        (
            PolicyKey::Formats,
            (!formats.is_empty()).then(|| formats.join(",")),
        ),
        (PolicyKey::MaxBytes, max_bytes.as_ref().map(number)),
        (PolicyKey::MaxRows, max_rows.as_ref().map(number)),
        (PolicyKey::DailyBytes, daily_bytes.as_ref().map(number)),
        (
            PolicyKey::RequireManifest,
            require_manifest.then(|| "true".to_owned()),
        ),
        (
            PolicyKey::FormulaGuard,
            formula_guard.then(|| "true".to_owned()),
        ),
        (
            PolicyKey::EncryptTo,
            (!encrypt_to.is_empty()).then(|| encrypt_to.join(",")),
        ),
        (PolicyKey::Expires, expires_us.map(timestamp_text)),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value?)))
    .collect()
}

fn formats(text: &str) -> Result<Vec<String>> {
    let mut formats = text
        .split(',')
        .map(|name| {
            let name = name.trim();
            let format = Format::from_word(name).ok_or_else(|| {
                invalid(
                    PolicyKey::Formats,
                    name,
                    "'csv', 'jsonline', 'parquet' or 'arrow', several separated by commas",
                )
            })?;
            Ok(format.to_string())
        })
        .collect::<Result<Vec<String>>>()?;
    formats.sort();
    formats.dedup();
    Ok(formats)
}

fn recipients(text: &str) -> Result<Vec<String>> {
    let recipients = Recipients::parse(text).map_err(|e| {
        Error::invalid_configuration(
            Reason::OptionInvalid,
            format_args!("policy {}: {e}", PolicyKey::EncryptTo.as_str()),
        )
    })?;
    let mut names = recipients.names();
    names.sort();
    Ok(names)
}

fn bytes(key: PolicyKey, text: &str) -> Result<u64> {
    byte_size(text)
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| invalid(key, text, "a number of bytes from 1 on, as '10G'"))
}

fn rows(key: PolicyKey, text: &str) -> Result<u64> {
    text.parse()
        .map_err(|_| invalid(key, text, "a number of rows"))
}

fn truth(key: PolicyKey, text: &str) -> Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(key, text, "'true' or 'false'")),
    }
}

/// A day means its beginning, in UTC.
fn instant(key: PolicyKey, text: &str) -> Result<u64> {
    let at_midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN);
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S")
        .or_else(|_| NaiveDate::parse_from_str(text, "%Y-%m-%d").map(at_midnight))
        .ok()
        .and_then(|at| u64::try_from(at.and_utc().timestamp_micros()).ok())
        .ok_or_else(|| {
            invalid(
                key,
                text,
                "a day or a time in UTC, as '2027-01-01' or '2027-01-01 12:00:00'",
            )
        })
}

fn invalid(key: PolicyKey, text: &str, wanted: &str) -> Error {
    Error::invalid_configuration(
        Reason::OptionInvalid,
        format_args!(
            "policy {}: '{}' is not {wanted}",
            key.as_str(),
            text.escape_default()
        ),
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Of age's own documentation.
    const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    #[test]
    fn rules_are_what_they_were() {
        let given = [
            (PolicyKey::Formats, " Parquet, csv,csv"),
            (PolicyKey::MaxBytes, "10G"),
            (PolicyKey::MaxRows, "0"),
            (PolicyKey::DailyBytes, "7"),
            (PolicyKey::RequireManifest, "TRUE"),
            (PolicyKey::FormulaGuard, "false"),
            (PolicyKey::EncryptTo, RECIPIENT),
            (PolicyKey::Expires, "2027-01-01"),
        ];
        let policy = policy_of(given).unwrap();
        let shown = rules_of(&policy);
        let told: Vec<_> = shown.iter().map(|(key, text)| (*key, &**text)).collect();
        assert_eq!(
            told,
            [
                (PolicyKey::Formats, "csv,parquet"),
                (PolicyKey::MaxBytes, "10737418240"),
                (PolicyKey::MaxRows, "0"),
                (PolicyKey::DailyBytes, "7"),
                (PolicyKey::RequireManifest, "true"),
                (PolicyKey::EncryptTo, RECIPIENT),
                (PolicyKey::Expires, "2027-01-01 00:00:00"),
            ]
        );
        assert_eq!(policy_of(told).unwrap(), policy);
        assert!(rules_of(&StagePolicy::default()).is_empty());
    }

    #[test]
    fn a_value_that_a_rule_cannot_have_is_named() {
        for (key, value) in [
            (PolicyKey::Formats, "csv,xlsx"),
            (PolicyKey::Formats, ""),
            (PolicyKey::MaxBytes, "0"),
            (PolicyKey::MaxBytes, "10X"),
            (PolicyKey::MaxRows, "-1"),
            (PolicyKey::DailyBytes, ""),
            (PolicyKey::RequireManifest, "maybe"),
            (PolicyKey::Expires, "2027-02-30"),
            (PolicyKey::Expires, "1969-12-31"),
        ] {
            let error = policy_of([(key, value)]).unwrap_err();
            let begin = format!("invalid configuration: policy {}: '", key.as_str());
            assert!(error.message().starts_with(&begin), "{}", error.message());
        }
    }
}
