//! The beginning of a watch: states as stored or new, what the scheme has learnt, the session and the keeper.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Instant;

use anyhow::Context;
use prober_common::event::{ProbeKind, ReplyEvent};

use super::clock::PolicyClock;
use super::devices::Devices;
use super::late::Late;
use super::outage::Outage;
use super::recall::recall;
use super::saving::Saving;
use super::{AHEAD_S, BUCKET_S, Gate, RATE_MOST_PPS, REPLIES, TOGETHER, Watch, most_pps};
use crate::engine::grabbing::BannerSink;
use crate::engine::session::{Session, SessionConfig, SessionSample};
use crate::io::clock::utc_now;
use crate::io::grab::Asked;
use crate::io::store::Store;
use crate::io::sys::monotonic_ns;
use crate::model::watch::{EndedEarly, Overseer, WatchConfig, WatchStatus};
use crate::policy::planner::{Planner, PlannerConfig};
use crate::policy::visits::Visits;
use crate::target::ports::ProbePort;
use crate::target::shared_exclusions::SharedExclusions;

impl<'a> Watch<'a> {
    pub(super) fn open(
        config: &'a WatchConfig,
        store: Store,
        exclusions: &Arc<SharedExclusions>,
        overseer: &mut dyn Overseer,
    ) -> anyhow::Result<Self> {
        let stored = store.watch_clock()?;
        let clock = PolicyClock::start(stored.as_ref(), config.time_scale, utc_now(), monotonic_ns());
        let now_s = clock.now_s(monotonic_ns()) as u32;
        let recalled = recall(&config.targets, &config.scheme, stored.as_ref(), now_s, &store, &mut |what| {
            if overseer.opens(what) { Ok(()) } else { Err(EndedEarly) }
        })?;
        overseer.opens("loading signatures");
        store.load_signatures(&config.signatures, utc_now())?;
        let devices = Devices::new(Arc::clone(&config.signatures), recalled.named);

        let saving = Saving::start(store.another()?)?;
        let (banner_in, banners) = channel();
        let sink = config.grab.is_some().then(|| {
            let sink: BannerSink = Box::new(move |asked: &Asked| {
                // As many as ports were asked; a watch that has ended listens no more.
                let _ = banner_in.send(asked.clone());
            });
            sink
        });
        overseer.opens("opening the way out");
        let (session, ends) = Session::open(&session_config(config), store, Arc::clone(exclusions), sink)?;
        let rate_pps = session.rate_pps(config.rate).min(RATE_MOST_PPS);
        let planner = PlannerConfig {
            rate_pps: most_pps(config, rate_pps) / config.time_scale,
            ahead_s: AHEAD_S * config.time_scale,
            wall: clock.wall(),
            bucket_s: ((BUCKET_S * config.time_scale).min(600.0) as u32).max(1),
        };
        let mut planner = Planner::new(planner, recalled.scheme, recalled.states, now_s);
        for (cluster, hours) in recalled.networks.quiet_hours() {
            planner.set_quiet_hours(*cluster, hours.clone());
        }
        let scheme = config.scheme.kind.name().to_owned();
        let status = WatchStatus { scheme, source: Some(session.link().source.into()), ..WatchStatus::default() };
        let now = Instant::now();
        Ok(Self {
            planner,
            visits: Visits::new(config.reply_timeout.as_nanos() as u64),
            asking: HashMap::new(),
            late: Late::default(),
            forgetting: VecDeque::new(),
            outage: Outage::default(),
            devices,
            gate: Gate { exclusions: exclusions.reader(), share: None, allowed: None },
            session,
            ends,
            banners,
            saving,
            saved_at: now,
            looked: now,
            sampled: now,
            rated: None,
            started: now,
            sample: SessionSample::default(),
            status,
            is_held: false,
            rate_pps,
            planned: Vec::with_capacity(TOGETHER),
            replies: vec![ReplyEvent::default(); REPLIES].into_boxed_slice(),
            settings: serde_json::to_string(&recalled.settings).context("cannot record the scheme")?,
            clock,
            config,
        })
    }
}

fn session_config(config: &WatchConfig) -> SessionConfig {
    SessionConfig {
        purpose: "watch",
        addresses: config.targets.len(),
        link: config.link.clone(),
        engine: config.engine,
        sender_threads: config.sender_threads,
        style: config.style.clone(),
        kinds: vec![ProbePort { kind: ProbeKind::TcpSyn, port: 80 }],
        rate: config.rate,
        rate_per_slash24_pps: config.rate_per_slash24_pps,
        grab: config.grab,
        record: config.record.clone(),
    }
}
