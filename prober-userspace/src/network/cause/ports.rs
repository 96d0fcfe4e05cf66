//! Ports that never answer while others do.

use super::series::Series;
use crate::network::feature::Features;
use crate::network::sample::deviation;

pub(super) fn push(series: &Series, features: &mut Features) {
    let ports = &series.ports;
    let silent = ports.iter().filter(|port| port.is_silent());
    let (silent_ports, silent_probes) = silent.fold((0, 0), |(ports, probes), port| (ports + 1, probes + port.probes));
    features.push("silent_ports", f64::from(silent_ports) / ports.len() as f64);
    // How likely that is by chance alone, given how the other ports lose.
    let some_live = (silent_ports as usize) < ports.len();
    let lost = series.live.iter().filter(|probe| probe.rtt_ms.is_none()).count() as f64;
    let chance = ((lost + 0.5) / (series.live.len() as f64 + 1.0)).log10();
    features.push("silent_chance", if some_live { silent_probes as f64 * chance } else { 0.0 });
    let shares: Vec<f64> =
        ports.iter().filter(|port| port.lost < port.probes).map(|port| port.lost as f64 / port.probes as f64).collect();
    features.push("port_loss_spread", if shares.len() > 1 { deviation(&shares) } else { 0.0 });
}
