//! What the options and the environment say together: which server, how to get there, and who asks it.
//! An option of the command line comes before the environment, and the environment before the defaults.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::args::{LoginOptions, PlaceArgs, RemoteArgs, ServerArgs, TransportOptions};
use crate::connect::{Place, ServerAddress, ServerUrl, TlsFiles};
use crate::credentials::{self, Credential, LoginName};
use crate::tokens::TokenFile;
use crate::usage::Usage;

/// Where a server listens if nobody says otherwise.
const DEFAULT_URL: &str = "http://127.0.0.1:7550";

/// The environment's variables; passed in, so that a test needs none.
#[derive(Clone, Copy)]
pub(crate) struct Environment<'a> {
    variable: &'a dyn Fn(&str) -> Option<OsString>,
}

impl<'a> Environment<'a> {
    pub(crate) fn new(variable: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Self { variable }
    }

    /// A variable as it is; an empty one counts as not set.
    pub(crate) fn get(self, name: &str) -> Option<OsString> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    /// A variable that is text.
    ///
    /// # Errors
    /// It is not UTF-8. Its value is not repeated.
    pub(crate) fn text(self, name: &str) -> Result<Option<String>, Usage> {
        let text = self.get(name).map(OsString::into_string).transpose();
        text.map_err(|_| Usage::new(format!("the environment variable {name} is not UTF-8")))
    }

    fn path(self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }
}

/// The variables of this process.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Where `stagedoor sql` is to run, and on whose behalf.
///
/// # Errors
/// What does not go together, or is missing.
pub(crate) fn place(args: &PlaceArgs, env: Environment<'_>) -> anyhow::Result<Place> {
    let login_name = credentials::login_name(&args.login, env)?;
    #[cfg(feature = "embedded")]
    if let Some(data_dir) = data_dir(args, env)? {
        let settings = server::Settings::load(args.config.as_deref())?;
        return Ok(Place::DataDir(Box::new(server::Settings {
            data_dir,
            ..settings
        })));
    }
    let address = address(args.url.as_deref(), &args.transport, env)?;
    let credential = credential(login_name, &address, &args.login, &args.transport, env)?;
    Ok(Place::Server(address, credential))
}

/// The embedded server's directory, unless a running server was named.
#[cfg(feature = "embedded")]
fn data_dir(args: &PlaceArgs, env: Environment<'_>) -> Result<Option<PathBuf>, Usage> {
    if args.url.is_some() {
        return Ok(None);
    }
    let dir = match (&args.data_dir, env.path("STAGEDOOR_DATA_DIR")) {
        (Some(dir), _) => dir.clone(),
        (None, Some(_)) if env.get("STAGEDOOR_URL").is_some() => {
            return Err(Usage::new(
                "STAGEDOOR_URL and STAGEDOOR_DATA_DIR are both set: say which by --url or --data-dir",
            ));
        }
        (None, _) if env.get("STAGEDOOR_URL").is_some() => return Ok(None),
        (None, Some(dir)) => dir,
        (None, None) => crate::dirs::data_dir(|name| env.get(name)).ok_or_else(|| {
            Usage::new(
                "there is no home directory to keep data in: give --data-dir DIR or --url URL",
            )
        })?,
    };
    let option = args.login.first_given().or(args.transport.first_given());
    match option {
        Some(option) => Err(Usage::new(format!(
            "{option} is for a running server (--url): whoever may open a data directory owns it, so with --data-dir there is no login, and everyone acts as sys:root"
        ))),
        None => Ok(Some(dir)),
    }
}

/// A running server, on whoever's behalf.
///
/// # Errors
/// As [`place`].
pub(crate) fn remote(args: &RemoteArgs, env: Environment<'_>) -> anyhow::Result<Place> {
    let login_name = credentials::login_name(&args.login, env)?;
    let address = server(&args.server, env)?;
    let transport = &args.server.transport;
    let credential = credential(login_name, &address, &args.login, transport, env)?;
    Ok(Place::Server(address, credential))
}

