//! How fast replies go from events into DuckDB, duplicate check included, and what they cost on disk: random replies,
//! pushed by this thread into the writer's queue. Prints one JSON object. Usage: `ingest [REPLIES] [DUPLICATES PER MILLE]`.

use std::time::Instant;

use prober_common::address::V4;
use prober_common::event::{ReplyEvent, ReplyKind};
use prober_userspace::io::store::{Access, EVENT_QUEUE, Store, Writer, WriterConfig};
use prober_userspace::model::scan::{ScanMeta, ScanStatus};
use prober_userspace::model::utc::{ClockOffset, UtcMicros};
use ringbuf::HeapRb;
use ringbuf::traits::{Producer, Split};

const START_NS: u64 = 1_000_000_000_000;
const PORTS: [u16; 8] = [80, 23, 22, 443, 8080, 554, 1883, 7547];

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let replies: u64 = arguments.next().map_or(Ok(10_000_000), |text| text.parse())?;
    let duplicates_per_mille: u64 = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let folder = std::env::temp_dir().join(format!("prober-ingest-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure(&folder.join("ingest.duckdb"), replies, duplicates_per_mille);
    std::fs::remove_dir_all(&folder)?;
    println!("{}", measured?);
    Ok(())
}

fn measure(path: &std::path::Path, replies: u64, duplicates_per_mille: u64) -> anyhow::Result<serde_json::Value> {
    let store = Store::open(path, Access::Write)?;
    let scan = store.begin_scan(&meta())?;
    let (mut queue, consumer) = HeapRb::new(EVENT_QUEUE).split();
    let config = WriterConfig::new(ClockOffset { micros: 1_700_000_000_000_000 }, START_NS);
    let writer = Writer::spawn(store, scan, consumer, config)?;
    let mut random = 0x9E37_79B9_7F4A_7C15u64;
    let mut slice = vec![ReplyEvent::default(); 1024];
    let mut waits = 0u64;
    let started = Instant::now();
    let mut made = 0;
    while made < replies {
        for event in &mut slice {
            random = next(random);
            if random % 1000 >= duplicates_per_mille || made == 0 {
                *event = reply(random, made);
            }
            made += 1;
        }
        let mut rest = &slice[..];
        while !rest.is_empty() {
            let pushed = queue.push_slice(rest);
            rest = &rest[pushed..];
            if pushed == 0 {
                waits += 1;
                std::thread::sleep(std::time::Duration::from_micros(200));
            }
        }
    }
    let outcome = writer.finish(ScanStatus::Finished, UtcMicros(1_700_000_100_000_000), None);
    let seconds = started.elapsed().as_secs_f64();
    if let Some(error) = outcome.error {
        return Err(error.into());
    }
    if let Some(store) = outcome.store {
        store.connection().execute_batch("CHECKPOINT")?;
    }
    let bytes = std::fs::metadata(path)?.len();
    Ok(serde_json::json!({
        "replies": made,
        "rows": outcome.rows,
        "duplicates": outcome.duplicates,
        "seconds": seconds,
        "replies_per_second": made as f64 / seconds,
        "bytes_per_row": bytes as f64 / outcome.rows as f64,
        "producer_waits": waits,
    }))
}

/// A million replies a second in arrival order; addresses, ports, RTT, TTL and windows at random.
fn reply(random: u64, sequence: u64) -> ReplyEvent {
    let kind = ReplyKind::ALL[if random >> 60 == 0 { 4 } else { (random >> 59 & 1) as usize }];
    let target = V4((random >> 16) as u32);
    let error = kind == ReplyKind::Unreachable;
    let received_ns = START_NS + sequence * 1_000;
    let delay_ns = 2_000_000 + (random >> 7) % 1_500_000_000;
    let sent_ns = (received_ns - delay_ns) / 8_000 * 8_000;
    ReplyEvent {
        received_ns,
        rtt_ns: received_ns - sent_ns,
        target,
        responder: if error { V4(target.0 & !0xff | 1) } else { target },
        port: PORTS[(random >> 3 & 7) as usize],
        detail: if error { 0x0301 } else { (random >> 24) as u16 },
        kind: kind as u8,
        probe: 0,
        ttl: 40 + (random >> 40 & 31) as u8,
        quoted_ttl: if error { 50 } else { 0 },
    }
}

fn next(mut state: u64) -> u64 {
    state ^= state << 13;
    state ^= state >> 7;
    state ^ state << 17
}

fn meta() -> ScanMeta {
    ScanMeta {
        started_at: UtcMicros(1_700_000_000_000_000),
        operator: "bench".to_owned(),
        host: "bench".to_owned(),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: "ingest".to_owned(),
        settings: "{}".to_owned(),
        seed: 1,
        plan_fingerprint: 1,
        targets: 1 << 32,
        ports: "8 ports".to_owned(),
        probes_planned: 1 << 35,
        shard_index: 0,
        shard_count: 1,
        rate_pps: 1e6,
        engine: "none".to_owned(),
        interface: "none".to_owned(),
        source_address: None,
        exclusions: Vec::new(),
    }
}
