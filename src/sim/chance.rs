//! The world's dice: one number (splitmix64), saved with the world, so that a seed decides everything.

use serde::{Deserialize, Serialize};

/// What Kubernetes draws its name suffixes from.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// The dice. Thrown only when the world changes, never when it is looked at: otherwise how often
/// a client asks would decide what happens next.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both possible.
    pub(super) fn between(&mut self, (low, high): (u64, u64)) -> u64 {
        low + self.throw() % (high.saturating_sub(low) + 1)
    }

    /// So many hexadecimal digits, at most sixteen.
    pub(super) fn hex(&mut self, digits: usize) -> String {
        format!("{:016x}", self.throw())
            .chars()
            .take(digits)
            .collect()
    }

    /// A suffix as Kubernetes gives to pods.
    pub(super) fn suffix(&mut self, letters: usize) -> String {
        (0..letters)
            .map(|_| {
                let wanted = self.throw() % 27;
                let found = LETTERS.iter().zip(0..).find(|(_, i)| *i == wanted);
                found.map_or('x', |(letter, _)| char::from(*letter))
            })
            .collect()
    }

    /// A version 4 UUID.
    pub(super) fn uuid(&mut self) -> String {
        let digits = format!("{}{}", self.hex(16), self.hex(14));
        let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
        let (first, second) = (part(0, 8), part(8, 12));
        format!(
            "{first}-{second}-4{}-a{}-{}",
            part(12, 15),
            part(15, 18),
            part(18, 30)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_one_sequence() {
        let (mut a, mut b, mut c) = (Chance::new(7), Chance::new(7), Chance::new(8));
        assert_eq!(a.uuid(), b.uuid());
        assert_ne!(a.suffix(5), c.suffix(5));
        assert!((0..1000).all(|_| (3..=5).contains(&a.between((3, 5)))));
    }
}
