//! Spreads probes over slots so that others wait as little longer as possible, all together.
//!
//! With the others' load L and our own share x, an arrival waits (L + x) / (1 - L - x) residual service times
//! (Pollaczek-Khinchine), and L such arrivals come in a service time. What one more probe costs them all is the derivative,
//! L / (1 - L - x)^2. The sum is least where that is the same in every slot that gets any (the costs are convex):
//! x = 1 - L - c sqrt(L), with the c at which all probes find room.

/// A load below this is not told from an idle network.
const LEAST_LOAD: f64 = 0.01;
/// Halvings of the interval in which c lies.
const HALVINGS: u32 = 40;

/// A slot, in shares of the bottleneck's time.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// What the others take.
    pub others: f64,
    /// What we take already.
    pub ours: f64,
    /// What we may take at most.
    pub most: f64,
}

impl Slot {
    /// What it gets besides `ours`.
    fn added(&self, c: f64) -> f64 {
        let others = self.others.clamp(LEAST_LOAD, 1.0);
        (1.0 - others - c * others.sqrt()).min(self.most).max(self.ours) - self.ours
    }
}

/// What each slot gets, as share of the slot's time: together `wanted`, or less if the slots do not hold so much.
pub fn level(slots: &[Slot], wanted: f64, operations: &mut u64) -> Vec<f64> {
    let mut total = |c: f64| {
        *operations += slots.len() as u64;
        slots.iter().map(|slot| slot.added(c)).sum::<f64>()
    };
    // At the upper end nobody gets anything; at the lower one everybody gets the most.
    let (mut low, mut high) = (0.0, 1.0 / LEAST_LOAD.sqrt());
    if total(low) > wanted {
        for _ in 0..HALVINGS {
            let c = low.midpoint(high);
            if total(c) > wanted { low = c } else { high = c }
        }
    } else {
        high = low;
    }
    slots.iter().map(|slot| slot.added(high)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(others: &[f64]) -> Vec<Slot> {
        others.iter().map(|others| Slot { others: *others, ours: 0.0, most: 1.0 - others }).collect()
    }

    /// What all together wait longer.
    fn harm(slots: &[Slot], added: &[f64]) -> f64 {
        let wait = |slot: &Slot, x: f64| (slot.others + x) / (1.0 - slot.others - x);
        slots.iter().zip(added).map(|(slot, x)| slot.others * (wait(slot, *x) - wait(slot, 0.0))).sum()
    }

    #[test]
    fn no_shift_from_one_slot_to_another_does_less_harm() {
        let slots = slots(&[0.1, 0.9, 0.3, 0.6, 0.2]);
        let added = level(&slots, 1.2, &mut 0);
        assert!((added.iter().sum::<f64>() - 1.2).abs() < 1e-6, "{added:?}");
        assert!(added[1] <= 0.0 && added[0] > added[4] && added[4] > added[2], "{added:?}");
        let least = harm(&slots, &added);
        for from in 0..slots.len() {
            for to in (0..slots.len()).filter(|to| *to != from && added[from] > 0.01) {
                let mut other = added.clone();
                other[from] -= 0.01;
                other[to] += 0.01;
                assert!(harm(&slots, &other) > least, "{from} to {to}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_left_and_what_is_there_counts() {
        let mut full = slots(&[0.5, 0.8, 1.0]);
        let added = level(&full, 9.0, &mut 0);
        assert!((added[0] - 0.5).abs() < 1e-9 && (added[1] - 0.2).abs() < 1e-9 && added[2] <= 0.0, "{added:?}");
        full[0].ours = 0.4;
        full[1].most = 0.1;
        let added = level(&full, 9.0, &mut 0);
        assert!((added[0] - 0.1).abs() < 1e-9 && (added[1] - 0.1).abs() < 1e-9, "{added:?}");
        assert!(level(&[], 1.0, &mut 0).is_empty());
    }
}
