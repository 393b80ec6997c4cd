//! Ctrl-C: the first press stops the statement that runs, the second ends the program at once.
//! With no statement running, the first press ends the program too, as it would without a handler.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The exit status of a program that SIGINT ended, as shells report it.
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// Counts presses since the last listener began. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts {
    presses: Arc<watch::Sender<u32>>,
}

/// One listener; while it lives, the first press does not end the program.
#[derive(Debug)]
pub(crate) struct Listener {
    presses: watch::Receiver<u32>,
}

impl Interrupts {
    /// Takes over SIGINT for the rest of the program's life. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the signal handler cannot be installed.
    pub(crate) fn install() -> io::Result<Self> {
        let mut pressed = signal(SignalKind::interrupt())?;
        let presses = Arc::new(watch::channel(0).0);
        let counter = Arc::clone(&presses);
        tokio::spawn(async move {
            while pressed.recv().await.is_some() {
                if counter.receiver_count() == 0 || *counter.borrow() > 0 {
                    std::process::exit(i32::from(EXIT_INTERRUPTED));
                }
                counter.send_modify(|presses| *presses += 1);
            }
        });
        Ok(Self { presses })
    }

    /// Begins to listen, with earlier presses forgotten.
    pub(crate) fn listen(&self) -> Listener {
        self.presses.send_replace(0);
        Listener {
            presses: self.presses.subscribe(),
        }
    }
}

impl Listener {
    /// Waits for a press.
    pub(crate) async fn pressed(&mut self) {
        if self.presses.wait_for(|presses| *presses > 0).await.is_err() {
            // The counter is gone, so no press can come.
            std::future::pending().await
        }
    }
}
