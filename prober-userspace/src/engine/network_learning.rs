//! What the daemon learns of networks by itself: the types of the networks of addresses that answered lately, then how busy
//! networks are over the day and which are alike. One is of use without the other. When it is done is housekeeping's.

use crate::engine::congestion_learning::{CongestionConfig, CongestionLearnt, LearningError, learn_congestion};
use crate::engine::watch::quiet;
use crate::io::store::{NetworkBatch, Store, StoreError};
use crate::model::scan::ScanId;
use crate::model::utc::UtcMicros;
use crate::network::access::{NetworkEstimate, estimate_all};
use crate::network::built_in::BUILT_IN;
use crate::network::model::{Model, ModelError, ModelKind};
use crate::network::posterior::CONFIDENCE_MIN;
use crate::policy::learnt_networks::LearntNetworks;

/// Replies that types are estimated by are not older; neither are estimates that stay as they are.
const LATELY_US: i64 = 30 * 86_400_000_000;
/// /24s that are looked at together: with each address's latest replies, some 100 MB at most where few answer.
const TOGETHER: usize = 1 << 14;

/// Estimates of types that were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypesEstimated {
    /// Addresses.
    pub addresses: usize,
    /// Of these, those whose type is probable enough to be named.
    pub named: usize,
}

/// Why types could not be estimated.
#[derive(Debug, thiserror::Error)]
pub enum TypesError {
    /// The model does not fit the program.
    #[error("the model that comes with the program: {0}")]
    Model(#[from] ModelError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Estimates the network types of addresses that answered lately, each when it is first heard of, when it was heard twice as
/// often as at its last estimate, and once a month. `is_given_up` is asked now and then.
pub fn estimate_types(
    store: &Store,
    now: UtcMicros,
    is_given_up: &dyn Fn() -> bool,
) -> Result<TypesEstimated, TypesError> {
    let since = UtcMicros(now.0 - LATELY_US);
    let wanted = store.addresses_to_estimate(since)?;
    let mut made = TypesEstimated::default();
    if wanted.is_empty() {
        return Ok(made);
    }
    let model = Model::built_in(ModelKind::Network)?;
    let scan = store.scan_or_last(None)?.unwrap_or(ScanId(0));
    let batch = NetworkBatch { scan, estimated_at: now, model: BUILT_IN.to_owned() };
    let mut networks: Vec<u32> = wanted.iter().map(|address| address & !255).collect();
    networks.dedup();
    let is_wanted = |estimate: &NetworkEstimate| {
        let address = estimate.terminal.parse::<std::net::Ipv4Addr>().map(u32::from);
        address.is_ok_and(|address| wanted.binary_search(&address).is_ok())
    };
    for part in networks.chunks(TOGETHER) {
        if is_given_up() {
            break;
        }
        let traces = store.recent_traces(since, part)?;
        let mut estimates = Vec::new();
        // Neighbours tell of the way to each other, so all of a /24 are looked at.
        for place in traces.chunk_by(|one, next| one.place == next.place) {
            if is_given_up() {
                break;
            }
            estimates.extend(estimate_all(&model, place, CONFIDENCE_MIN).into_iter().filter(is_wanted));
        }
        store.add_network_estimates(&batch, &estimates)?;
        made.addresses += estimates.len();
        made.named += estimates.iter().filter(|estimate| estimate.network_type.is_some()).count();
    }
    Ok(made)
}

/// What came of it all.
#[derive(Debug, Default)]
pub struct NetworksLearnt {
    /// For the watch that runs; `None`: what it has stays.
    pub networks: Option<LearntNetworks>,
    /// Whether nothing failed; to find nothing is no failure.
    pub is_well: bool,
}

/// Learns it all, logs it, and writes it into the trail as done by `who`. What fails hinders nothing else.
pub fn learn_networks(
    store: &Store,
    config: &CongestionConfig,
    now: UtcMicros,
    who: &str,
    is_given_up: &dyn Fn() -> bool,
) -> NetworksLearnt {
    let mut learnt = NetworksLearnt { networks: None, is_well: true };
    let types = estimate_types(store, now, is_given_up).unwrap_or_else(|cause| {
        if !is_given_up() {
            log::error!("network types could not be estimated, tomorrow again: {cause}");
        }
        learnt.is_well = false;
        TypesEstimated::default()
    });
    if is_given_up() {
        return learnt;
    }
    let told = learn_congestion(store, config, now, is_given_up).and_then(|congestion| {
        learnt.networks = Some(quiet::load(store)?).filter(|networks| !networks.is_empty());
        if congestion.networks > 0 || types.addresses > 0 {
            tell(store, types, &congestion, now, who)?;
        }
        Ok(())
    });
    match told {
        Ok(()) | Err(LearningError::GivenUp) => {}
        Err(nothing @ LearningError::Nothing { .. }) => log::info!("{nothing}"),
        Err(LearningError::Store(cause)) if !is_given_up() => {
            log::error!("how busy networks are could not be learnt, tomorrow again: {cause}");
            learnt.is_well = false;
        }
        Err(LearningError::Store(_)) => learnt.is_well = false,
    }
    learnt
}

fn tell(
    store: &Store,
    types: TypesEstimated,
    congestion: &CongestionLearnt,
    now: UtcMicros,
    who: &str,
) -> Result<(), StoreError> {
    log::info!(
        "learnt of networks: {} of {} addresses have a type; {} networks with {} addresses in {} clusters ({} of before), from \
         {} answers",
        types.named,
        types.addresses,
        congestion.networks,
        congestion.addresses,
        congestion.clusters,
        congestion.kept,
        congestion.answers.learnt
    );
    let detail = serde_json::json!({
        "types": { "addresses": types.addresses, "named": types.named },
        "congestion": congestion,
    });
    store.audit(now, who, "networks.learnt", &detail)
}

#[cfg(test)]
mod tests;