/// A running server.
///
/// # Errors
/// Its URL is none; options of TLS that do not fit it or each other.
pub(crate) fn server(args: &ServerArgs, env: Environment<'_>) -> Result<ServerAddress, Usage> {
    address(args.url.as_deref(), &args.transport, env)
}

fn address(
    url: Option<&str>,
    transport: &TransportOptions,
    env: Environment<'_>,
) -> Result<ServerAddress, Usage> {
    let url = match url {
        Some(url) => ServerUrl::parse(url)?,
        None => ServerUrl::parse(env.text("STAGEDOOR_URL")?.as_deref().unwrap_or(DEFAULT_URL))?,
    };
    if !url.is_tls() {
        // The environment's files are for whichever server has TLS.
        let given = TransportOptions {
            insecure: false,
            ..transport.clone()
        };
        return match given.first_given() {
            Some(option) => Err(Usage::new(format!(
                "{option} is for an https:// server, and {url} is none"
            ))),
            None => Ok(ServerAddress {
                url,
                tls: TlsFiles::default(),
            }),
        };
    }
    let file = |option: &Option<PathBuf>, name| option.clone().or_else(|| env.path(name));
    let certificate = file(&transport.client_cert, "STAGEDOOR_CLIENT_CERT");
    let key = file(&transport.client_key, "STAGEDOOR_CLIENT_KEY");
    let client = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => {
            return Err(Usage::new(
                "a client certificate and its key go together: give --client-cert and --client-key",
            ));
        }
    };
    let ca = file(&transport.ca_file, "STAGEDOOR_CA_FILE");
    Ok(ServerAddress {
        url,
        tls: TlsFiles { ca, client },
    })
}

/// Who asks: the login of the command line or environment, else the one that is kept for the server,
/// else nobody.
fn credential(
    login_name: Option<LoginName>,
    address: &ServerAddress,
    login: &LoginOptions,
    transport: &TransportOptions,
    env: Environment<'_>,
) -> anyhow::Result<Credential> {
    match login_name {
        Some(login_name) => by_password(login_name, address, login, transport, env),
        None => {
            let file = TokenFile::of_user(env);
            let kept = file.map(|file| file.find(&address.url)).transpose()?;
            match kept.flatten() {
                Some(kept) => {
                    may_send_secrets(&address.url, transport)?;
                    Ok(kept.credential())
                }
                None => Ok(Credential::Nobody),
            }
        }
    }
}

/// Where logins are kept.
///
/// # Errors
/// There is no home directory.
pub(crate) fn token_file(env: Environment<'_>) -> Result<TokenFile, Usage> {
    TokenFile::of_user(env).ok_or_else(|| {
        Usage::new("there is no home directory to keep logins in: set HOME or XDG_CONFIG_HOME")
    })
}

/// A login by password, which is asked for if need be, but not before it is sure that it may be sent.
///
/// # Errors
/// Anybody could read it on the way; or there is none.
pub(crate) fn by_password(
    login: LoginName,
    address: &ServerAddress,
    options: &LoginOptions,
    transport: &TransportOptions,
    env: Environment<'_>,
) -> anyhow::Result<Credential> {
    may_send_secrets(&address.url, transport)?;
    let file = options.password_file.as_deref();
    let password = credentials::password(&login, file, env, credentials::prompt)?;
    Ok(Credential::Password { login, password })
}

/// Refuses to send passwords and tokens where anybody on the way could read them.
///
/// # Errors
/// What would be right.
pub(crate) fn may_send_secrets(url: &ServerUrl, transport: &TransportOptions) -> Result<(), Usage> {
    if url.is_private() || transport.insecure {
        return Ok(());
    }
    Err(Usage::new(format!(
        "refusing to send a password or token to {url} in plain text, which others on the way could read: use https://, or --insecure if nobody can"
    )))
}

#[cfg(test)]
mod tests;
