//! Lists of (address, port) pairs: `192.0.2.1:80`, `192.0.2.1,80` or `192.0.2.1 80`, with `U:` before a UDP port and
//! `icmp` for an echo request (`192.0.2.1,U:53`, `192.0.2.1 icmp`). One pair per line; comments as in address lists.

use prober_common::address::V4;
use prober_common::slot::ProbeSlot;
use thiserror::Error;

use super::list::{ListError, for_each_line};
use super::ports::{PortError, ProbePort, parse_single};
use super::range::{RangeError, lossy, parse_address};

/// Why a line is not an (address, port) pair.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PairError {
    /// The address is malformed.
    #[error(transparent)]
    Address(#[from] RangeError),
    /// The port is malformed or barred.
    #[error(transparent)]
    Port(#[from] PortError),
    /// No separator.
    #[error("`{0}` has no port: write address and port like 192.0.2.1:80, 192.0.2.1,80 or 192.0.2.1 U:53")]
    NoPort(String),
}

/// All pairs of a list, in its order, repeats included. `file` is only named in the error.
pub fn parse_pair_list(text: &[u8], file: &str) -> Result<Vec<ProbeSlot>, ListError<PairError>> {
    let mut pairs = Vec::new();
    for_each_line(text, |line| {
        pairs.push(parse_pair(line)?);
        Ok(())
    })
    .map_err(|(line, reason)| ListError { file: file.to_owned(), line, reason })?;
    Ok(pairs)
}

/// The probe of `port` to `address`, as the plan hands it out.
pub const fn slot(address: V4, port: ProbePort) -> ProbeSlot {
    ProbeSlot { address, port: port.port, probe: port.kind as u8, template: 0 }
}

fn parse_pair(line: &[u8]) -> Result<ProbeSlot, PairError> {
    let separator = |&b: &u8| b == b':' || b == b',' || b.is_ascii_whitespace();
    let end = line.iter().position(separator).ok_or_else(|| PairError::NoPort(lossy(line)))?;
    let address = parse_address(&line[..end])?;
    let rest = &line[end..];
    let start = rest.iter().position(|b| !separator(b)).ok_or_else(|| PairError::NoPort(lossy(line)))?;
    Ok(slot(address, parse_single(&rest[start..])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_pair() {
        let text =
            b"192.0.2.1:80\n192.0.2.1,80\r\n192.0.2.1 \t80 # web\n192.0.2.2,U:53\n192.0.2.2:U:53\n192.0.2.3, icmp\n";
        let pairs = parse_pair_list(text, "pairs").expect("a good list");
        let shown: Vec<_> = pairs.iter().map(|p| (p.address.0 & 0xff, p.probe, p.port)).collect();
        assert_eq!(shown, [(1, 0, 80), (1, 0, 80), (1, 0, 80), (2, 2, 53), (2, 2, 53), (3, 1, 0)]);
    }

    #[test]
    fn bad_pairs_are_named_with_file_and_line() {
        for (line, part) in [
            ("192.0.2.1", "has no port"),
            ("192.0.2.1:", "has no port"),
            ("192.0.2.1:0", "1 to 65535"),
            ("192.0.2.1:99999", "1 to 65535"),
            ("192.0.2.1:80:90", "1 to 65535"),
            ("192.0.2.1 9100", "printers"),
            ("192.0.2.300:80", "not an IPv4"),
            ("host:80", "not an IPv4"),
        ] {
            let text = format!("# head\n{line}\n");
            let error = parse_pair_list(text.as_bytes(), "p.csv").expect_err(line).to_string();
            assert!(error.starts_with("p.csv:2: ") && error.contains(part), "{error}");
        }
    }
}
