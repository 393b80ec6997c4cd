//! What an IP address is for: public, or one of the kinds that a bucket's host must not be
//! unless the operator says so. Forms of IPv6 that carry an IPv4 address count as that address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kinds of addresses, in the words of the IANA special-purpose registries (RFC 6890).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Public,
    Loopback,
    /// RFC 1918 and unique local IPv6 (RFC 4193).
    Private,
    /// 100.64.0.0/10, behind a carrier's translation (RFC 6598).
    Shared,
    LinkLocal,
    /// Where clouds hand credentials to their machines.
    Metadata,
    Unspecified,
    Multicast,
    /// Documentation, benchmarks, future use, tunnels: nothing that a bucket is at.
    Reserved,
}

impl Kind {
    /// The kind for a message: `it is {…}`.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::Shared => "a shared (carrier) address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "the address of a cloud's metadata service",
            Self::Unspecified => "the unspecified address",
            Self::Multicast => "a multicast address",
            Self::Reserved => "a reserved address",
        }
    }
}

/// AWS, Azure, Google and others; ECS tasks; Azure's wire server; Oracle; Alibaba.
const METADATA_V4: [Ipv4Addr; 6] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 169, 253),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(100, 100, 100, 200),
];

/// AWS, Google.
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// The IPv4 address that an IPv6 address carries: mapped, compatible, NAT64, 6to4.
pub(super) fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let [a, b, c, d, e, f, high, low] = v6.segments();
    let v4 = |high: u16, low: u16| {
        let [one, two] = high.to_be_bytes();
        let [three, four] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(one, two, three, four))
    };
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) | (0, 0, 0, 0, 0xffff, 0) => {
            v4(high, low)
        }
        // `::` and `::1` are no IPv4 addresses.
        (0, 0, 0, 0, 0, 0) if high != 0 => v4(high, low),
        (0x2002, ..) => v4(b, c),
        _ => address,
    }
}

/// The kind of a [`plain`] address.
pub(super) fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> Kind {
    let [a, b, c, _] = address.octets();
    if METADATA_V4.contains(&address) {
        return Kind::Metadata;
    }
    match (a, b, c) {
        _ if address.is_unspecified() => Kind::Unspecified,
        (127, ..) => Kind::Loopback,
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Kind::Private,
        (100, 64..=127, _) => Kind::Shared,
        (169, 254, _) => Kind::LinkLocal,
        (224..=239, ..) => Kind::Multicast,
        (0 | 240..=255, ..)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18..=19, _)
        | (198, 51, 100)
        | (203, 0, 113) => Kind::Reserved,
        _ => Kind::Public,
    }
}

fn kind_v6(address: Ipv6Addr) -> Kind {
    if METADATA_V6.contains(&address) {
        return Kind::Metadata;
    }
    let [a, b, ..] = address.segments();
    match a {
        _ if address.is_unspecified() => Kind::Unspecified,
        _ if address.is_loopback() => Kind::Loopback,
        0xfc00..=0xfdff => Kind::Private,
        0xfe80..=0xfebf => Kind::LinkLocal,
        0xff00..=0xffff => Kind::Multicast,
        // Protocol assignments and Teredo; documentation.
        0x2001 if b < 0x200 || b == 0xdb8 => Kind::Reserved,
        0x3fff if b < 0x1000 => Kind::Reserved,
        0x2000..=0x3fff => Kind::Public,
        _ => Kind::Reserved,
    }
}
