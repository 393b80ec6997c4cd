//! What a client does that the protocol does not permit.

/// Why a connection cannot go on. It is to be told by [`Connection::fail`](crate::Connection::fail) and closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A packet beyond the limit.
    #[error("Got a packet bigger than 'max_allowed_packet' bytes ({max})")]
    TooLarge {
        /// The limit, in bytes.
        max: usize,
    },
    /// A packet that is not numbered as the next.
    #[error("Got packets out of order")]
    OutOfOrder,
    /// A packet that is not what it should be.
    #[error("Malformed communication packet: {0}")]
    Malformed(&'static str),
    /// A client from before MySQL 4.1.
    #[error(
        "Client does not support the protocol requested by this server; it must speak that of MySQL 4.1 or later with pluggable authentication"
    )]
    OldClient,
    /// A client that knows no plugins, and so `mysql_native_password` alone.
    #[error(
        "Client does not support authentication protocol requested by server; consider upgrading MySQL client: it must know caching_sha2_password"
    )]
    NoPlugin,
    /// Bytes before TLS that were sent as if behind its beginning.
    #[error("Bad handshake: data between the request for TLS and its beginning")]
    EarlyData,
}

impl ProtocolError {
    /// MySQL's number for it.
    pub fn code(self) -> u16 {
        match self {
            Self::TooLarge { .. } => 1153,
            Self::OutOfOrder => 1156,
            Self::Malformed(_) => 1835,
            Self::OldClient | Self::NoPlugin => 1251,
            Self::EarlyData => 1043,
        }
    }

    /// Five characters.
    pub fn sqlstate(self) -> &'static str {
        match self {
            Self::TooLarge { .. } | Self::OutOfOrder | Self::EarlyData => "08S01",
            Self::Malformed(_) => "HY000",
            Self::OldClient | Self::NoPlugin => "08004",
        }
    }
}

impl From<crate::wire::Malformed> for ProtocolError {
    fn from(malformed: crate::wire::Malformed) -> Self {
        Self::Malformed(malformed.0)
    }
}
