//! Which settings the command line of `stagedoor serve` overrides.
//! It comes after the file and the environment, so it is what an operator sees in the process list.

use server::Settings;

use crate::args::ServeArgs;

/// Puts what was given into `settings`; the rest stays as it is.
pub(super) fn apply(args: ServeArgs, settings: &mut Settings) {
    let ServeArgs {
        config: _,
        data_dir,
        listen,
        mysql_listen,
        metrics_listen,
        otlp_endpoint,
        root_password_file,
        tls_cert,
        tls_key,
        tls_client_ca,
        insecure,
        log_format: _,
    } = args;
    if let Some(data_dir) = data_dir {
        settings.data_dir = data_dir;
    }
    if let Some(listen) = listen {
        settings.listen = listen;
    }
    if mysql_listen.is_some() {
        settings.mysql.listen = mysql_listen;
    }
    if metrics_listen.is_some() {
        settings.metrics.listen = metrics_listen;
    }
    if otlp_endpoint.is_some() {
        settings.traces.otlp_endpoint = otlp_endpoint;
    }
    for (given, setting) in [
        (root_password_file, &mut settings.auth.root_password_file),
        (tls_cert, &mut settings.tls.cert),
        (tls_key, &mut settings.tls.key),
        (tls_client_ca, &mut settings.tls.client_ca),
    ] {
        if given.is_some() {
            *setting = given;
        }
    }
    settings.insecure |= insecure;
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn overridden(options: &[&str], mut settings: Settings) -> Settings {
        let words = ["stagedoor", "serve"].iter().chain(options);
        match Cli::try_parse_from(words).unwrap().command {
            Command::Serve(args) => apply(args, &mut settings),
            _ => unreachable!("serve was asked for"),
        }
        settings
    }

    #[test]
    fn what_is_not_given_stays() {
        let mut settings = Settings {
            insecure: true,
            ..Settings::default()
        };
        settings.tls.cert = Some("c".into());
        settings.auth.root_password_file = Some("p".into());
        assert_eq!(overridden(&[], settings.clone()), settings);
    }

    #[test]
    fn what_is_given_overrides() {
        let mut before = Settings::default();
        before.tls.cert = Some("old".into());
        let settings = overridden(
            &[
                "--data-dir=d",
                "--listen=127.0.0.2:1",
                "--mysql-listen=127.0.0.3:2",
                "--metrics-listen=127.0.0.2:2",
                "--otlp-endpoint=http://127.0.0.2:3",
                "--root-password-file=p",
                "--tls-cert=c",
                "--tls-key=k",
                "--tls-client-ca=a",
                "--insecure",
            ],
            before,
        );
        let mut expected = Settings {
            data_dir: "d".into(),
            listen: ([127, 0, 0, 2], 1).into(),
            insecure: true,
            ..Settings::default()
        };
        expected.mysql.listen = Some(([127, 0, 0, 3], 2).into());
        expected.metrics.listen = Some(([127, 0, 0, 2], 2).into());
        expected.traces.otlp_endpoint = Some("http://127.0.0.2:3".into());
        expected.auth.root_password_file = Some("p".into());
        expected.tls.cert = Some("c".into());
        expected.tls.key = Some("k".into());
        expected.tls.client_ca = Some("a".into());
        assert_eq!(settings, expected);
    }

    #[test]
    fn the_port_of_metrics_has_two_names() {
        for name in ["--metrics-listen=127.0.0.2:2", "--http-listen=127.0.0.2:2"] {
            let settings = overridden(&[name], Settings::default());
            assert_eq!(settings.metrics.listen, Some(([127, 0, 0, 2], 2).into()));
            // That of download links is another.
            assert_eq!(settings.http.listen, None);
        }
    }

    #[test]
    fn a_certificate_needs_its_key() {
        for half in ["--tls-cert=c", "--tls-key=k"] {
            assert!(Cli::try_parse_from(["stagedoor", "serve", half]).is_err());
        }
    }
}
