//! Writes trace files; one appears under its name only when it is complete.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{TraceError, parquet};
use crate::model::trace::{Role, Trace};
use crate::network::hop::HopCount;

const HEADING: &str =
    "scenario,terminal,network_type,background,cause,hop_count,ttl_seen,port,t_send_s,rtt_ms,reply,silence_known\n";

/// Writes `traces`: as Parquet or gzipped where the name ends so, else as plain CSV; how many probes that were.
pub fn write_traces(path: &Path, traces: &[Trace]) -> Result<u64, TraceError> {
    let ends = |ending: &str| path.extension().is_some_and(|found| found == ending);
    let part = with_ending(path, "part");
    let count = write_csv(&part, traces, ends("gz"))?;
    let failed = |cause: std::io::Error| TraceError::Write { path: path.to_owned(), cause: cause.to_string() };
    if ends("parquet") {
        let columns = with_ending(path, "part2");
        let written = parquet::write(&part, &columns);
        std::fs::remove_file(&part).map_err(failed)?;
        if written.is_err() {
            // Why it failed says more than what is left of it.
            drop(std::fs::remove_file(&columns));
        }
        written?;
        std::fs::rename(&columns, path).map_err(failed)?;
    } else {
        std::fs::rename(&part, path).map_err(failed)?;
    }
    Ok(count)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn write_csv(path: &Path, traces: &[Trace], is_gzip: bool) -> Result<u64, TraceError> {
    let write = || -> std::io::Result<u64> {
        let file = BufWriter::new(File::create(path)?);
        if is_gzip {
            let mut out = GzEncoder::new(file, Compression::default());
            let count = lines(&mut out, traces)?;
            out.finish()?.flush()?;
            return Ok(count);
        }
        let mut out = file;
        let count = lines(&mut out, traces)?;
        out.flush()?;
        Ok(count)
    };
    write().map_err(|error| TraceError::Write { path: path.to_owned(), cause: error.to_string() })
}

fn lines(out: &mut impl Write, traces: &[Trace]) -> std::io::Result<u64> {
    out.write_all(HEADING.as_bytes())?;
    let mut count = 0;
    for trace in traces {
        let network = match trace.role {
            Role::Gateway => "gateway",
            Role::Terminal => trace.access.map_or("", |access| access.name()),
        };
        let background = trace.background.map_or("", |background| if background { "1" } else { "0" });
        let cause = trace.cause.map_or("", |cause| cause.name());
        let silence = u8::from(trace.has_silence);
        let (place, terminal) = (quoted(&trace.place), quoted(&trace.terminal));
        for probe in &trace.probes {
            let hops = probe.ttl.map_or(String::new(), |ttl| HopCount::of(ttl).hops.to_string());
            let ttl = probe.ttl.map_or(String::new(), |ttl| ttl.to_string());
            let rtt = probe.rtt_ms.map_or(String::new(), |rtt| format!("{rtt}"));
            let (port, sent_s, answer) = (probe.port, probe.sent_s, probe.answer);
            writeln!(
                out,
                "{place},{terminal},{network},{background},{cause},{hops},{ttl},{port},{sent_s},{rtt},{answer},{silence}"
            )?;
            count += 1;
        }
    }
    Ok(count)
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
