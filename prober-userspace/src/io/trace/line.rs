//! The lines of a trace file, whatever kind of file it is, collected into traces.

use std::collections::HashMap;

use super::LineOrder;
use crate::model::trace::{Answer, RTT_MS_MAX, Role, Trace, TraceProbe};

/// Most probes of a file.
const PROBES_MAX: u64 = 50_000_000;
/// Longest series of one terminal, in seconds: ten years. What is longer is a wrong unit or a mixed-up clock.
const SERIES_S_MAX: f64 = 10.0 * 366.0 * 86_400.0;
/// So much earlier than a line before it may a probe of the same terminal be, in seconds: who writes lines as replies come in
/// puts them no further out of order.
const DISORDER_S_MAX: f64 = 1.0;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Terminal,
    Sent,
    Rtt,
    Place,
    Condition,
    Network,
    Background,
    Cause,
    Ttl,
    Hops,
    Port,
    Reply,
    Lost,
    Silence,
}

impl Column {
    const ALL: [Self; 14] = [
        Self::Terminal,
        Self::Sent,
        Self::Rtt,
        Self::Place,
        Self::Condition,
        Self::Network,
        Self::Background,
        Self::Cause,
        Self::Ttl,
        Self::Hops,
        Self::Port,
        Self::Reply,
        Self::Lost,
        Self::Silence,
    ];

    /// Its name, then others that it may have.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Terminal => &["terminal"],
            Self::Sent => &["t_send_s", "t_s"],
            Self::Rtt => &["rtt_ms"],
            Self::Place => &["scenario", "place", "dataset"],
            Self::Condition => &["condition"],
            Self::Network => &["network_type", "access"],
            Self::Background => &["background"],
            Self::Cause => &["cause"],
            Self::Ttl => &["ttl_seen", "ttl"],
            Self::Hops => &["hop_count"],
            Self::Port => &["port"],
            Self::Reply => &["reply"],
            Self::Lost => &["lost"],
            Self::Silence => &["silence_known"],
        }
    }
}

/// Traces in the making.
pub(super) struct Collector {
    /// Where each column is.
    places: [Option<usize>; Column::ALL.len()],
    /// How many cells a line has.
    cells: usize,
    order: LineOrder,
    traces: Vec<Trace>,
    /// Latest time of each trace.
    latest_s: Vec<f64>,
    index: HashMap<(String, String), usize>,
    lines: u64,
}

impl Collector {
    /// For a file with this heading; what is wrong with it otherwise.
    pub(super) fn new(heading: &[String], order: LineOrder) -> Result<Self, String> {
        let find = |column: Column| {
            let names = column.names();
            names.iter().find_map(|name| heading.iter().position(|found| found.trim().eq_ignore_ascii_case(name)))
        };
        let places = Column::ALL.map(find);
        for column in [Column::Terminal, Column::Sent, Column::Rtt] {
            if places[column as usize].is_none() {
                let found = heading.join(", ");
                return Err(format!("there is no column `{}` (found: {found})", column.names()[0]));
            }
        }
        for (place, name) in heading.iter().enumerate() {
            let is_twice = heading[..place].iter().any(|other| other.trim().eq_ignore_ascii_case(name.trim()));
            if is_twice && !name.trim().is_empty() {
                return Err(format!("the column `{}` is there twice", name.trim()));
            }
        }
        Ok(Self {
            places,
            cells: heading.len(),
            order,
            traces: Vec::new(),
            latest_s: Vec::new(),
            index: HashMap::new(),
            lines: 0,
        })
    }

