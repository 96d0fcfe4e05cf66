//! What a watch takes over from its database: the state of every target, clusters and their quiet hours, what the scheme has
//! learnt. Apart from the session, so that a start can be measured without a network.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Instant;

use prober_common::event::ProbeKind;

use super::quiet;
use crate::io::store::{Store, StoreError, WatchClock};
use crate::io::sys::vec_for_random_access;
use crate::model::watch::{EndedEarly, SchemeConfig};
use crate::policy::learnt_networks::LearntNetworks;
use crate::policy::port_bits::PortBits;
use crate::policy::sample;
use crate::policy::scheme::Scheme;
use crate::policy::starter::{self, Known};
use crate::policy::target_state::TargetState;
use crate::target::address_set::AddressSet;
use crate::target::ports::PortList;

/// All of it.
pub struct Recalled {
    /// By address.
    pub states: Vec<TargetState>,
    /// How many of them have open ports.
    pub answering: usize,
    /// With what it has learnt.
    pub scheme: Scheme,
    /// Its settings, with the sample that was drawn.
    pub settings: SchemeConfig,
    /// Of which clusters the states are already.
    pub networks: LearntNetworks,
    /// Name and ports of the devices that states name, by number.
    pub named: Vec<(String, Vec<u16>)>,
}

/// Stored states after which it is told how far the loading is, and asked whether to go on.
const TOLD: u64 = 1 << 18;

/// Takes it over. Time grows with the targets, with those that answer, and with the replies since open ports were last
/// gathered. `tell` hears what is done, and may end it.
pub fn recall(
    targets: &AddressSet,
    config: &SchemeConfig,
    stored: Option<&WatchClock>,
    now_s: u32,
    store: &Store,
    tell: &mut dyn FnMut(&str) -> Result<(), EndedEarly>,
) -> anyhow::Result<Recalled> {
    let begun = Instant::now();
    let (mut states, ports) = load(targets, store, tell)?;
    let loaded_s = begun.elapsed().as_secs_f64();
    tell("loading what was learnt of networks")?;
    let networks = quiet::load(store)?;
    networks.assign(&mut states);
    tell("loading which ports were found open")?;
    let open_ports = store.open_tcp_ports()?;
    tell("deriving which ports to look at")?;
    let looked = looked_at_most(&config.starter_ports, store)?;
    let sampled = sampled(config, stored).unwrap_or_else(|| {
        let is_known = starter::is_enough(open_ports.len()) && looked;
        let share = sample::share_of(config, targets.len(), is_known);
        if share > 0.0 {
            log::info!(
                "nothing is known of ports yet: {:.3} % of the targets, drawn by chance, are visited on all of them first",
                share * 100.0
            );
        }
        share
    });
    let settings = SchemeConfig { sampled, ..config.clone() };
    let mut scheme = Known::of(&settings, &open_ports).scheme(&settings);
    tell("taking up what the scheme has learnt")?;
    for (number, ports) in &ports {
        scheme.restore(&states[*number as usize], ports);
    }
    if let Some(stored) = stored.filter(|stored| stored.scheme == config.kind.name()) {
        scheme.recall_newcomers(&store.newcomers(0, u32::MAX)?);
        scheme.recall(&stored.learnt, now_s);
    }
    let named = store.watch_devices()?;
    for (number, (_, ports)) in (0..).zip(&named) {
        scheme.teach_device(number, ports);
    }
    log::info!(
        "{} targets, {} of them with open ports, loaded in {:.1} s, {:.1} s of these for the states",
        states.len(),
        ports.len(),
        begun.elapsed().as_secs_f64(),
        loaded_s
    );
    Ok(Recalled { answering: ports.len(), states, scheme, settings, networks, named })
}

/// Whether scans have looked at nearly all of these ports: what was open on others only was not found, however many were.
fn looked_at_most(ports: &[u16], store: &Store) -> Result<bool, StoreError> {
    let mut looked = PortBits::new();
    for scan in store.scanned_ports()? {
        // What another version wrote may mean nothing here.
        let list = scan.parse::<PortList>();
        for port in list.iter().flat_map(PortList::ports).filter(|port| port.kind == ProbeKind::TcpSyn) {
            looked.insert(port.port);
        }
    }
    Ok(ports.iter().filter(|port| looked.holds(**port)).count() * 10 >= ports.len() * 9)
}

