//! The wide-area part of round-trip times (METHODS section 2): from the gateway where it was probed, else from the fastest
//! terminal of the same prefix at about the same distance, else from a line over hop counts. What is left is the access
//! network's (seed 000, part 1).

use serde::{Deserialize, Serialize};

use super::hop::usual_hops;
use super::sample::Sample;
use crate::model::trace::{Role, Trace, TraceProbe};

/// Neighbours further apart than this many hops took another way.
const NEIGHBOUR_HOPS: u8 = 1;
/// Share of neighbours' replies below which a quantile of them is taken as their floor.
const FLOOR_SHARE: f64 = 0.05;

/// Another host of the same place: what it tells of the way there.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// Its round-trip times, in milliseconds; lost ones are left out.
    pub rtts_ms: Vec<f64>,
    /// How far away it is.
    pub hops: Option<u8>,
}

impl Neighbour {
    /// Of its probes.
    pub fn of(probes: &[TraceProbe]) -> Self {
        let rtts_ms = probes.iter().filter_map(|probe| probe.rtt_ms).collect();
        Self { rtts_ms, hops: hops_of(probes) }
    }
}

/// Hop count that most replies agree on.
pub fn hops_of(probes: &[TraceProbe]) -> Option<u8> {
    usual_hops(probes.iter().filter_map(|probe| probe.ttl)).map(|hops| hops.hops)
}

/// What is known of the place that a terminal is in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surroundings {
    /// The last router before the access network, if it answers.
    pub gateway: Option<Neighbour>,
    /// Other terminals that answered.
    pub terminals: Vec<Neighbour>,
}

impl Surroundings {
    /// Of the terminal `index` among the traces of one place, of each of which only what `part` leaves is known. Terminals count
    /// where hops are known: without them nothing says that the ways there are alike, as in collections of measurements.
    pub fn of<'a>(traces: &[&'a Trace], index: usize, part: impl Fn(&'a Trace) -> &'a [TraceProbe]) -> Self {
        let mut surroundings = Self::default();
        let has_hops = hops_of(part(traces[index])).is_some();
        for (other, trace) in traces.iter().enumerate() {
            if other == index || (trace.role == Role::Terminal && !has_hops) {
                continue;
            }
            let neighbour = Neighbour::of(part(trace));
            match trace.role {
                _ if neighbour.rtts_ms.is_empty() => {}
                Role::Gateway => surroundings.gateway = Some(neighbour),
                Role::Terminal if neighbour.hops.is_some() => surroundings.terminals.push(neighbour),
                Role::Terminal => {}
            }
        }
        surroundings
    }
}

/// Floor of the wide-area part over hop counts: `base + slope * hops`, fitted per vantage point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HopLine {
    /// Milliseconds at no hops.
    pub base_ms: f64,
    /// Milliseconds for each hop.
    pub slope_ms: f64,
    /// Median distance from the line, in milliseconds.
    pub spread_ms: f64,
}

impl HopLine {
    /// From places whose gateways were probed: hops and floor of each. `None` of fewer than three, or of equal distances.
    pub fn fit(gateways: &[(u8, f64)]) -> Option<Self> {
        // Theil-Sen: the median of the slopes of all pairs, which a few congested gateways do not bend.
        let mut slopes = Vec::new();
        for (index, (hops, floor)) in gateways.iter().enumerate() {
            for (other_hops, other_floor) in &gateways[..index] {
                if hops != other_hops {
                    slopes.push((floor - other_floor) / (f64::from(*hops) - f64::from(*other_hops)));
                }
            }
        }
        if gateways.len() < 3 || slopes.is_empty() {
            return None;
        }
        let slope_ms = Sample::new(slopes).median().max(0.0);
        let rest = |(hops, floor): &(u8, f64)| floor - slope_ms * f64::from(*hops);
        let base_ms = Sample::new(gateways.iter().map(rest)).median();
        let spread_ms = Sample::new(gateways.iter().map(|gateway| (rest(gateway) - base_ms).abs())).median();
        Some(Self { base_ms, slope_ms, spread_ms })
    }

