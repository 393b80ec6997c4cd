//! LOAD DATA LOCAL: the file comes from the client's machine, part by part, is kept on the disk of this one, and goes
//! with its statement. Only a client that says that it sends files is asked for one, and only once it is known that its
//! user may load it.

use std::time::Duration;

use mysql::Event;

use super::answer::Left;
use super::client::Client;
use super::run::Work;
use crate::error::{Error, Reason, Result};
use crate::internal::ReceivedFile;
use crate::sessions;

/// Whether a statement may be LOAD DATA LOCAL, so that it is worth a look; nearly none is. It may begin with a comment.
pub(super) fn may_want(text: &str) -> bool {
    let has = |word: &str| {
        let mut windows = text.as_bytes().windows(word.len());
        windows.any(|found| found.eq_ignore_ascii_case(word.as_bytes()))
    };
    has("load") && has("local") && has("infile")
}

impl Client {
    /// The statement with the file that it is to load, if it is to load one of the client's.
    pub(super) async fn with_local_file(
        &mut self,
        text: String,
    ) -> std::result::Result<Result<Work>, Left> {
        let looking = self.request().local_file(text.clone());
        let wanted = match self.while_here(looking).await? {
            Ok(Some(wanted)) => wanted,
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
        self.wire.connection.ask_for_file(&wanted.name);
        let received = self.receive(&mut file).await?;
        // The statement has a turn of its own.
        drop(wanted);
        Ok(received.map(|()| Work::WithFile(text, file)))
    }

    /// Takes the file. Whatever becomes of it here, the client sends all of it before it listens again.
    async fn receive(&mut self, file: &mut ReceivedFile) -> std::result::Result<Result<()>, Left> {
        let mut received = Ok(());
        let Some(open) = self.opened.instance.sessions.get(&self.opened.id) else {
            return Err(Left);
        };
        let stall_s = self.shared.instance.settings.mysql.local_file_stall_s;
        // One for all parts, so that a kill between two of them counts.
        let mut killed = open.killed();
        drop(open);
        loop {
            let event = tokio::select! {
                biased;
                () = killed.wait(), if received.is_ok() => {
                    received = Err(sessions::killed());
                    continue;
                }
                event = tokio::time::timeout(Duration::from_secs(stall_s), self.wire.event()) => match event {
                    Ok(event) => event,
                    // It holds a turn that others wait for.
                    Err(_) => {
                        let text = "Got timeout reading communication packets: nothing of the file came for mysql.local_file_stall_s";
                        self.wire.connection.refuse(1159, "08S01", text);
                        return Err(Left);
                    }
                },
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
        if received.is_ok() {
            received = file.end().await;
        }
        if received.is_ok() && killed.has_come() {
            received = Err(sessions::killed());
        }
        Ok(received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loads_is_looked_at() {
        assert!(may_want("  load data local infile 'x' into table t"));
        assert!(may_want(
            "/* app */ LOAD/**/DATA LOCAL INFILE 'x' INTO TABLE t"
        ));
        assert!(!may_want("SELECT 'load data local'"));
        assert!(!may_want(""));
    }
}
