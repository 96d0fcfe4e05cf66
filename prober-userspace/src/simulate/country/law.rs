//! How often which port is open: a Zipf-Mandelbrot law over ports in an order of their own, and a tail over all ports alike
//! (METHODS section 10: 500 ports hold 84 to 85 % of all open ports, 5 to 6 % lie anywhere).

use crate::simulate::draws::Draws;
use crate::target::port_sets::PORT_SETS;

/// The first port of the law is this far from the pole.
const SHIFT: f64 = 3.0;

/// The law.
#[derive(Clone, Debug)]
pub struct PortLaw {
    ports: Vec<u16>,
    cumulative: Vec<f64>,
    tail: f64,
}

impl PortLaw {
    /// With the tail's share of the draws (0 to 1) and the law's exponent; the named ports come first, the others as the draws have it.
    pub fn new(tail: f64, exponent: f64, draws: &mut Draws) -> Self {
        let mut ports: Vec<u16> = Vec::new();
        let mut is_taken = vec![false; 1 << 16];
        let named = PORT_SETS.iter().flat_map(|set| set.members).map(|member| member.port.port);
        for port in named {
            if !std::mem::replace(&mut is_taken[usize::from(port)], true) {
                ports.push(port);
            }
        }
        let first = ports.len();
        ports.extend((1..=u16::MAX).filter(|port| !is_taken[usize::from(*port)]));
        for place in (first + 1..ports.len()).rev() {
            let other = first + draws.below(place + 1 - first);
            ports.swap(place, other);
        }
        let mut sum = 0.0;
        let cumulative = (0..ports.len())
            .map(|rank| {
                sum += (rank as f64 + SHIFT).powf(-exponent);
                sum
            })
            .collect();
        Self { ports, cumulative, tail }
    }

    /// A port.
    pub fn draw(&self, draws: &mut Draws) -> u16 {
        if draws.chance(self.tail) {
            return 1 + draws.below(usize::from(u16::MAX)) as u16;
        }
        self.head(1.0, draws)
    }

    /// A port of the law's first part (0 to 1 of its mass).
    pub fn head(&self, part: f64, draws: &mut Draws) -> u16 {
        let mass = self.cumulative.last().copied().unwrap_or(1.0);
        let at = part * mass * draws.unit();
        let rank = self.cumulative.partition_point(|sum| *sum < at);
        self.ports[rank.min(self.ports.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_drawn_as_often_as_the_law_says() {
        const DRAWS: u32 = 200_000;
        let mut draws = Draws::new(1, 0);
        let law = PortLaw::new(0.1, 1.3, &mut draws);
        let mut counts = vec![0_u32; 1 << 16];
        for _ in 0..DRAWS {
            counts[usize::from(law.draw(&mut draws))] += 1;
        }
        let mass = law.cumulative.last().expect("there are ports");
        for first in [1, 10, 100, 1_000, 10_000] {
            let drawn: u32 = law.ports[..first].iter().map(|port| counts[usize::from(*port)]).sum();
            let in_tail = first as f64 / f64::from(u16::MAX);
            let expected = 0.9 * law.cumulative[first - 1] / mass + 0.1 * in_tail;
            let share = f64::from(drawn) / f64::from(DRAWS);
            assert!((share - expected).abs() < 0.005, "the first {first}: {share:.4} instead of {expected:.4}");
        }
        assert!((0..10_000).all(|_| law.ports[..400].contains(&law.head(0.5, &mut draws))), "half of the mass");
    }
}
