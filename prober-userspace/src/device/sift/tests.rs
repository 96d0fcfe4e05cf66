//! What the filter leaves out and keeps, and what is put together.

use super::*;

fn reason(banner: &str) -> Option<Reason> {
    Filter::new(["Acme Networks"]).reason(banner.as_bytes())
}

#[test]
fn what_cannot_tell_a_device_is_left_out() {
    for (banner, expected) in [
        ("220 FTP Server ready.\r\n", Reason::ProtocolOnly),
        ("220 files.example.org FTP server ready.\r\n", Reason::ProtocolOnly),
        ("\r\n(none) login: ", Reason::ProtocolOnly),
        (
            "HTTP/1.0 404 Not Found\r\nConnection: close\r\n\r\n<html><title>404 Not Found</title></html>",
            Reason::ProtocolOnly,
        ),
        ("220 (vsFTPd 3.0.3)\r\n", Reason::Server),
        ("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", Reason::Server),
        ("5.5.39-MariaDB-0ubuntu0.14.04.1", Reason::Server),
        ("220 mx.example.org ESMTP Postfix (Debian/GNU)\r\n", Reason::Mail),
        ("* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n", Reason::Mail),
        ("subject: CN=www.example.org\nissuer: C=US,O=Let's Encrypt,CN=R3\n", Reason::Hosting),
        ("HTTP/1.1 200 OK\r\nServer: Apache\r\n\r\n<title>Plesk default: parked domain</title>", Reason::Hosting),
        (
            "HTTP/1.1 200 OK\r\nDate: Mon, 05 Jan 2026 10:00:00 GMT\r\nServer: nginx/1.18.0 (Ubuntu)\r\n\
             Content-Type: text/html\r\n\r\n<html><head><title>Welcome to nginx!</title></head></html>",
            Reason::WebServer,
        ),
        (
            "HTTP/1.1 302 Found\r\nServer: Microsoft-IIS/10.0\r\nLocation: https://www.example.org/login\r\n\r\n",
            Reason::WebServer,
        ),
    ] {
        assert_eq!(reason(banner), Some(expected), "{banner}");
    }
}

#[test]
fn what_may_tell_a_device_stays() {
    for banner in [
        "220 CAM-9 FTP server ready.\r\n",
        "220 mail.example.org ESMTP Postfix on an Acme box\r\n",
        "subject: CN=Gateway 9,O=Somebody\nissuer: CN=Gateway 9\n",
        "subject: CN=cam.example.org,O=Acme\nissuer: C=US,O=Let's Encrypt,CN=R3\n",
        "HTTP/1.1 200 OK\r\nServer: GoAhead-Webs\r\n\r\n<title>Login</title>",
        "HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n<title>System Manager</title>",
        "HTTP/1.1 200 OK\r\nServer: nginx\r\nSet-Cookie: BoxToken=1\r\n\r\n<title>Login</title>",
        "HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n<title>Login</title><body><img src='/frobnicam.png'></body>",
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"level 15 access\"\r\n\r\n",
        "HTTP/1.1 302 Found\r\nServer: nginx\r\nLocation: /webfig/\r\n\r\n",
        "HTTP/1.1 200 OK\r\nServer: Apache\r\n\r\n<script>location='/x.cgi'</script>",
        "SSH-2.0-dropbear_2013.62\r\n",
        "\u{1}\r\nI20100\r\n 01-07-16\r\n",
        "HP ETHERNET MULTI-ENVIRONMENT",
        "",
    ] {
        assert_eq!(reason(banner), None, "{banner}");
    }
}

fn groups(banners: &[(u32, String)]) -> Vec<(u32, usize)> {
    let mut aggregator = Aggregator::default();
    for (address, banner) in banners {
        aggregator.add(V4(*address), banner.as_bytes());
    }
    group(&aggregator.finish()).iter().map(|group| (group.addresses, group.members.len())).collect()
}

#[test]
fn what_differs_from_device_to_device_is_put_together_and_models_are_not() {
    let banner = |number: u32| {
        let model = if number.is_multiple_of(2) { "C10" } else { "C20" };
        (number, format!("220 {model} FTP server Gateway ready, unit X{number}7, firmware 1.{number}.{}", number % 3))
    };
    let banners: Vec<_> = (0..60).map(banner).collect();
    assert_eq!(groups(&banners), [(30, 30), (30, 30)]);
}

#[test]
fn names_that_owners_give_are_put_together_where_something_else_names_the_device() {
    const OWNERS: [&str; 12] =
        ["attic", "bay", "cellar", "depot", "east", "floor", "gate", "hall", "lobby", "mill", "north", "roof"];
    let named = |text: &str| -> Vec<_> {
        (0..).zip(OWNERS).map(|(number, owner)| (number, text.replace("OWNER", owner))).collect()
    };
    assert_eq!(groups(&named("subject: CN=OWNER,O=Acme Cameras\n")).len(), 1);
    assert_eq!(groups(&named("220 OWNER FTP server ready.")).len(), 12);
    let realm = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"OWNER\"\r\nConnection: close\r\n\r\n";
    assert_eq!(groups(&named(realm)).len(), 12);
}

#[test]
fn an_address_counts_once_in_a_group_and_large_groups_come_first() {
    let two = [
        (1, "220 CAM v1.2 up".to_owned()),
        (1, "220 CAM v1.3 up".to_owned()),
        (2, "220 NVR".to_owned()),
        (3, "220 NVR".to_owned()),
    ];
    assert_eq!(groups(&two), [(2, 1), (1, 2)]);
}

#[test]
fn stages_add_up() {
    let filter = Filter::default();
    let mut sifter = Sifter::new(&filter);
    for (address, banner) in
        [(1, "220 FTP Server ready."), (2, "220 CAM v1.2"), (3, "220 CAM v1.2"), (4, "220 CAM v1.3")]
    {
        sifter.add(V4(address), banner.as_bytes());
    }
    let sifted = sifter.finish();
    let left: Vec<_> = sifted.stages.iter().map(|stage| (stage.took, stage.left)).collect();
    assert_eq!(left, [(4, 3), (3, 2), (2, 1)]);
    assert_eq!(sifted.filtered[&Reason::ProtocolOnly], 1);
    assert!((sifted.reduction() - 0.25).abs() < 1e-9);
}