    /// Takes in a line; what is wrong with it otherwise.
    pub(super) fn add(&mut self, cells: &[String]) -> Result<(), String> {
        self.lines += 1;
        if self.lines > PROBES_MAX {
            return Err(format!("more than {PROBES_MAX} probes; split the file"));
        }
        if cells.len() != self.cells {
            let (found, wanted) = (cells.len(), self.cells);
            return Err(format!("it has {found} columns, the heading has {wanted}; is the line cut off?"));
        }
        let places = self.places;
        let cell =
            |column: Column| places[column as usize].and_then(|place| cells.get(place)).map_or("", |cell| cell.trim());
        if cell(Column::Terminal).is_empty() {
            return Err("`terminal` is empty".to_owned());
        }
        let probe = probe(cell, self.lines)?;
        let (place, order) = (self.trace(cell)?, self.order);
        let (trace, latest_s) = (&mut self.traces[place], &mut self.latest_s[place]);
        let first_s = trace.probes.first().map_or(probe.sent_s, |first| first.sent_s);
        if (probe.sent_s - first_s).abs() > SERIES_S_MAX {
            let (sent_s, terminal) = (probe.sent_s, &trace.terminal);
            return Err(format!(
                "`t_send_s` is {sent_s}, more than ten years from the first probe of `{terminal}` at {first_s}"
            ));
        }
        if order == LineOrder::ByTime && probe.sent_s < *latest_s - DISORDER_S_MAX {
            let (sent_s, terminal) = (probe.sent_s, &trace.terminal);
            return Err(format!(
                "`t_send_s` is {sent_s}, yet a line before is of `{terminal}` at {latest_s}; if nothing but the order is wrong, \
                 `prober trace export --traces FILE --sort-by-time --to SORTED.csv` puts it right"
            ));
        }
        *latest_s = latest_s.max(probe.sent_s);
        trace.probes.push(probe);
        Ok(())
    }

    /// The number of a line's trace, made when it is the first.
    fn trace<'a>(&mut self, cell: impl Fn(Column) -> &'a str) -> Result<usize, String> {
        let is_gateway = cell(Column::Network) == "gateway";
        let access = match cell(Column::Network) {
            "" | "gateway" => None,
            name => Some(name.parse().map_err(|error: crate::model::access::UnknownAccess| error.to_string())?),
        };
        let cause = match cell(Column::Cause) {
            "" => None,
            name => Some(name.parse().map_err(|error: crate::model::cause::UnknownCause| error.to_string())?),
        };
        let background = match cell(Column::Background) {
            "" => None,
            "1" | "true" => Some(true),
            "0" | "false" => Some(false),
            other => return Err(format!("`background` is `{other}`, not 0 or 1")),
        };
        let has_silence = match cell(Column::Silence) {
            "" | "1" | "true" => true,
            "0" | "false" => false,
            other => return Err(format!("`silence_known` is `{other}`, not 0 or 1")),
        };
        let terminal = match cell(Column::Condition) {
            "" => cell(Column::Terminal).to_owned(),
            condition => format!("{condition}/{}", cell(Column::Terminal)),
        };
        let key = (cell(Column::Place).to_owned(), terminal);
        let role = if is_gateway { Role::Gateway } else { Role::Terminal };
        let place = *self.index.entry(key).or_insert_with_key(|(place, terminal)| {
            let (place, terminal) = (place.clone(), terminal.clone());
            self.traces.push(Trace {
                place,
                terminal,
                role,
                probes: Vec::new(),
                has_silence,
                access,
                cause,
                background,
            });
            self.latest_s.push(f64::NEG_INFINITY);
            self.traces.len() - 1
        });
        let trace = &self.traces[place];
        if (trace.role, trace.access, trace.cause) != (role, access, cause) {
            return Err(format!("terminal `{}` had another network type or cause before", trace.terminal));
        }
        Ok(place)
    }

    /// By place and terminal, probes by time.
    pub(super) fn finish(mut self) -> Vec<Trace> {
        // A file that says nothing of it and in which nothing was ever lost holds replies only, as far as anyone can tell.
        let is_said = self.places[Column::Silence as usize].is_some();
        let some_lost = self.traces.iter().flat_map(|trace| &trace.probes).any(|probe| probe.rtt_ms.is_none());
        for trace in &mut self.traces {
            trace.has_silence &= is_said || some_lost;
            trace.probes.sort_by(|a, b| a.sent_s.total_cmp(&b.sent_s));
        }
        self.traces.sort_by(|a, b| (&a.place, &a.terminal).cmp(&(&b.place, &b.terminal)));
        self.traces
    }
}

