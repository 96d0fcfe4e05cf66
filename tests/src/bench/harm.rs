//! What scanning does to the traffic of others, and what choosing the time spares them (seed 000 ④, figures 4 and 5).
//!
//! Several access networks, each behind a token bucket, carry real TCP flows of the kernel whose load follows a day
//! that is compressed to a few seconds per slot. The same number of probes is sent at random times at a fixed rate, or
//! when the policy says so - with the rules that the program ships -, which has learnt on a day before with a tenth of
//! the probes. That day is counted: both arms are charged with it, so that both have sent the same number of probes in
//! the same two days. Compared with days without a scan: throughput and delay of the flows, and the probes answered.

mod background;
mod place;
mod plot;
mod scan;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use self::background::{Background, Carried};
use self::place::{NETWORKS, Place};
use self::scan::{Answered, Scan};
use super::median;

/// Slots of the compressed day.
const SLOTS: usize = 24;
/// Part of each bottleneck's day that the probes take.
const PROBE_SHARE: f64 = 0.12;

/// How the day is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// No scan.
    None,
    /// Probes at random times.
    Random,
    /// The day before it: a tenth of the probes, at random times.
    Learning,
    /// Probes when the plan says so.
    Ours,
}

/// One day of one arm.
#[derive(Clone, Debug, Serialize)]
pub struct DayFigures {
    arm: Arm,
    repeat: usize,
    /// Throughput of the flows of all networks, bits/s.
    background_bits_s: f64,
    /// Their delay as TCP smooths it: mean and 95 % point, ms.
    background_rtt_ms: f64,
    background_rtt_p95_ms: f64,
    /// Probes sent, and answered within two seconds.
    sent: u64,
    answered: u64,
    /// Bits/s of the flows and probes/s, by slot, all networks together.
    bits_s_by_slot: Vec<f64>,
    probes_by_slot: Vec<f64>,
}

/// All days.
#[derive(Clone, Debug, Serialize)]
pub struct Harm {
    networks: usize,
    slot_s: f64,
    days: Vec<DayFigures>,
    /// Throughput lost on two days - the day of learning and the day of the scan - against two without a scan of the same
    /// repeat, relative; medians over the repeats.
    lost_random: f64,
    lost_ours: f64,
    /// Loss by random times over loss by ours (which counts as at least a ten-thousandth).
    times_less: f64,
    /// The same for the day of the scan alone, and the loss of the day of learning.
    lost_random_scan_day: f64,
    lost_ours_scan_day: f64,
    times_less_scan_day: f64,
    lost_learning_day: f64,
    /// Delay added, ms; medians.
    delay_added_random_ms: f64,
    delay_added_ours_ms: f64,
    /// Share of probes answered; medians.
    success_random: f64,
    success_ours: f64,
}

