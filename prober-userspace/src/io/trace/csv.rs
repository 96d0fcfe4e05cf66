//! Comma-separated files with a heading (RFC 4180, without line breaks inside of quotes), plain or gzipped.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::line::Collector;
use super::{LineOrder, TraceError};
use crate::model::trace::Trace;

/// Longest line, in bytes.
const LINE_BYTES_MAX: u64 = 1 << 16;

pub(super) fn read(path: &Path, order: LineOrder) -> Result<Vec<Trace>, TraceError> {
    let mut source = open(path)?;
    let failed = |line, what| TraceError::Line { path: path.to_owned(), line, what };
    let (mut text, mut cells, mut collector, mut number) = (Vec::new(), Vec::new(), None, 0);
    loop {
        text.clear();
        number += 1;
        let mut line = source.by_ref().take(LINE_BYTES_MAX);
        let len = line.read_until(b'\n', &mut text).map_err(|error| TraceError::read(path, error))?;
        if len == 0 {
            break;
        }
        if len as u64 == LINE_BYTES_MAX {
            return Err(failed(number, format!("longer than {LINE_BYTES_MAX} bytes; is it a CSV file?")));
        }
        let line = std::str::from_utf8(&text).map_err(|_| failed(number, "it is not text".to_owned()))?;
        let line = line.trim_end_matches(['\r', '\n']).trim_start_matches('\u{feff}');
        if line.is_empty() {
            continue;
        }
        split(line, &mut cells);
        match &mut collector {
            None => collector = Some(Collector::new(&cells, order).map_err(|what| failed(number, what))?),
            Some(collector) => collector.add(&cells).map_err(|what| failed(number, what))?,
        }
    }
    collector.map(Collector::finish).ok_or_else(|| TraceError::Empty { path: path.to_owned() })
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, TraceError> {
    let read: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(|error| TraceError::read(path, error))?)
    };
    let mut source = BufReader::with_capacity(1 << 16, read);
    let is_gzip = source.fill_buf().map_err(|error| TraceError::read(path, error))?.starts_with(&[0x1f, 0x8b]);
    Ok(if is_gzip { Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(source))) } else { Box::new(source) })
}

/// Cells of a line; quotes around a cell are taken away, doubled ones inside of it are one.
fn split(line: &str, cells: &mut Vec<String>) {
    cells.clear();
    let (mut cell, mut quoted) = (String::new(), false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    cells.push(cell);
}
