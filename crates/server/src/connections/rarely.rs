//! Log lines of which a flood of connections must not make a flood.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Says something once a second at most, so that a flood of connections is none of log lines.
pub(crate) struct Rarely {
    said: Option<Instant>,
    unsaid: u64,
}

impl Rarely {
    const PAUSE: Duration = Duration::from_secs(1);

    pub(crate) fn new() -> Self {
        Self {
            said: None,
            unsaid: 0,
        }
    }

    /// How often it was kept back since it was said last, when it is time to say it again.
    pub(crate) fn say(&mut self) -> Option<u64> {
        if self.said.is_some_and(|said| said.elapsed() < Self::PAUSE) {
            self.unsaid += 1;
            return None;
        }
        self.said = Some(Instant::now());
        Some(std::mem::take(&mut self.unsaid))
    }

    /// Says that a connection was closed because as many are open as may be.
    pub(crate) fn say_full(&mut self, wire: &str, peer: SocketAddr, connections_max: usize) {
        if let Some(unsaid) = self.say() {
            tracing::warn!(
                wire,
                %peer,
                unsaid,
                "closed a connection: {connections_max} are open, as many as limits.connections_max permits"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_said_once_and_the_next_says_how_many_there_were() {
        let mut rarely = Rarely::new();
        assert_eq!(rarely.say(), Some(0));
        assert_eq!(rarely.say(), None);
        assert_eq!(rarely.say(), None);
        rarely.said = Instant::now().checked_sub(Rarely::PAUSE);
        assert_eq!(rarely.say(), Some(2));
    }
}
