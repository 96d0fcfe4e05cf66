//! The fields of an X.509 certificate (RFC 5280) that tell what device it is on. No trust decision, no signature check:
//! a certificate that nobody should trust is still a banner.

use std::fmt::Write;
use std::net::Ipv4Addr;

use ring::digest::{SHA256, digest};

use super::der::{BIT_STRING, Elements, INTEGER, OBJECT, OCTET_STRING, SEQUENCE, SET, element, object_name};
use crate::model::banner::readable;

/// Largest certificate that is read.
pub const CERTIFICATE_BYTES: usize = 64 << 10;
/// Most names, and most characters of each.
const NAMES: usize = 64;
const NAME_BYTES: usize = 256;

/// The fields in lines, as far as they can be read, and whether all could.
pub fn describe(certificate: &[u8]) -> (String, bool) {
    let mut text = String::new();
    let whole = certificate.len() <= CERTIFICATE_BYTES && fields(certificate, &mut text).is_some();
    let _ = writeln!(text, "fingerprint: sha256:{}", hex(digest(&SHA256, certificate).as_ref()));
    (text, whole)
}

fn fields(certificate: &[u8], text: &mut String) -> Option<()> {
    let (outer, _) = element(certificate).filter(|(element, _)| element.tag == SEQUENCE)?;
    let signed = Elements(outer.body).body(SEQUENCE)?;
    let mut fields = Elements(signed);
    // The version is optional.
    let mut ahead = fields.clone();
    if ahead.next()?.tag == 0xa0 {
        fields = ahead;
    }
    let serial = fields.body(INTEGER)?;
    let algorithm = Elements(fields.body(SEQUENCE)?).body(OBJECT)?;
    let issuer = fields.body(SEQUENCE)?;
    let validity = fields.body(SEQUENCE)?;
    let subject = fields.body(SEQUENCE)?;
    let _ = writeln!(text, "subject: {}", name(subject));
    let _ = writeln!(text, "issuer: {}", name(issuer));
    let key = fields.body(SEQUENCE)?;
    let extensions = fields.find(|element| element.tag == 0xa3);
    let alternatives = extensions.map(|extensions| alternatives(extensions.body)).unwrap_or_default();
    if !alternatives.is_empty() {
        let _ = writeln!(text, "san: {}", alternatives.join(", "));
    }
    let _ = writeln!(text, "serial: {}", hex(&serial[..serial.len().min(32)]));
    let mut times = Elements(validity).map(|moment| time(moment.tag, moment.body));
    let _ = writeln!(text, "not_before: {}", times.next()?);
    let _ = writeln!(text, "not_after: {}", times.next()?);
    let _ = writeln!(text, "key: {}", public_key(key)?);
    let _ = writeln!(text, "signature: {}", algorithm_name(&object_name(algorithm)));
    let _ = writeln!(text, "self_issued: {}", if subject == issuer { "yes" } else { "no" });
    Some(())
}

