//! What is replaced, what is not, and that doing it twice is doing it once.

use proptest::prelude::*;

use super::*;
use crate::target::properties::config;

fn normalised(text: &str) -> String {
    String::from_utf8(normalise(text.as_bytes())).unwrap()
}

#[test]
fn volatile_values_are_replaced() {
    for (text, expected) in [
        ("Date: Mon, 05 Jan 2026 10:00:00 GMT\r\nServer: x", "Date: <value>\r\nServer: x"),
        ("ETag: \"29cd-60d1\"\nlast-modified:x\n", "ETag: <value>\nlast-modified:<value>\n"),
        ("Content-Length: 10701\r\n\r\n", "Content-Length: <value>\r\n\r\n"),
        ("Set-Cookie: SID=7e8a9b0c1d; path=/", "Set-Cookie: SID=<value>; path=/"),
        ("Set-Cookie: language=en; path=/", "Set-Cookie: language=en; path=/"),
        ("realm=\"CAM-1\", nonce=\"ab12\", qop=\"auth\"", "realm=\"CAM-1\", nonce=\"<value>\", qop=\"auth\""),
        ("id 123e4567-e89b-12d3-a456-426614174000.", "id <uuid>."),
        ("mac 00:40:8C:12:34:56,", "mac 00:40:8C:<mac>,"),
        ("AXIS_00408C123456", "AXIS_00408C<hex>"),
        ("at 203.0.113.77:80", "at <ip>:80"),
        ("[::ffff:192.168.1.2]", "[::ffff:<ip>]"),
        ("Mon Jan  5 10:00:00 2026 up 1:02:03", "<date> up <time>"),
        ("2026-01-05T10:00:00.123Z x", "<date> x"),
        ("fingerprint AB:CD:EF:01:23:45:67:89:AB:CD x", "fingerprint <hex> x"),
        ("serial: 4711\nsha256: abc", "serial: <value>\nsha256: <value>"),
        ("id=k7Qz93bXw01LmT5pRv8Yc2Nd tail", "id=<token> tail"),
        ("HW 1; Serial Number: X12; FW", "HW 1; Serial Number: <value>; FW"),
    ] {
        assert_eq!(normalised(text), expected);
    }
}

#[test]
fn what_a_keyword_can_be_about_stays() {
    for text in [
        "220 AXIS P1344 Network Camera 5.40.17 (Jan 01 2020) ready.\r\n",
        "Firmware 1.0.0.14 V5.5.0 build 170725",
        "Firmware version 10.12.33.44",
        "Server: Boa/0.94.14rc21",
        "Server: product/192.168.10.20",
        "3C16980A DCS-930L WRT54G 20200101",
        "Monday and Sunday, deadbeef facade",
        "PolycomRealPresenceGroup700 2500EnterpriseVideoRecorder",
        "updated 2026-01-05",
        "1.2.3.4.5 v10.20.30.40x",
    ] {
        assert_eq!(normalised(text), text);
    }
}

#[test]
fn twice_is_once() {
    let pieces = proptest::sample::select(vec![
        "Date: ",
        "Set-Cookie: ",
        "a=",
        "nonce=\"",
        "\"",
        "\r\n",
        "\n",
        " ",
        ";",
        ":",
        "=",
        "<value>",
        "<hex>",
        "Mon, 05 Jan 2026 10:00:00",
        " GMT",
        "10:00:00",
        "1:02:03",
        "00:40:8C:12:34:56",
        "-",
        "_",
        ".",
        "0123456789ab",
        "deadbeef01",
        "12",
        "192.168.1.2",
        "203.0.113.77",
        "serial",
        "sn",
        "Serial Number",
        "2026-01-05T10:00:00Z",
        "123e4567-e89b-12d3-a456-426614174000",
        "x",
        "ff",
        "9",
        "/",
        "version ",
    ]);
    let random = proptest::collection::vec(any::<u8>(), 0..12);
    let piece = prop_oneof![4 => pieces.prop_map(|piece| piece.as_bytes().to_vec()), 1 => random];
    let texts = proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    let mut runner = proptest::test_runner::TestRunner::new(config(50_000));
    runner
        .run(&texts, |text| {
            let once = normalise(&text);
            let twice = normalise(&once);
            prop_assert_eq!(
                String::from_utf8_lossy(&twice),
                String::from_utf8_lossy(&once),
                "from {}",
                String::from_utf8_lossy(&text)
            );
            Ok(())
        })
        .unwrap();
}
