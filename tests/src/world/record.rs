//! What the world did, answer by answer: the truth that a prober's rows are compared with.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    net::Ipv4Addr,
    path::Path,
};

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// When the probe arrived: `CLOCK_MONOTONIC` ns, read in XDP.
    pub arrival_ns: u64,
    /// When the answer left: the same clock, read immediately before the system call that sends it.
    pub answer_ns: u64,
    /// The probed address.
    pub target: Ipv4Addr,
    /// Who answered: `target`, or a router.
    pub responder: Ipv4Addr,
    /// TCP: the probe's sequence number. ICMP echo: identifier and sequence number. UDP: 0.
    pub token: u32,
    /// The probed port; 0 for ICMP echo.
    pub port: u16,
    /// The probe's source port; 0 for ICMP echo.
    pub source_port: u16,
    /// The number of the `ReplyKind` in `prober_common::event`.
    pub kind: u8,
    /// The number of the `ProbeKind`.
    pub probe: u8,
    /// TTL of the answer.
    pub ttl: u8,
    /// How many copies went before this one: 0 for the first.
    pub copy: u8,
}

impl Record {
    /// Bytes of a record in the file.
    pub const LEN: usize = 36;

    /// The delay of the world alone, in ns: what the prober's RTT should be.
    pub fn delay_ns(&self) -> u64 {
        self.answer_ns.saturating_sub(self.arrival_ns)
    }

    fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&self.arrival_ns.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.answer_ns.to_le_bytes());
        bytes[16..20].copy_from_slice(&u32::from(self.target).to_le_bytes());
        bytes[20..24].copy_from_slice(&u32::from(self.responder).to_le_bytes());
        bytes[24..28].copy_from_slice(&self.token.to_le_bytes());
        bytes[28..30].copy_from_slice(&self.port.to_le_bytes());
        bytes[30..32].copy_from_slice(&self.source_port.to_le_bytes());
        bytes[32..].copy_from_slice(&[self.kind, self.probe, self.ttl, self.copy]);
        bytes
    }

    fn decode(bytes: &[u8; Self::LEN]) -> Self {
        let long = |at: usize| u64::from_le_bytes(*bytes[at..].first_chunk().expect("inside the record"));
        let word = |at: usize| u32::from_le_bytes(*bytes[at..].first_chunk().expect("inside the record"));
        let half = |at: usize| u16::from_le_bytes(*bytes[at..].first_chunk().expect("inside the record"));
        Self {
            arrival_ns: long(0),
            answer_ns: long(8),
            target: word(16).into(),
            responder: word(20).into(),
            token: word(24),
            port: half(28),
            source_port: half(30),
            kind: bytes[32],
            probe: bytes[33],
            ttl: bytes[34],
            copy: bytes[35],
        }
    }
}

/// Writes records into a file.
pub struct Recorder {
    file: BufWriter<File>,
}

impl Recorder {
    /// Makes the file, or empties it.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(1 << 20, File::create(path)?) })
    }

    /// Adds a record.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        self.file.write_all(&record.encode())
    }

    /// Writes out what is buffered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Reads all records of a file.
pub fn read_all(path: &Path) -> io::Result<Vec<Record>> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut records = Vec::new();
    let mut bytes = [0; Record::LEN];
    while !file.fill_buf()?.is_empty() {
        file.read_exact(&mut bytes)?;
        records.push(Record::decode(&bytes));
    }
    Ok(records)
}

/// Writes the records of a file as CSV, with addresses as numbers, as `DuckDB` reads it with `read_csv`.
pub fn to_csv(path: &Path, out: impl Write) -> io::Result<u64> {
    let mut out = BufWriter::new(out);
    writeln!(out, "arrival_ns,answer_ns,target,responder,token,port,source_port,kind,probe,ttl,copy")?;
    let records = read_all(path)?;
    for r in &records {
        let (target, responder) = (u32::from(r.target), u32::from(r.responder));
        write!(out, "{},{},{target},{responder},{},{},", r.arrival_ns, r.answer_ns, r.token, r.port)?;
        writeln!(out, "{},{},{},{},{}", r.source_port, r.kind, r.probe, r.ttl, r.copy)?;
    }
    out.flush()?;
    Ok(records.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_the_file() {
        let record = Record {
            arrival_ns: 1 << 40,
            answer_ns: (1 << 40) + 5,
            target: Ipv4Addr::new(20, 1, 2, 3),
            responder: Ipv4Addr::new(20, 1, 2, 255),
            token: 0xdead_beef,
            port: 443,
            source_port: 40_001,
            kind: 4,
            probe: 1,
            ttl: 57,
            copy: 2,
        };
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("records");
        let mut recorder = Recorder::create(&path).unwrap();
        recorder.write(&record).unwrap();
        recorder.write(&Record { copy: 3, ..record }).unwrap();
        recorder.flush().unwrap();
        assert_eq!(read_all(&path).unwrap(), vec![record, Record { copy: 3, ..record }]);
        let mut csv = Vec::new();
        assert_eq!(to_csv(&path, &mut csv).unwrap(), 2);
        assert_eq!(String::from_utf8(csv).unwrap().lines().count(), 3);
    }
}
