//! `prober cause evaluate`: how well causes are told.

use super::super::learning::EvaluateOptions;
use crate::network::model::ModelKind;

/// Judge estimates of causes by labelled traces
///
/// With --json prints one object: `accuracy` (`unknown` counts as not right), `unknown`, `calibration_error`, `classes` with
/// `recall`, `precision`, `recall_idle` and `recall_loaded` (without and with other traffic), `confusion` with one row for
/// each of `classes` and the columns `confusion_columns`; `places` where there are at most 20; `trained_on`: whether the model
/// has learnt from these very traces; and with --field, `field`: for each collection and length `pieces`, `right`, `wrong`, `unknown`
/// and `calibration_error`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct EvaluateArgs {
    #[command(flatten)]
    options: EvaluateOptions,
}

impl EvaluateArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        self.options.run(ModelKind::Cause)
    }
}
