//! Where a user's files live, by the XDG base directory specification.
//! The environment is passed in, so that a test needs none.

use std::ffi::OsString;
use std::path::PathBuf;

/// The shell's history, under `$XDG_STATE_HOME` or `~/.local/state`.
pub(crate) fn history_file(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    Some(base(env, "XDG_STATE_HOME", ".local/state")?.join("stagedoor/history"))
}

/// The tokens of `stagedoor login`, under `$XDG_CONFIG_HOME` or `~/.config`.
pub(crate) fn tokens_file(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    Some(base(env, "XDG_CONFIG_HOME", ".config")?.join("stagedoor/tokens.json"))
}

/// The embedded server's data, under `$XDG_DATA_HOME` or `~/.local/share`.
#[cfg(feature = "embedded")]
pub(crate) fn data_dir(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    Some(base(env, "XDG_DATA_HOME", ".local/share")?.join("stagedoor"))
}

/// The specification has relative paths ignored.
fn base(
    env: impl Fn(&str) -> Option<OsString>,
    variable: &str,
    under_home: &str,
) -> Option<PathBuf> {
    let absolute = |name: &str| {
        env(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute(variable).or_else(|| Some(absolute("HOME")?.join(under_home)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history_of(environment: &[(&str, &str)]) -> Option<PathBuf> {
        history_file(|name| {
            environment
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn xdg_comes_before_home_and_relative_paths_are_ignored() {
        let home = ("HOME", "/home/ann");
        let in_home = Some(PathBuf::from("/home/ann/.local/state/stagedoor/history"));
        assert_eq!(history_of(&[home]), in_home);
        assert_eq!(history_of(&[home, ("XDG_STATE_HOME", "state")]), in_home);
        assert_eq!(
            history_of(&[home, ("XDG_STATE_HOME", "/s")]),
            Some(PathBuf::from("/s/stagedoor/history"))
        );
        assert_eq!(history_of(&[]), None);
    }
}