/// The share of the addresses that a watch drew for its sample when it began; `None` if none has begun.
pub fn sampled(config: &SchemeConfig, stored: Option<&WatchClock>) -> Option<f64> {
    // Settings of a version that drew none say nothing.
    let before =
        |stored: &WatchClock| serde_json::from_str(&stored.settings).map_or(0.0, |before: SchemeConfig| before.sampled);
    stored.map(before).map(|sampled| if config.sample == 0 { 0.0 } else { sampled })
}

/// The states of all targets by address, as stored or new, and the open ports of those that have any by number.
type Loaded = (Vec<TargetState>, HashMap<u32, Box<[u16]>>);

fn load(
    targets: &AddressSet,
    store: &Store,
    tell: &mut dyn FnMut(&str) -> Result<(), EndedEarly>,
) -> anyhow::Result<Loaded> {
    tell("making room for the states of the targets")?;
    let ranges: Vec<_> = targets.ranges().collect();
    let mut states = vec_for_random_access(targets.len() as usize);
    let mut first_numbers = Vec::with_capacity(ranges.len());
    for range in &ranges {
        first_numbers.push(states.len() as u32);
        states.extend((range.first().0..=range.last().0).map(|address| TargetState::new(address, 0)));
    }
    let number_of = |address: u32| {
        let index = ranges.partition_point(|range| range.last().0 < address);
        let range = ranges.get(index).filter(|range| range.first().0 <= address)?;
        Some(first_numbers[index] + (address - range.first().0))
    };
    let mut ports = HashMap::new();
    let (mut loaded, mut told) = (0_u64, tell("loading the states of the targets"));
    store.for_each_target_while(|target| {
        loaded += 1;
        if loaded.is_multiple_of(TOLD) && told.is_ok() {
            told = tell(&format!("loading the states of the targets, {:.1} million so far", loaded as f64 / 1e6));
        }
        if told.is_err() {
            return ControlFlow::Break(());
        }
        // What is not watched any more keeps its state on disk.
        let Some(number) = number_of(target.state.address) else { return ControlFlow::Continue(()) };
        states[number as usize] = target.state;
        if target.open_ports.is_empty() {
            ports.remove(&number);
        } else {
            ports.insert(number, target.open_ports);
        }
        ControlFlow::Continue(())
    })?;
    told?;
    Ok((states, ports))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::store::Access;
    use crate::model::watch::SchemeKind;
    use crate::target::range::AddressRange;
    use prober_common::address::V4;

    #[test]
    fn whoever_hears_what_is_loaded_may_end_it_at_any_point() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
        let insert = "INSERT INTO target_base SELECT range, 1, 1, 1, 0, 0, 0, '' FROM range(300000)";
        store.connection().execute_batch(insert).unwrap();
        let targets = AddressSet::from_ranges([AddressRange::between(V4(0), V4(299_999))]);
        let config = SchemeConfig::usual(SchemeKind::Efficient, vec![80]);
        let recalled = |hears: usize| {
            let mut told = Vec::new();
            let recalled = recall(&targets, &config, None, 0, &store, &mut |what| {
                told.push(what.to_owned());
                if told.len() > hears { Err(EndedEarly) } else { Ok(()) }
            });
            (recalled.map(|recalled| recalled.states.len()), told)
        };
        let (all, told) = recalled(usize::MAX);
        assert_eq!(all.unwrap(), 300_000);
        assert!(told.iter().any(|line| line.ends_with("0.3 million so far")), "{told:?}");
        for hears in 0..told.len() {
            let (ended, heard) = recalled(hears);
            assert!(ended.unwrap_err().is::<EndedEarly>());
            assert_eq!(heard[..], told[..=hears], "nothing is loaded after that");
        }
    }
}
