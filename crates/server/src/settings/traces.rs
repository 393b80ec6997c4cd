//! `[traces]`: where OpenTelemetry's traces go.

use serde::Deserialize;

use super::SettingsError;

/// `[traces]`. Off unless `otlp_endpoint` is set.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TraceSettings {
    /// The collector that takes spans by OTLP over gRPC: `http://host:4317`, or `https://`.
    pub otlp_endpoint: Option<String>,
}

/// OpenTelemetry's own variables for it, the first that is set.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

/// And for how to speak with it.
const PROTOCOLS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
];

impl TraceSettings {
    /// Takes the collector from OpenTelemetry's own variables, where the settings name none. They are another's in a
    /// process that is not the server's alone, so only `stagedoor serve` asks for them.
    ///
    /// # Errors
    /// They ask for a protocol other than `grpc`.
    pub fn or_standard_variables(
        &mut self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<(), SettingsError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let is_off = set("OTEL_SDK_DISABLED")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
            || set("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
        if self.otlp_endpoint.is_some() || is_off {
            return Ok(());
        }
        let Some(endpoint) = ENDPOINTS.into_iter().find_map(set) else {
            return Ok(());
        };
        let protocol = PROTOCOLS
            .into_iter()
            .find_map(|name| Some((name, set(name)?)));
        if let Some((name, protocol)) = protocol
            && protocol != "grpc"
        {
            return Err(SettingsError(format!(
                "{name} is '{protocol}', and traces are sent by grpc alone: set it to grpc and the endpoint to the collector's port for that (4317 by custom), or OTEL_TRACES_EXPORTER to none"
            )));
        }
        self.otlp_endpoint = Some(endpoint);
        Ok(())
    }

    /// That it is an address, in words for an operator where it is not. It may hold what is no one's to see, so it is not quoted.
    pub(super) fn check(&self) -> Result<(), String> {
        let Some(endpoint) = &self.otlp_endpoint else {
            return Ok(());
        };
        let is_sound = url::Url::parse(endpoint).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && matches!(url.path(), "" | "/")
                && url.query().is_none()
                && url.fragment().is_none()
        });
        match is_sound {
            true => Ok(()),
            false => Err(
                "traces.otlp_endpoint must be like http://collector.example.com:4317 or https://…, without user, path or query: the collector's port for gRPC"
                    .to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn read(variables: &[(&str, &str)], given: Option<&str>) -> Result<Option<String>, String> {
        let mut settings = TraceSettings {
            otlp_endpoint: given.map(str::to_owned),
        };
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        settings
            .or_standard_variables(variable)
            .map_err(|e| e.to_string())?;
        Ok(settings.otlp_endpoint)
    }

    #[test]
    fn the_usual_variables_name_the_collector() {
        let (all, own) = (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        );
        let of = |variables: &[(&str, &str)]| read(variables, None).unwrap();
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(all, "")]), None);
        assert_eq!(of(&[(all, "http://a:1")]).as_deref(), Some("http://a:1"));
        let both = [(all, "http://a:1"), (own, "http://b:2")];
        assert_eq!(of(&both).as_deref(), Some("http://b:2"));
        assert_eq!(
            of(&[(all, "http://a:1"), ("OTEL_TRACES_EXPORTER", "none")]),
            None
        );
        assert_eq!(
            of(&[(all, "http://a:1"), ("OTEL_SDK_DISABLED", "TRUE")]),
            None
        );
        let given = read(&both, Some("http://c:3")).unwrap();
        assert_eq!(given.as_deref(), Some("http://c:3"));
    }

    #[test]
    fn another_protocol_is_refused_where_it_would_be_used() {
        let (all, protocol) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL");
        let wrong = read(&[(all, "http://a:4318"), (protocol, "http/protobuf")], None);
        assert!(
            wrong
                .unwrap_err()
                .contains("OTEL_EXPORTER_OTLP_PROTOCOL is 'http/protobuf'")
        );
        assert_eq!(read(&[(protocol, "http/protobuf")], None), Ok(None));
        assert!(read(&[(all, "http://a:4317"), (protocol, "grpc")], None).is_ok());
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_quoted() {
        for right in ["http://127.0.0.1:4317", "https://collector.example.com"] {
            let settings = TraceSettings {
                otlp_endpoint: Some(right.to_owned()),
            };
            assert_eq!(settings.check(), Ok(()), "{right}");
        }
        for wrong in [
            "collector:4317",
            "ftp://planted",
            "http://planted:secret@host:4317",
            "http://host:4317/v1/traces",
            "planted",
        ] {
            let settings = TraceSettings {
                otlp_endpoint: Some(wrong.to_owned()),
            };
            let error = settings.check().unwrap_err();
            assert!(
                error.contains("http://collector.example.com:4317"),
                "{wrong}"
            );
            assert!(!error.contains("planted"), "{error}");
        }
    }
}
