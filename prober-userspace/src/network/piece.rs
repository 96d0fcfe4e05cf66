//! Long series cut into pieces that are taken for terminals of their own.

use crate::model::trace::Trace;

/// Most pieces of one series, spread over it.
const PIECES_MAX: usize = 20;

/// Pieces of `probes` probes; a rest that is much shorter says less and only counts where there is nothing else.
pub fn cut(trace: &Trace, probes: usize) -> Vec<Trace> {
    let pieces: Vec<_> = trace.probes.chunks(probes.max(1)).collect();
    let step = pieces.len().div_ceil(PIECES_MAX).max(1);
    let long =
        pieces.iter().step_by(step).enumerate().filter(|(index, piece)| *index == 0 || 2 * piece.len() >= probes);
    let piece = |(index, piece): (usize, &&[_])| Trace {
        terminal: format!("{}#{}", trace.terminal, index + 1),
        probes: piece.to_vec(),
        ..trace.clone()
    };
    long.map(piece).collect()
}