    /// At a distance; never negative.
    pub fn at(&self, hops: u8) -> f64 {
        (self.base_ms + self.slope_ms * f64::from(hops)).max(0.0)
    }
}

/// Where a transit comes from, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TransitSource {
    /// The last router before the access network.
    Gateway,
    /// The fastest terminal of the same prefix.
    Neighbours,
    /// The line over hop counts.
    HopCount,
}

/// The wide-area part of a terminal's round-trip times.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Transit {
    /// In milliseconds.
    pub floor_ms: f64,
    /// How far off it may well be, in milliseconds.
    pub uncertainty_ms: f64,
    /// Where it comes from.
    pub source: TransitSource,
}

impl Transit {
    /// Of a terminal `hops` away; `None` if nothing tells.
    pub fn of(hops: Option<u8>, surroundings: &Surroundings, line: Option<&HopLine>) -> Option<Self> {
        if let Some(gateway) = &surroundings.gateway {
            let rtts = Sample::new(gateway.rtts_ms.iter().copied());
            let (floor_ms, uncertainty_ms) = (rtts.min(), rtts.quantile(0.25) - rtts.min());
            return Some(Self { floor_ms, uncertainty_ms, source: TransitSource::Gateway });
        }
        let is_near = |neighbour: &&Neighbour| match (neighbour.hops, hops) {
            (Some(theirs), Some(ours)) => theirs.abs_diff(ours) <= NEIGHBOUR_HOPS,
            _ => true,
        };
        let floor = |neighbour: &Neighbour| Sample::new(neighbour.rtts_ms.iter().copied()).quantile(FLOOR_SHARE);
        let floors = Sample::new(surroundings.terminals.iter().filter(is_near).map(floor));
        if !floors.is_empty() {
            // Their access networks are still in it: true is at most their floor.
            let spread = floors.median() - floors.min();
            let uncertainty_ms = line.map_or(spread, |line| spread.max(line.spread_ms));
            return Some(Self { floor_ms: floors.min(), uncertainty_ms, source: TransitSource::Neighbours });
        }
        let (hops, line) = (hops?, line?);
        Some(Self { floor_ms: line.at(hops), uncertainty_ms: line.spread_ms, source: TransitSource::HopCount })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbour(rtts_ms: &[f64], hops: u8) -> Neighbour {
        Neighbour { rtts_ms: rtts_ms.to_vec(), hops: Some(hops) }
    }

    #[test]
    fn the_gateway_comes_first_then_neighbours_then_the_line() {
        let line = HopLine::fit(&[(4, 8.0), (8, 16.0), (12, 24.0), (10, 90.0)]).expect("four gateways");
        assert!((line.slope_ms - 2.0).abs() < 1e-9 && line.base_ms.abs() < 1e-9);
        let mut around =
            Surroundings { gateway: None, terminals: vec![neighbour(&[30.0, 21.0], 10), neighbour(&[1.0], 3)] };
        let near = Transit::of(Some(10), &around, Some(&line)).expect("a neighbour");
        assert_eq!(near.source, TransitSource::Neighbours);
        assert!((near.floor_ms - 21.45).abs() < 1e-9, "the one at another distance took another way");
        around.gateway = Some(neighbour(&[12.0, 13.0, 12.5], 9));
        let gateway = Transit::of(Some(10), &around, Some(&line)).expect("a gateway");
        assert_eq!((gateway.source, gateway.floor_ms), (TransitSource::Gateway, 12.0));
        let alone = Transit::of(Some(10), &Surroundings::default(), Some(&line)).expect("the line");
        assert_eq!(alone.source, TransitSource::HopCount);
        assert!((alone.floor_ms - 20.0).abs() < 1e-9);
        assert_eq!(Transit::of(None, &Surroundings::default(), Some(&line)), None);
    }
}
