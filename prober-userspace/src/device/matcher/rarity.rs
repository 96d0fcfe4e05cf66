//! How often four bytes in a row are to be expected in banners. Learnt from the database itself: from its examples,
//! its patterns, and a few words that every protocol says all the time.

use std::collections::HashMap;

use super::Database;
use crate::device::literal::LITERAL_BYTES_MIN;

/// What banners say whatever device they come from; each counts as much as hundreds of examples.
const EVERYDAY: &str = "\
http/1.0 200 ok\r\nhttp/1.1 200 ok\r\nhttp/1.1 401 unauthorized\r\nhttp/1.1 404 not found\r\nhttp/1.1 302 found\r\n\
http/1.1 301 moved permanently\r\nhttp/1.1 403 forbidden\r\nhttp/1.1 400 bad request\r\nhttp/1.0 401 unauthorized\r\n\
date: mon, tue, wed, thu, fri, sat, sun, jan feb mar apr may jun jul aug sep oct nov dec gmt\r\nserver: apache/2\r\n\
server: nginx/1. ubuntu debian centos openssl/1 microsoft-iis/10.0\r\ncontent-type: text/html; charset=utf-8\r\n\
content-type: text/html; charset=iso-8859-1\r\ncontent-length: 100\r\nconnection: close\r\nconnection: keep-alive\r\n\
accept-ranges: bytes\r\nlast-modified: etag: \"\r\nexpires: 0\r\nexpires: thu, 01 jan 1970 00:00:00 gmt\r\n\
cache-control: no-cache, no-store, must-revalidate, max-age=0, private\r\npragma: no-cache\r\nvary: accept-encoding\r\n\
x-frame-options: sameorigin\r\nx-content-type-options: nosniff\r\nx-xss-protection: 1; mode=block\r\n\
strict-transport-security: max-age=31536000\r\ntransfer-encoding: chunked\r\nlocation: http:// https:// /login.html\r\n\
set-cookie: session=; path=/; httponly; secure; samesite\r\nwww-authenticate: basic realm=\"\r\n\
www-authenticate: digest realm=\", nonce=\", qop=\"auth\", algorithm=md5\r\nx-powered-by: php/\r\n\
<!doctype html public \"-//w3c//dtd xhtml 1.0 transitional//en\" \"http://www.w3.org/tr/xhtml1/dtd/\">\r\n\
<!doctype html>\n<html lang=\"en\"><head><meta http-equiv=\"content-type\" content=\"text/html; charset=utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>login</title><title>welcome</title>\
<link rel=\"stylesheet\" type=\"text/css\" href=\"style.css\"><script type=\"text/javascript\" src=\"/js/jquery.js\">\
</script></head>\n<body bgcolor=\"#ffffff\"><h1>not found</h1><form method=\"post\" action=\"index.html\"><table>\
<tr><td></td></tr></table></form></body>\n</html>\n\
220 ftp server ready.\r\n220 welcome to ftp service (version esmtp postfix\r\n530 login incorrect\r\nssh-2.0-openssh_\
ssh-1.99- user name: username: password: login: \r\n rtsp/1.0 200 ok\r\ncseq: 1\r\npublic: options, describe, setup, \
play, teardown\r\nsip/2.0 200 ok\r\nvia: sip/2.0/udp from: to: call-id: user-agent: allow: invite, ack, cancel, bye\r\n\
linux version embedded software firmware network device system control server manager interface ethernet \
cn= ou= o= l= st= c=us subject: issuer: certificate inc. ltd. corporation technologies systems\r\n";

/// What one occurrence in [`EVERYDAY`] counts.
const EVERYDAY_COUNT: u32 = 500;

/// What four bytes over the end of a line count at least: any header may follow any other.
const LINE_END_COUNT: u32 = 400;

/// Counts of four folded bytes in a row.
pub(super) struct Rarity(HashMap<u32, u32>);

impl Rarity {
    pub(super) fn of(database: &Database) -> Self {
        let mut counts = HashMap::new();
        for device in database.devices() {
            for example in &device.examples {
                count(example.as_bytes(), 4, &mut counts);
            }
        }
        for pattern in database.patterns() {
            let text: Vec<u8> = pattern.bytes().filter(|byte| *byte != b'\\').collect();
            count(&text, 1, &mut counts);
        }
        count(EVERYDAY.as_bytes(), EVERYDAY_COUNT, &mut counts);
        Self(counts)
    }

    /// How often a folded literal is to be expected: as often as its rarest four bytes.
    pub(super) fn cost(&self, literal: &[u8]) -> u64 {
        literal.windows(LITERAL_BYTES_MIN).map(|window| self.count(window)).min().unwrap_or(u64::MAX / 1024)
    }

    /// Where the rarest four bytes of a folded literal begin.
    pub(super) fn rarest(&self, literal: &[u8]) -> usize {
        let windows = literal.windows(LITERAL_BYTES_MIN).enumerate();
        windows.min_by_key(|(_, window)| self.count(window)).map_or(0, |(place, _)| place)
    }

    fn count(&self, window: &[u8]) -> u64 {
        let counted = number(window).and_then(|window| self.0.get(&window)).copied().unwrap_or(0);
        let ends_line = window.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
        u64::from(if ends_line { counted.max(LINE_END_COUNT) } else { counted })
    }
}

fn count(text: &[u8], times: u32, counts: &mut HashMap<u32, u32>) {
    for window in text.to_ascii_lowercase().windows(LITERAL_BYTES_MIN) {
        let Some(window) = number(window) else { continue };
        let sum = counts.entry(window).or_default();
        *sum = sum.saturating_add(times);
    }
}

/// Four bytes as the prefilter reads them.
pub(super) fn number(window: &[u8]) -> Option<u32> {
    window.try_into().ok().map(u32::from_le_bytes)
}
