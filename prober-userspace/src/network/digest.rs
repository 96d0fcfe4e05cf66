//! A digest of traces, whatever kind of file they came in: by it a model knows what it was trained on.

use crate::model::trace::Trace;
use crate::target::splitmix::Digest;

/// What is digested, and the version of its form.
const KIND: u64 = 0x7472_6163_6501;

/// Sixteen hexadecimal digits.
pub fn digest(traces: &[Trace]) -> String {
    let mut digest = Digest::new(KIND);
    let mut text = |text: &str| {
        digest.add(text.len() as u64);
        text.bytes().for_each(|byte| digest.add(u64::from(byte)));
    };
    for trace in traces {
        text(&trace.place);
        text(&trace.terminal);
    }
    for trace in traces {
        digest.add(trace.probes.len() as u64);
        for probe in &trace.probes {
            digest.add(probe.sent_s.to_bits());
            digest.add(probe.rtt_ms.map_or(u64::MAX, f64::to_bits));
            digest.add(u64::from(probe.port));
        }
    }
    format!("{:016x}", digest.value())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::trace::{Answer, Role, TraceProbe};

    #[test]
    fn every_probe_counts() {
        let probe = TraceProbe { sent_s: 1.0, rtt_ms: Some(2.0), port: 80, ttl: None, answer: Answer::Open };
        let trace = Trace {
            place: "a".to_owned(),
            terminal: "b".to_owned(),
            role: Role::Terminal,
            probes: vec![probe, probe],
            has_silence: true,
            access: None,
            cause: None,
            background: None,
        };
        let first = digest(std::slice::from_ref(&trace));
        assert_eq!(first.len(), 16);
        assert_eq!(digest(std::slice::from_ref(&trace)), first);
        let mut other = trace;
        other.probes[1].rtt_ms = None;
        assert_ne!(digest(&[other]), first);
    }
}