/// A distinguished name in the order of the certificate: `CN=x, O=y`.
fn name(body: &[u8]) -> String {
    let parts = Elements(body).filter(|set| set.tag == SET).flat_map(|set| Elements(set.body)).take(NAMES);
    let parts = parts.filter_map(|pair| {
        let mut pair = Elements(pair.body);
        let kind = object_name(pair.body(OBJECT)?);
        let value = pair.next()?;
        let value = match value.tag {
            // BMPString: UTF-16 in network order.
            0x1e => utf16(value.body),
            _ => one_line(&readable(&value.body[..value.body.len().min(NAME_BYTES)])),
        };
        let kind = match kind.as_str() {
            "2.5.4.3" => "CN",
            "2.5.4.5" => "serialNumber",
            "2.5.4.6" => "C",
            "2.5.4.7" => "L",
            "2.5.4.8" => "ST",
            "2.5.4.9" => "street",
            "2.5.4.10" => "O",
            "2.5.4.11" => "OU",
            "2.5.4.12" => "title",
            "0.9.2342.19200300.100.1.25" => "DC",
            "0.9.2342.19200300.100.1.1" => "UID",
            "1.2.840.113549.1.9.1" => "emailAddress",
            other => other,
        };
        Some(format!("{kind}={value}"))
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn utf16(body: &[u8]) -> String {
    let units = body.as_chunks().0.iter().take(NAME_BYTES / 2).map(|unit| u16::from_be_bytes(*unit));
    one_line(&char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect::<String>())
}

/// A value must not look like another line.
fn one_line(value: &str) -> String {
    value.chars().map(|one| if one.is_control() { ' ' } else { one }).collect()
}

/// Subject alternative names (RFC 5280, 4.2.1.6): DNS names, addresses, mail addresses and URIs.
fn alternatives(extensions: &[u8]) -> Vec<String> {
    const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
    let all = Elements(extensions).flat_map(|all| Elements(all.body));
    let found = all.filter_map(|extension| {
        let mut parts = Elements(extension.body);
        (parts.body(OBJECT)? == ALTERNATIVE_NAME).then(|| parts.find(|part| part.tag == OCTET_STRING))?
    });
    let Some(names) = found.into_iter().next().and_then(|value| element(value.body)) else { return Vec::new() };
    let names = Elements(names.0.body).filter_map(|name| match (name.tag, name.body) {
        (0x81 | 0x82 | 0x86, text) => Some(one_line(&readable(&text[..text.len().min(NAME_BYTES)]))),
        (0x87, &[a, b, c, d]) => Some(Ipv4Addr::new(a, b, c, d).to_string()),
        (0x87, other) => Some(hex(&other[..other.len().min(16)])),
        _ => None,
    });
    names.take(NAMES).collect()
}

/// `UTCTime` (two digits of the year) or `GeneralizedTime` as ISO 8601; as it stands if it is neither.
fn time(tag: u8, body: &[u8]) -> String {
    let text = one_line(&readable(&body[..body.len().min(32)]));
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let full = match (tag, digits) {
        // RFC 5280, 4.1.2.5.1: from 50 on it is the twentieth century.
        (0x17, 10 | 12) => format!("{}{text}", if &text[..2] < "50" { "20" } else { "19" }),
        (0x18, 14) => text.clone(),
        _ => return text,
    };
    let part =
        |from: usize| full.get(from..from + 2).filter(|part| part.bytes().all(|b| b.is_ascii_digit())).unwrap_or("00");
    format!("{}-{}-{}T{}:{}:{}Z", &full[..4], part(4), part(6), part(8), part(10), part(12))
}

/// Kind and size of the key, from its `SubjectPublicKeyInfo`.
fn public_key(body: &[u8]) -> Option<String> {
    let mut parts = Elements(body);
    let mut algorithm = Elements(parts.body(SEQUENCE)?);
    let kind = object_name(algorithm.body(OBJECT)?);
    let bits = parts.body(BIT_STRING)?;
    Some(match kind.as_str() {
        "1.2.840.113549.1.1.1" => {
            let modulus = element(bits.get(1..)?).and_then(|(key, _)| Elements(key.body).body(INTEGER));
            let modulus = modulus.map(|number| if let [0, rest @ ..] = number { rest } else { number });
            format!("RSA {}", modulus.map_or(0, |number| number.len() * 8))
        }
        "1.2.840.10045.2.1" => match algorithm.body(OBJECT).map(object_name).as_deref() {
            Some("1.2.840.10045.3.1.7") => "EC P-256".into(),
            Some("1.3.132.0.34") => "EC P-384".into(),
            Some("1.3.132.0.35") => "EC P-521".into(),
            other => format!("EC {}", other.unwrap_or("unnamed")),
        },
        "1.3.101.112" => "Ed25519".into(),
        "1.2.840.10040.4.1" => "DSA".into(),
        other => other.to_owned(),
    })
}

fn algorithm_name(object: &str) -> &str {
    match object {
        "1.2.840.113549.1.1.4" => "md5WithRSA",
        "1.2.840.113549.1.1.5" => "sha1WithRSA",
        "1.2.840.113549.1.1.11" => "sha256WithRSA",
        "1.2.840.113549.1.1.12" => "sha384WithRSA",
        "1.2.840.113549.1.1.13" => "sha512WithRSA",
        "1.2.840.10045.4.3.2" => "ecdsaWithSHA256",
        "1.2.840.10045.4.3.3" => "ecdsaWithSHA384",
        "1.3.101.112" => "Ed25519",
        other => other,
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An element with a short or long length.
    fn tagged(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
        let body = parts.concat();
        let length = body.len();
        let mut whole =
            if length < 128 { vec![tag, length as u8] } else { vec![tag, 0x82, (length >> 8) as u8, length as u8] };
        whole.extend(body);
        whole
    }

    fn raw(tag: u8, body: &[u8]) -> Vec<u8> {
        tagged(tag, &[body.to_vec()])
    }

    fn attribute(object: &[u8], value: &[u8]) -> Vec<u8> {
        tagged(SET, &[tagged(SEQUENCE, &[raw(OBJECT, object), raw(0x0c, value)])])
    }

    /// A certificate of version 3 as devices make them for themselves; the signature is nonsense.
    pub(crate) fn sample() -> Vec<u8> {
        let name =
            tagged(SEQUENCE, &[attribute(&[0x55, 4, 3], b"192.0.2.1"), attribute(&[0x55, 4, 10], b"Example\nCam")]);
        let algorithm = tagged(SEQUENCE, &[raw(OBJECT, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]), raw(5, &[])]);
        let validity = tagged(SEQUENCE, &[raw(0x17, b"200102030405Z"), raw(0x18, b"20500102030405Z")]);
        let modulus = [vec![0, 0x80], vec![1; 255]].concat();
        let rsa = tagged(SEQUENCE, &[raw(INTEGER, &modulus), raw(INTEGER, &[1, 0, 1])]);
        let key = tagged(
            SEQUENCE,
            &[
                tagged(SEQUENCE, &[raw(OBJECT, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]), raw(5, &[])]),
                raw(BIT_STRING, &[vec![0], rsa].concat()),
            ],
        );
        let names = tagged(SEQUENCE, &[raw(0x82, b"cam.local"), raw(0x87, &[192, 0, 2, 1])]);
        let extension = tagged(SEQUENCE, &[raw(OBJECT, &[0x55, 0x1d, 0x11]), raw(OCTET_STRING, &names)]);
        let signed = tagged(
            SEQUENCE,
            &[
                tagged(0xa0, &[raw(INTEGER, &[2])]),
                raw(INTEGER, &[0x0a, 0xff]),
                algorithm.clone(),
                name.clone(),
                validity,
                name,
                key,
                tagged(0xa3, &[tagged(SEQUENCE, &[extension])]),
            ],
        );
        tagged(SEQUENCE, &[signed, algorithm, raw(BIT_STRING, &[0, 1, 2])])
    }

    #[test]
    fn fields_are_told_in_lines() {
        let (text, whole) = describe(&sample());
        assert!(whole);
        let expected = "subject: CN=192.0.2.1, O=Example Cam\nissuer: CN=192.0.2.1, O=Example Cam\n\
                        san: cam.local, 192.0.2.1\nserial: 0aff\nnot_before: 2020-01-02T03:04:05Z\n\
                        not_after: 2050-01-02T03:04:05Z\nkey: RSA 2048\nsignature: sha256WithRSA\nself_issued: yes\n\
                        fingerprint: sha256:";
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn broken_ones_are_told_as_far_as_they_go() {
        let good = sample();
        for cut in 0..good.len() - 1 {
            let (text, whole) = describe(&good[..cut]);
            assert!(!whole && text.contains("fingerprint: sha256:"), "{cut}");
        }
        for at in 0..good.len() {
            let mut bent = good.clone();
            bent[at] ^= 0xff;
            let (text, _) = describe(&bent);
            assert!(text.len() < 64 << 10);
        }
        assert!(!describe(&vec![0x30; CERTIFICATE_BYTES + 1]).1);
    }

    #[test]
    fn times_of_both_forms_and_of_none() {
        assert_eq!(time(0x17, b"991231235959Z"), "1999-12-31T23:59:59Z");
        assert_eq!(time(0x18, b"21000101000000Z"), "2100-01-01T00:00:00Z");
        assert_eq!(time(0x17, b"\xff\xff"), "\\xff\\xff");
    }
}
