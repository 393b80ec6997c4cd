//! Where a login comes from, as far as failures are counted by it: an IPv4 address, or the /64 of an IPv6 address,
//! which is what one subscriber has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The network that a client is in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Network {
    /// One address.
    V4(Ipv4Addr),
    /// The first 64 bits.
    V6([u16; 4]),
    /// No address of the internet: the client's own name for it.
    Other(String),
}

impl Network {
    /// Of a client as `CallContext` names it: an address with its port.
    pub(crate) fn of(client: &str) -> Self {
        match client.parse::<SocketAddr>() {
            Ok(address) => match address.ip() {
                IpAddr::V4(address) => Self::V4(address),
                IpAddr::V6(address) => address
                    .to_ipv4_mapped()
                    .map_or_else(|| Self::V6(first_64_bits(address)), Self::V4),
            },
            Err(_) => Self::Other(client.to_owned()),
        }
    }
}

fn first_64_bits(address: Ipv6Addr) -> [u16; 4] {
    let [a, b, c, d, ..] = address.segments();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_is_one_network_whatever_its_port_or_its_last_64_bits() {
        for (one, other, is_same) in [
            ("10.0.0.1:5555", "10.0.0.1:6666", true),
            ("10.0.0.1:5555", "10.0.0.2:5555", false),
            ("10.0.0.1:5555", "[::ffff:10.0.0.1]:5555", true),
            ("[2001:db8:1:2::1]:1", "[2001:db8:1:2:ffff::9]:2", true),
            ("[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1", false),
            ("embedded", "embedded", true),
            ("embedded", "unknown", false),
        ] {
            assert_eq!(
                Network::of(one) == Network::of(other),
                is_same,
                "{one} {other}"
            );
        }
    }
}