/// Runs everything; `svg`, if given, gets the picture. Takes about four days of slots per repeat.
pub fn measure(repeats: usize, slot: Duration, svg: Option<&Path>) -> Result<Harm> {
    ensure!((1..=100).contains(&repeats), "1 to 100 repeats");
    ensure!((200..=60_000).contains(&slot.as_millis()), "a slot of 200 ms to a minute");
    let place = Place::make()?;
    let mut days = Vec::new();
    for repeat in 0..repeats {
        let mut learnt = Answered::default();
        for arm in [Arm::None, Arm::Random, Arm::Learning, Arm::Ours] {
            let figures =
                day(&place, arm, repeat, slot, &mut learnt).with_context(|| format!("repeat {repeat}, {arm:?}"))?;
            log::info!(
                "repeat {repeat}, {arm:?}: {:.0} kbit/s, {:.1} ms, {} of {} probes answered",
                figures.background_bits_s / 1e3,
                figures.background_rtt_ms,
                figures.answered,
                figures.sent
            );
            days.push(figures);
        }
    }
    let harm = Harm::of(days, slot);
    if let Some(file) = svg {
        std::fs::write(file, plot::svg(&harm)).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(harm)
}

/// `learnt` is what the day of learning gives and the day of ours takes.
fn day(place: &Place, arm: Arm, repeat: usize, slot: Duration, learnt: &mut Answered) -> Result<DayFigures> {
    let seed = repeat as u64;
    let scan = match arm {
        Arm::None => None,
        Arm::Random => Some(Scan::at_random(slot, PROBE_SHARE, seed)),
        Arm::Learning => Some(Scan::at_random(slot, PROBE_SHARE / 10.0, seed ^ 0x6c65_6172)),
        Arm::Ours => Some(Scan::as_planned(slot, PROBE_SHARE, learnt, seed)?),
    };
    let (carried, answered) = Background::run(place, slot, |begun| match &scan {
        Some(scan) => scan.run(place, begun),
        None => Ok(Answered::default()),
    })?;
    let figures = figures(arm, repeat, slot, &carried, &answered);
    if arm == Arm::Learning {
        *learnt = answered;
    }
    Ok(figures)
}

fn figures(arm: Arm, repeat: usize, slot: Duration, carried: &Carried, answered: &Answered) -> DayFigures {
    let slot_s = slot.as_secs_f64();
    let bits_s_by_slot: Vec<f64> = carried.bytes_by_slot.iter().map(|bytes| *bytes as f64 * 8.0 / slot_s).collect();
    let mut rtts = carried.rtt_ms.clone();
    rtts.sort_by(f64::total_cmp);
    let point = |share: f64| rtts.get((rtts.len() as f64 * share) as usize).copied().unwrap_or(0.0);
    DayFigures {
        arm,
        repeat,
        background_bits_s: bits_s_by_slot.iter().sum::<f64>() / SLOTS as f64,
        background_rtt_ms: rtts.iter().sum::<f64>() / rtts.len().max(1) as f64,
        background_rtt_p95_ms: point(0.95),
        sent: answered.sent(),
        answered: answered.answered(),
        bits_s_by_slot,
        probes_by_slot: answered.by_slot(slot).iter().map(|probes| *probes as f64 / slot_s).collect(),
    }
}

impl Harm {
    fn of(days: Vec<DayFigures>, slot: Duration) -> Self {
        let of = |arm: Arm| days.iter().filter(move |day| day.arm == arm);
        let against = |arm: Arm, value: &dyn Fn(&DayFigures, &DayFigures) -> f64| {
            median(of(arm).zip(of(Arm::None)).map(|(day, none)| value(day, none)).collect())
        };
        let lost = |day: &DayFigures, none: &DayFigures| 1.0 - day.background_bits_s / none.background_bits_s;
        let added = |day: &DayFigures, none: &DayFigures| day.background_rtt_ms - none.background_rtt_ms;
        let success = |arm: Arm| median(of(arm).map(|day| day.answered as f64 / day.sent.max(1) as f64).collect());
        let over_both = |arm: Arm| {
            let days = of(arm).zip(of(Arm::Learning)).zip(of(Arm::None));
            median(days.map(|((day, learning), none)| f64::midpoint(lost(day, none), lost(learning, none))).collect())
        };
        let (lost_random, lost_ours) = (over_both(Arm::Random), over_both(Arm::Ours));
        let (random_day, our_day) = (against(Arm::Random, &lost), against(Arm::Ours, &lost));
        Self {
            networks: NETWORKS,
            slot_s: slot.as_secs_f64(),
            lost_random,
            lost_ours,
            times_less: lost_random / lost_ours.max(1e-4),
            lost_random_scan_day: random_day,
            lost_ours_scan_day: our_day,
            times_less_scan_day: random_day / our_day.max(1e-4),
            lost_learning_day: against(Arm::Learning, &lost),
            delay_added_random_ms: against(Arm::Random, &added),
            delay_added_ours_ms: against(Arm::Ours, &added),
            success_random: success(Arm::Random),
            success_ours: success(Arm::Ours),
            days,
        }
    }
}

impl std::fmt::Display for Harm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "repeat  scan      flows kbit/s   lost     delay ms   p95 ms   probes   answered")?;
        for day in &self.days {
            let none = self.days.iter().find(|other| other.arm == Arm::None && other.repeat == day.repeat);
            let lost = none.map_or(0.0, |none| 1.0 - day.background_bits_s / none.background_bits_s);
            writeln!(
                f,
                "{:>6}  {:<8} {:>13.0} {:>+6.2} % {:>10.1} {:>8.1} {:>8} {:>8.2} %",
                day.repeat,
                format!("{:?}", day.arm).to_lowercase(),
                day.background_bits_s / 1e3,
                lost * 100.0,
                day.background_rtt_ms,
                day.background_rtt_p95_ms,
                day.sent,
                day.answered as f64 / day.sent.max(1) as f64 * 100.0,
            )?;
        }
        write!(
            f,
            "medians, day of learning included: throughput lost {:.2} % at random, {:.2} % by plan ({:.1} times less); day of \
             the scan alone: {:.2} %, {:.2} % ({:.1} times less), of learning: {:.2} %; delay added {:+.1} ms, {:+.1} ms; probes \
             answered {:.2} %, {:.2} %",
            self.lost_random * 100.0,
            self.lost_ours * 100.0,
            self.times_less,
            self.lost_random_scan_day * 100.0,
            self.lost_ours_scan_day * 100.0,
            self.times_less_scan_day,
            self.lost_learning_day * 100.0,
            self.delay_added_random_ms,
            self.delay_added_ours_ms,
            self.success_random * 100.0,
            self.success_ours * 100.0,
        )
    }
}
