//! LOAD DATA LOCAL: the file comes from the client's machine, part by part, is kept on the disk of this one, and goes
//! with its statement. Only a client that says that it sends files is asked for one, and only once it is known that its
//! user may load it.

use mysql::Event;

use super::answer::Left;
use super::client::Client;
use super::run::Work;
use crate::error::{Error, Reason, Result};
use crate::internal::ReceivedFile;
use crate::sessions;

/// Whether a statement may be LOAD DATA LOCAL, so that it is worth a look; nearly none is.
pub(super) fn may_want(text: &str) -> bool {
    let first = text.split_ascii_whitespace().next().unwrap_or_default();
    first.eq_ignore_ascii_case("load")
}

impl Client {
    /// The statement with the file that it is to load, if it is to load one of the client's.
    pub(super) async fn with_local_file(
        &mut self,
        text: String,
    ) -> std::result::Result<Result<Work>, Left> {
        let looking = self.opened.clone().local_file(text.clone());
        let name = match self.while_here(looking).await? {
            Ok(Some(name)) => name,
            Ok(None) => return Ok(Ok(Work::Text(text))),
            Err(error) => return Ok(Err(error)),
        };
        let bytes_max = self.shared.instance.settings.mysql.local_file_bytes_max;
        if !self.wire.connection.sends_files() || bytes_max == 0 {
            let refused = Error::new(
                Reason::NotSupported,
                3948,
                "42000",
                "Loading local data is disabled; this must be enabled on both the client and server sides (the client's local-infile, and mysql.local_file_bytes_max)",
            );
            return Ok(Err(refused));
        }
        let received = self
            .shared
            .instance
            .internal
            .received
            .begin(bytes_max)
            .await;
        let mut file = match received {
            Ok(file) => file,
            Err(error) => return Ok(Err(error)),
        };
        self.wire.connection.ask_for_file(&name);
        Ok(self
            .receive(&mut file)
            .await?
            .map(|()| Work::WithFile(text, file)))
    }

    /// Takes the file. Whatever becomes of it here, the client sends all of it before it listens again.
    async fn receive(&mut self, file: &mut ReceivedFile) -> std::result::Result<Result<()>, Left> {
        let mut received = Ok(());
        loop {
            let Some(open) = self.opened.instance.sessions.get(&self.opened.id) else {
                return Err(Left);
            };
            let mut killed = open.killed();
            drop(open);
            let event = tokio::select! {
                biased;
                () = killed.wait() => {
                    received = Err(sessions::killed());
                    continue;
                }
                event = self.wire.event() => event,
            };
            match event {
                Ok(Some(Event::FilePart(part))) => {
                    if received.is_ok() {
                        received = file.add(&part).await;
                    }
                }
                Ok(Some(Event::FileEnd)) => break,
                // The protocol has nothing else here.
                Ok(Some(_) | None) | Err(_) => return Err(Left),
            }
        }
        match received {
            Ok(()) => Ok(file.end().await),
            Err(error) => Ok(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loads_is_looked_at() {
        assert!(may_want("  load data local infile 'x' into table t"));
        assert!(!may_want("SELECT 'load data local'"));
        assert!(!may_want(""));
    }
}
