//! Settings that are fine alone and impossible together. Each is told with the figures that clash and what to change.

use std::time::Duration;

use super::reader::Reader;
use super::settings::DaemonSettings;
use crate::model::request::bits_on_wire;
use crate::policy::interval::Step;

/// Length of a SYN with its Ethernet header and options, in bytes: what most probes are.
const PROBE_BYTES: usize = 58;
/// Rows must still be there when the night's export of the day before begins.
const EXPORT_NEEDS: Duration = Duration::from_hours(48);

/// Notes them all.
pub fn note(settings: &DaemonSettings, reader: &mut Reader<'_>) {
    rates(settings, reader);
    times(settings, reader);
    rollout(settings, reader);
    places(settings, reader);
}

fn rates(settings: &DaemonSettings, reader: &mut Reader<'_>) {
    let probing = &settings.probing;
    let rate_pps = probing.rate.pps(PROBE_BYTES);
    if let Some(line_bps) = probing.line_bps {
        let most_pps = line_bps / bits_on_wire(PROBE_BYTES);
        if rate_pps.is_none_or(|rate_pps| rate_pps > most_pps) {
            let wanted = rate_pps.map_or("an unlimited rate".to_owned(), |pps| {
                format!("{pps:.0} probes/s take {:.1} Mbit/s", pps * bits_on_wire(PROBE_BYTES) / 1e6)
            });
            let reason = format!(
                "probing.rate is above probing.line: {wanted}, the line takes {:.1} Mbit/s; write at most {most_pps:.0}",
                line_bps / 1e6
            );
            reader.contradiction(&[("probing", "rate"), ("probing", "line")], reason);
        }
    }
    // A default that is too large for a small rate is nobody's mistake.
    let is_said = |reader: &Reader<'_>, section, name| reader.document.line(section, name).is_some();
    let per_24 = is_said(reader, "probing", "rate-per-24");
    if let Some(rate_pps) = rate_pps.filter(|rate_pps| per_24 && probing.rate_per_24_pps > *rate_pps) {
        let reason = format!(
            "probing.rate-per-24 ({} pps) is above probing.rate ({rate_pps} pps) and would never count",
            probing.rate_per_24_pps
        );
        reader.contradiction(&[("probing", "rate-per-24"), ("probing", "rate")], reason);
    }
    let per_address = is_said(reader, "probing", "rate-per-address");
    if per_address && probing.rate_per_24_pps > 0.0 && probing.rate_per_address_pps > probing.rate_per_24_pps {
        let reason = format!(
            "probing.rate-per-address ({} pps) is above probing.rate-per-24 ({} pps) and would never count",
            probing.rate_per_address_pps, probing.rate_per_24_pps
        );
        reader.contradiction(&[("probing", "rate-per-address"), ("probing", "rate-per-24")], reason);
    }
    let per_24 = is_said(reader, "banners", "rate-per-24");
    let banners = settings.banners.filter(|limits| per_24 && limits.rate > 0.0 && limits.rate_per_24 > limits.rate);
    if let Some(limits) = banners {
        let reason = format!(
            "banners.rate-per-24 ({}/s) is above banners.rate ({}/s) and would never count",
            limits.rate_per_24, limits.rate
        );
        reader.contradiction(&[("banners", "rate-per-24"), ("banners", "rate")], reason);
    }
    if probing.scheme.starter_ports.is_empty() {
        reader.contradiction(&[("probing", "ports")], "probing.ports: at least one TCP port is needed".to_owned());
    }
}

fn times(settings: &DaemonSettings, reader: &mut Reader<'_>) {
    let probing = &settings.probing;
    let interval_s = f64::from(Step::FIRST.interval_s()) / probing.time_scale;
    if interval_s <= probing.cooldown.as_secs_f64() {
        let reason = format!(
            "probing.cooldown ({} s) is not below the shortest interval between two visits ({interval_s} s at this \
             time-scale): an address would be visited again before its late replies are in",
            probing.cooldown.as_secs_f64(),
        );
        reader.contradiction(&[("probing", "cooldown"), ("probing", "time-scale")], reason);
    }
    if settings.export.is_some() {
        let kept = [("replies", settings.retention.replies), ("banners", settings.retention.banners)];
        for (name, kept) in kept {
            if kept.is_some_and(|kept| kept < EXPORT_NEEDS) {
                let reason = format!(
                    "retention.{name} is below 2d: rows would go before the export of their day; write 2d or more"
                );
                reader.contradiction(&[("retention", name), ("export", "folder")], reason);
            }
        }
    }
}

fn rollout(settings: &DaemonSettings, reader: &mut Reader<'_>) {
    let steps = &settings.rollout.steps;
    let key = [("roll-out", "steps")];
    if steps.is_empty() {
        reader.contradiction(&key, "roll-out.steps: at least one share is needed".to_owned());
    }
    if steps.windows(2).any(|pair| pair[0] >= pair[1]) {
        reader.contradiction(&key, "roll-out.steps must grow, like [\"1%\", \"10%\", \"100%\"]".to_owned());
    }
}

fn places(settings: &DaemonSettings, reader: &mut Reader<'_>) {
    if settings.targets.list.ranges.is_empty() && settings.targets.list.files.is_empty() {
        reader.contradiction(
            &[("targets", "ranges"), ("targets", "files")],
            "nothing to watch: give [targets] ranges or files".to_owned(),
        );
    }
    if let (Some(metrics), Some(pages)) = (settings.metrics, settings.pages) {
        let same_host = metrics.ip() == pages.ip() || metrics.ip().is_unspecified() || pages.ip().is_unspecified();
        if metrics.port() == pages.port() && same_host {
            let reason = format!("http.metrics ({metrics}) and http.pages ({pages}) overlap; give one another port");
            reader.contradiction(&[("http", "metrics"), ("http", "pages")], reason);
        }
    }
    if settings.socket == settings.kill_switch {
        let reason = "control.socket and control.kill-switch are the same file".to_owned();
        reader.contradiction(&[("control", "kill-switch"), ("control", "socket")], reason);
    }
    if let Some(export) = settings.export.as_ref().filter(|export| settings.database.starts_with(&export.folder)) {
        let reason = format!("store.database lies in export.folder ({}); keep them apart", export.folder.display());
        reader.contradiction(&[("export", "folder"), ("store", "database")], reason);
    }
    if settings.pages.is_some() && settings.operator.url.is_none() {
        let reason =
            "http.pages are served, but operator.url does not say under which address they are reached".to_owned();
        reader.contradiction(&[("http", "pages"), ("operator", "url")], reason);
    }
}