fn probe<'a>(cell: impl Fn(Column) -> &'a str, line: u64) -> Result<TraceProbe, String> {
    let is_lost = match cell(Column::Lost) {
        "" => None,
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        other => return Err(format!("`lost` is `{other}`, not 0 or 1")),
    };
    let rtt_ms = match (is_lost, cell(Column::Rtt)) {
        (Some(false), "" | "nan" | "NaN") => return Err("`lost` is 0, yet there is no `rtt_ms`".to_owned()),
        (Some(true), _) | (_, "" | "nan" | "NaN") => None,
        (_, text) => Some(rtt(text)?),
    };
    let said = match cell(Column::Reply) {
        "" => None,
        name => Some(name.parse().map_err(|error: crate::model::trace::UnknownAnswer| error.to_string())?),
    };
    let answer = match (said, rtt_ms) {
        (Some(Answer::Silent), Some(_)) => return Err("`reply` is `none`, yet there is an `rtt_ms`".to_owned()),
        (Some(Answer::Open | Answer::Refused), None) if is_lost.is_none() => {
            return Err(format!("`reply` is `{}`, yet there is no `rtt_ms`", cell(Column::Reply)));
        }
        (_, None) => Answer::Silent,
        (said, Some(_)) => said.unwrap_or(Answer::Open),
    };
    let small = |column: Column| -> Result<Option<u8>, String> {
        let text = cell(column);
        // Some programs print whole numbers with a fraction where a column has gaps.
        let whole = text.strip_suffix(".0").unwrap_or(text);
        let wrong = |_| format!("`{}` is `{text}`, not a number from 0 to 255", column.names()[0]);
        if text.is_empty() { Ok(None) } else { whole.parse().map(Some).map_err(wrong) }
    };
    let (ttl, hops) = (small(Column::Ttl)?, small(Column::Hops)?);
    let port = match cell(Column::Port) {
        "" => 0,
        text => text.parse().map_err(|_| format!("`port` is `{text}`, not a number from 0 to 65535"))?,
    };
    Ok(TraceProbe {
        sent_s: sent(cell(Column::Sent), line)?,
        rtt_ms,
        port,
        ttl: if rtt_ms.is_some() { ttl.or_else(|| hops.map(|hops| u8::MAX - hops.min(126))) } else { None },
        answer,
    })
}

fn rtt(text: &str) -> Result<f64, String> {
    let rtt: f64 = text.parse().map_err(|_| format!("`rtt_ms` is `{text}`, not a number"))?;
    if rtt.is_finite() && (0.0..=RTT_MS_MAX).contains(&rtt) {
        return Ok(rtt);
    }
    Err(format!("`rtt_ms` is {text}; it must lie between 0 and {RTT_MS_MAX}"))
}

/// A number of seconds, or `20251015_121225`; nothing: as many seconds as lines.
fn sent(text: &str, line: u64) -> Result<f64, String> {
    if text.is_empty() {
        return Ok(line as f64);
    }
    if let Some((day, time)) = text.split_once('_') {
        let digits = |text: &str, len: usize| text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits(day, 8) && digits(time, 6) {
            let part = |text: &str, from: usize, to: usize| text[from..to].parse::<f64>().unwrap_or(0.0);
            let days = part(day, 0, 4) * 372.0 + part(day, 4, 6) * 31.0 + part(day, 6, 8);
            return Ok(days * 86_400.0 + part(time, 0, 2) * 3600.0 + part(time, 2, 4) * 60.0 + part(time, 4, 6));
        }
    }
    let sent: f64 = text.parse().map_err(|_| format!("`t_send_s` is `{text}`, not a number of seconds"))?;
    match sent {
        sent if !sent.is_finite() => Err(format!("`t_send_s` is {text}, not a time")),
        sent if sent < 0.0 => Err(format!("`t_send_s` is {text}; times begin at 0")),
        sent => Ok(sent),
    }
}
