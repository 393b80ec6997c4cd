//! Tables of spellings and addresses: what is refused, what listing opens, what it does not.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn rules(list: &[&str]) -> Vec<EndpointRule> {
    list.iter().map(|rule| rule.parse().unwrap()).collect()
}

fn open() -> EndpointPolicy {
    EndpointPolicy::default()
}

fn listing(list: &[&str]) -> EndpointPolicy {
    open().allow_only(rules(list))
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn denied(result: Result<impl Sized>, what: &str) {
    let Err(error) = result else {
        unreachable!("{what} was permitted")
    };
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{what}: {error}");
    assert!(
        error.to_string().contains("endpoints.allow")
            || error.to_string().contains("endpoints.http"),
        "{what}: {error}"
    );
}

#[test]
fn public_hosts_are_permitted_by_default_and_only_with_transport_security() {
    for host in [
        "s3.eu-central-1.amazonaws.com",
        "bucket.s3.amazonaws.com",
        "OSS-cn-hangzhou.aliyuncs.com",
        "my_bucket.example.com",
        "1e100.net",
        "xn--bcher-kva.example",
        "93.184.216.34",
        "[2606:2800:220:1:248:1893:25c8:1946]",
        "2606:2800:220:1:248:1893:25c8:1946",
    ] {
        let policy = open();
        assert!(policy.check(host, 443, Scheme::Https).is_ok(), "{host}");
        denied(policy.check(host, 443, Scheme::Http), host);
        assert!(
            open()
                .allow_http(true)
                .check(host, 80, Scheme::Http)
                .is_ok()
        );
    }
    let policy = open();
    let checked = policy
        .check("S3.Amazonaws.COM", 443, Scheme::Https)
        .unwrap();
    assert_eq!(checked.host(), "s3.amazonaws.com");
    assert!(checked.check_address(ip("52.218.0.1")).is_ok());
    assert!("ftp".parse::<Scheme>().is_err());
    assert_eq!("http".parse::<Scheme>().unwrap(), Scheme::Http);
}

/// One or more of each kind, and every IPv6 form of the IPv4 ones.
const SPECIAL: &[&str] = &[
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.127.255.255",
    "100.100.100.200",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "168.63.129.16",
    "192.0.0.192",
    "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "::",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "fd00:ec2::254",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "2001::1",
    "100::1",
];

#[test]
fn special_addresses_are_refused_in_every_form() {
    let policy = open();
    let checked = policy
        .check("bucket.example.com", 443, Scheme::Https)
        .unwrap();
    for text in SPECIAL {
        let address = ip(text);
        let mut forms = vec![address];
        if let IpAddr::V4(v4) = address {
            let [a, b, c, d] = v4.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            forms.push(v4.to_ipv6_mapped().into());
            forms.push(std::net::Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low).into());
            forms.push(std::net::Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1).into());
            forms.push(v4.to_ipv6_compatible_form());
        }
        for form in forms {
            denied(policy.check_address(form, 443), &form.to_string());
            denied(checked.check_address(form), &form.to_string());
            denied(policy.check(&form.to_string(), 443, Scheme::Https), text);
            if form.is_ipv6() {
                denied(policy.check(&format!("[{form}]"), 443, Scheme::Https), text);
            }
        }
    }
}

trait Compatible {
    fn to_ipv6_compatible_form(&self) -> IpAddr;
}

impl Compatible for std::net::Ipv4Addr {
    /// The deprecated `::a.b.c.d`.
    fn to_ipv6_compatible_form(&self) -> IpAddr {
        IpAddr::V6(std::net::Ipv6Addr::from(u128::from(u32::from(*self))))
    }
}

#[test]
fn neighbours_of_special_networks_are_public() {
    for text in [
        "9.255.255.255",
        "11.0.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "128.0.0.0",
        "223.255.255.255",
        "2001:4860::8888",
        "2a00::1",
    ] {
        assert!(open().check_address(ip(text), 443).is_ok(), "{text}");
    }
}

