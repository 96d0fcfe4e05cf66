//! Banners made up for measurements and tests, from a seed: those of the database's examples and of ordinary servers, with
//! dates, tags, lengths and serial numbers of their own. Models are as frequent as Zipf's law has them.

use std::fmt::Write;

use super::database::Database;
use super::http_date::http_date;
use crate::target::splitmix::{mix, nth};

/// Makes banners; the same seed and database make the same ones.
#[derive(Clone, Debug)]
pub struct BannerGenerator<'a> {
    database: &'a Database,
    /// Devices with examples.
    devices: Vec<usize>,
    /// Sums of 1/rank, for Zipf's law.
    sums: Vec<f64>,
    state: u64,
}

/// Ordinary servers, that no device should be seen in.
const SERVERS: [&str; 16] = [
    "Apache",
    "Apache/2.4.57 (Debian)",
    "Apache/2.4.41 (Ubuntu) OpenSSL/1.1.1f PHP/7.4.3",
    "nginx",
    "nginx/1.18.0 (Ubuntu)",
    "nginx/1.22.1",
    "Microsoft-IIS/10.0",
    "Microsoft-HTTPAPI/2.0",
    "LiteSpeed",
    "openresty/1.21.4.1",
    "lighttpd/1.4.69",
    "Caddy",
    "gunicorn/20.1.0",
    "Jetty(9.4.48.v20220622)",
    "cloudfront",
    "Kestrel",
];

const STATUSES: [&str; 6] =
    ["200 OK", "301 Moved Permanently", "302 Found", "401 Unauthorized", "403 Forbidden", "404 Not Found"];

const TITLES: [&str; 10] = [
    "Welcome to nginx!",
    "Apache2 Debian Default Page: It works",
    "IIS Windows Server",
    "Login",
    "404 Not Found",
    "Index of /",
    "Sign in",
    "Dashboard",
    "Home",
    "Site under construction",
];

impl<'a> BannerGenerator<'a> {
    /// From the examples of `database`, which must have some.
    pub fn new(database: &'a Database, seed: u64) -> Self {
        let mut devices: Vec<usize> =
            (0..database.devices().len()).filter(|device| !database.devices()[*device].examples.is_empty()).collect();
        // Ranks that do not follow the alphabet.
        devices.sort_by_key(|device| nth(seed, *device as u64));
        let mut sum = 0.0;
        let sums = (1..=devices.len())
            .map(|rank| {
                sum += 1.0 / rank as f64;
                sum
            })
            .collect();
        Self { database, devices, sums, state: mix(seed) }
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.state = mix(self.state.wrapping_add(0x9e37_79b9_7f4a_7c15));
        if end == 0 { 0 } else { self.state % end }
    }

    /// A device by Zipf's law: its place in the database. `None` without examples.
    pub fn device(&mut self) -> Option<usize> {
        let whole = *self.sums.last()?;
        let drawn = self.below(1 << 52) as f64 / (1u64 << 52) as f64 * whole;
        let rank = self.sums.partition_point(|sum| *sum <= drawn).min(self.devices.len() - 1);
        Some(self.devices[rank])
    }

    /// A banner of a device: one of its examples, within headers and a page of its own if it is a web page or a bare line.
    pub fn of_device(&mut self, device: usize) -> Vec<u8> {
        let examples = &self.database.devices()[device].examples;
        let example = examples.get(self.below(examples.len() as u64) as usize).map_or("", String::as_str);
        match example.split_once("\r\n") {
            Some((status, rest)) if status.starts_with("HTTP/") => {
                let mut text = format!("{status}\r\nDate: {}\r\n", self.date());
                if self.below(2) == 0 {
                    let _ = write!(text, "ETag: \"{}\"\r\nLast-Modified: {}\r\n", self.hex(16), self.date());
                }
                text.push_str(rest);
                text.into_bytes()
            }
            _ => {
                let mut text = example.trim_end().to_owned();
                match self.below(3) {
                    0 => text.push_str("\r\n"),
                    1 => {
                        let _ =
                            write!(text, "\r\nSerial Number: {}\r\nuptime: {}\r\n", self.hex(12), self.below(1 << 30));
                    }
                    _ => {
                        let _ = write!(text, "\r\n211-Status at {}\r\n", self.date());
                    }
                }
                text.into_bytes()
            }
        }
    }

