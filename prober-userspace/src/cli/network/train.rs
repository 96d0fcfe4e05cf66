//! `prober network train`: makes a model out of labelled traces.

use super::super::learning::TrainOptions;
use crate::network::model::ModelKind;

/// Make a model of network types out of labelled traces
///
/// Every place (`scenario` of the traces) is judged by a model that never saw it; the table is written into the model and
/// printed. The model that is written has learnt from all of them, and from series drawn after standards (idle phones, sleeping
/// stations, slow meshes) that widen what it knows and are never judged. The same traces give the same model.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    options: TrainOptions,
    /// For a state of 64 bytes that follows an address reply by reply, instead of for whole traces
    #[arg(long)]
    live: bool,
}

impl TrainArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        self.options.run(if self.live { ModelKind::NetworkLive } else { ModelKind::Network })
    }
}