#[test]
fn unusual_spellings_are_no_hosts() {
    for host in [
        "",
        " ",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.01",
        "127.0.0.1.",
        "127.0.0.0x1",
        "0x",
        "1.2.3.4.5",
        "256.1.1.1",
        "a.b.1",
        "localhost.",
        "example.com.",
        ".example.com",
        "example..com",
        "-example.com",
        "user@example.com",
        "user:secret@example.com",
        "example.com/path",
        "example.com?query",
        "example.com#fragment",
        "example.com\\@127.0.0.1",
        "exam ple.com",
        "example.com\n",
        "example.com\0",
        "%31%32%37.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "ｌocalhost",
        "аmazonaws.com",
        "[::1",
        "::1]",
        "[127.0.0.1]",
        "[fe80::1%eth0]",
        "fe80::1%1",
        "[v1.x]",
        "example.com:443",
        "1:2",
        "[]",
    ] {
        let Err(error) = open()
            .allow_http(true)
            .check(host, 443, Scheme::Https)
            .map(|_| ())
        else {
            unreachable!("{host:?} was read")
        };
        assert_eq!(error.kind(), ErrorKind::Invalid, "{host:?}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let long = format!("{}.com", "a".repeat(64));
    assert!(open().check(&long, 443, Scheme::Https).is_err());
    let longer = ["abcdefg"; 40].join(".");
    assert!(open().check(&longer, 443, Scheme::Https).is_err());
    assert!(open().check("example.com", 0, Scheme::Https).is_err());
}

#[test]
fn names_of_what_is_special_are_refused_before_they_are_resolved() {
    for name in [
        "localhost",
        "LOCALHOST",
        "a.localhost",
        "ip6-localhost",
        "metadata.google.internal",
        "Metadata.Google.Internal",
        "metadata",
        "metadata.goog",
    ] {
        denied(open().check(name, 443, Scheme::Https), name);
        // Nor does a network open them.
        denied(
            listing(&["0.0.0.0/0", "::/0"]).check(name, 443, Scheme::Https),
            name,
        );
    }
}

#[test]
fn an_allow_list_is_the_whole_list() {
    let policy = listing(&[
        "minio.corp:9000",
        "*.cdn.example",
        "203.0.114.7",
        "10.1.0.0/16",
    ]);
    for (host, port) in [
        ("minio.corp", 9000),
        ("MINIO.corp", 9000),
        ("a.cdn.example", 1),
        ("a.b.cdn.example", 443),
        ("203.0.114.7", 443),
        ("10.1.255.3", 80),
        ("[::ffff:10.1.2.3]", 80),
    ] {
        assert!(
            policy.check(host, port, Scheme::Https).is_ok(),
            "{host}:{port}"
        );
    }
    for (host, port) in [("203.0.114.8", 443), ("10.2.0.1", 443), ("52.218.0.1", 443)] {
        denied(policy.check(host, port, Scheme::Https), host);
    }
    // A name that is not listed may still resolve into a listed network, and only there.
    let elsewhere = policy.check("minio.corp", 9001, Scheme::Https).unwrap();
    assert!(elsewhere.check_address(ip("10.1.2.3")).is_ok());
    for address in ["10.2.0.1", "52.218.0.1", "127.0.0.1"] {
        denied(elsewhere.check_address(ip(address)), address);
    }
    // Without a network there is no such chance.
    let names = listing(&["minio.corp:9000", "*.cdn.example"]);
    for (host, port) in [
        ("minio.corp", 9001),
        ("cdn.example", 443),
        ("acdn.example", 443),
        ("minio.corp.evil.example", 9000),
        ("s3.amazonaws.com", 443),
    ] {
        denied(names.check(host, port, Scheme::Https), host);
    }
    denied(
        listing(&[]).check("s3.amazonaws.com", 443, Scheme::Https),
        "nothing",
    );
}

#[test]
fn a_listed_name_covers_private_addresses_but_not_those_of_the_machine_or_the_cloud() {
    let policy = listing(&["minio.corp", "localhost:9000"])
        .own_addresses(vec!["127.0.0.1:7550".parse().unwrap()]);
    let minio = policy.check("minio.corp", 9000, Scheme::Https).unwrap();
    for address in [
        "10.0.0.5",
        "127.0.0.1",
        "100.64.3.3",
        "fd00::9",
        "52.218.0.1",
        "::1",
    ] {
        assert!(minio.check_address(ip(address)).is_ok(), "{address}");
    }
    for address in [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "169.254.1.1",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
    ] {
        denied(minio.check_address(ip(address)), address);
    }
    let own = policy.check("minio.corp", 7550, Scheme::Https).unwrap();
    denied(own.check_address(ip("127.0.0.1")), "own");
    denied(
        own.check_address(ip("127.0.0.2")),
        "own, by another loopback address",
    );
    assert!(own.check_address(ip("10.0.0.5")).is_ok());
    let local = policy.check("localhost", 9000, Scheme::Https).unwrap();
    assert!(local.check_address(ip("127.0.0.1")).is_ok());
    denied(
        policy.check("localhost", 9001, Scheme::Https),
        "localhost:9001",
    );
}

#[test]
fn networks_do_not_open_what_must_be_listed_by_itself() {
    let wide = listing(&["0.0.0.0/0", "::/0"]).own_addresses(vec!["0.0.0.0:7550".parse().unwrap()]);
    for address in [
        "10.0.0.1",
        "127.0.0.1",
        "52.218.0.1",
        "fd00::1",
        "100.64.0.1",
    ] {
        assert!(wide.check_address(ip(address), 443).is_ok(), "{address}");
    }
    for address in [
        "169.254.169.254",
        "169.254.1.1",
        "fe80::1",
        "100.100.100.200",
        "fd00:ec2::254",
        "168.63.129.16",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "ff02::1",
    ] {
        denied(wide.check_address(ip(address), 443), address);
    }
    for address in ["10.0.0.1", "127.0.0.1", "::1"] {
        denied(wide.check_address(ip(address), 7550), "own");
    }
    assert!(wide.check_address(ip("52.218.0.1"), 7550).is_ok());
    let exact = listing(&[
        "169.254.169.254",
        "169.254.0.0/24",
        "[fd00:ec2::254]:80",
        "127.0.0.1:7550",
    ])
    .own_addresses(vec!["127.0.0.1:7550".parse().unwrap()]);
    for (address, port) in [
        ("169.254.169.254", 80),
        ("169.254.0.9", 80),
        ("fd00:ec2::254", 80),
        ("127.0.0.1", 7550),
    ] {
        assert!(exact.check_address(ip(address), port).is_ok(), "{address}");
    }
    denied(
        exact.check_address(ip("fd00:ec2::254"), 443),
        "another port",
    );
    denied(
        exact.check_address(ip("169.254.1.9"), 80),
        "beside the network",
    );
}

#[test]
fn the_servers_own_public_address_is_refused() {
    let policy = open().own_addresses(vec![
        "52.1.2.3:443".parse().unwrap(),
        "[2a00::1]:443".parse().unwrap(),
    ]);
    denied(policy.check("52.1.2.3", 443, Scheme::Https), "own");
    denied(
        policy.check("[::ffff:52.1.2.3]", 443, Scheme::Https),
        "own, mapped",
    );
    denied(policy.check_address(ip("2a00::1"), 443), "own");
    assert!(policy.check("52.1.2.3", 9000, Scheme::Https).is_ok());
}

#[test]
fn rules_are_read_and_written_in_one_form() {
    for (text, shown) in [
        ("Minio.Corp", "minio.corp"),
        (" minio.corp:9000 ", "minio.corp:9000"),
        ("*.Example.com", "*.example.com"),
        ("*.example.com:443", "*.example.com:443"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3/32", "10.1.2.3"),
        ("10.1.2.3:9000", "10.1.2.3:9000"),
        ("[::1]:9000", "[::1]:9000"),
        ("::1", "[::1]"),
        ("[fd00::1]", "[fd00::1]"),
        ("fd00::/8", "fd00::/8"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
    ] {
        let rule: EndpointRule = text.parse().unwrap();
        assert_eq!(rule.to_string(), shown);
        assert_eq!(shown.parse::<EndpointRule>().unwrap(), rule);
    }
    for text in [
        "",
        "*",
        "*.",
        "*.*.com",
        "a*.com",
        "*.10.0.0.1",
        "10.0.0.0/33",
        "10.0.0.1/8",
        "10.0.0/8",
        "minio:0",
        "minio:65536",
        "minio:",
        "minio:https",
        "https://minio",
        "user:pw@minio",
        "127.1",
        "0x7f000001",
        "minio.corp.",
        "mínio.corp",
    ] {
        let Err(error) = text.parse::<EndpointRule>() else {
            unreachable!("{text:?} was read")
        };
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("endpoints.allow"), "{error}");
    }
}