    /// A page of an ordinary web server, 200 to 500 bytes.
    pub fn of_server(&mut self) -> Vec<u8> {
        let status = STATUSES[self.below(6) as usize];
        let server = SERVERS[self.below(16) as usize];
        let mut text = format!("HTTP/1.{} {status}\r\nDate: {}\r\nServer: {server}\r\n", self.below(2), self.date());
        if self.below(2) == 0 {
            let _ = write!(text, "ETag: \"{}\"\r\nLast-Modified: {}\r\n", self.hex(16), self.date());
        }
        if self.below(3) == 0 {
            let _ = write!(text, "Set-Cookie: PHPSESSID={}; path=/; HttpOnly\r\n", self.hex(26));
        }
        let _ = write!(
            text,
            "Content-Type: text/html; charset=UTF-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.below(60_000)
        );
        let title = TITLES[self.below(10) as usize];
        // Every tenth page is one of a kind.
        let own = if self.below(10) == 0 { format!(" {}", self.below(1_000_000)) } else { String::new() };
        let _ = write!(text, "<!DOCTYPE html><html><head><title>{title}{own}</title></head><body>{}", self.hex(24));
        text.push_str("</body></html>\r\n");
        text.into_bytes()
    }

    /// A banner that differs from all others, 200 to 500 bytes: half of them of devices, half of ordinary servers.
    pub fn distinct(&mut self) -> Vec<u8> {
        let mut text = match self.below(2) {
            0 => self.device().map_or_else(Vec::new, |device| self.of_device(device)),
            _ => self.of_server(),
        };
        let len = 200 + self.below(301) as usize;
        text.truncate(500);
        while text.len() < len {
            let more = format!("<p>{} {} {}</p>\n", TITLES[self.below(10) as usize], self.hex(8), self.below(1 << 40));
            text.extend_from_slice(more.as_bytes());
        }
        text.truncate(500);
        text
    }

    /// Bytes that try a matcher: pieces of patterns and examples, cut, joined, with letters turned to the other case and
    /// bytes changed.
    pub fn hostile(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        for _ in 0..=self.below(4) {
            let patterns = self.database.patterns();
            let piece = match self.below(3) {
                0 if !patterns.is_empty() => {
                    patterns[self.below(patterns.len() as u64) as usize].replace('\\', "").into_bytes()
                }
                1 => self.of_server(),
                _ => self.device().map_or_else(Vec::new, |device| self.of_device(device)),
            };
            let begin = self.below(1 + piece.len() as u64 / 4) as usize;
            let end = piece.len() - self.below(1 + piece.len() as u64 / 4) as usize;
            text.extend_from_slice(&piece[begin.min(end)..end]);
        }
        for _ in 0..self.below(4) {
            let at = self.below(text.len() as u64 + 1) as usize;
            match (self.below(4), text.get_mut(at)) {
                (0, Some(byte)) => *byte = self.below(256) as u8,
                (1, Some(byte)) => *byte ^= 0x20,
                (2, Some(_)) => {
                    text.remove(at);
                }
                _ => text.insert(at, b" \r\n_-\0\xffA"[self.below(8) as usize]),
            }
        }
        text
    }

    fn date(&mut self) -> String {
        http_date(2020, 7, |most| self.below(most))
    }

    /// At least one digit and one letter.
    fn hex(&mut self, digits: usize) -> String {
        let mut text = "7e".to_owned();
        while text.len() < digits {
            let _ = write!(text, "{:x}", self.below(16));
        }
        text
    }
}
