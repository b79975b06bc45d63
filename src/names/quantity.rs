//! Amounts of CPU and memory, as Kubernetes writes them.
//!
//! The grammar is that of `resource.Quantity`: a decimal number, then a binary suffix (`Ki`), a
//! decimal one (`n`, `u`, `m`, `k`, `M`) or an exponent (`1e3`).

use std::fmt;
use std::iter::Sum;
use std::ops::AddAssign;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// CPU, in billionths of a core.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Cpu(pub u64);

/// Memory, in bytes.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Bytes(pub u64);

const BILLION: u128 = 1_000_000_000;

/// What stands behind the digits, as a factor in billionths.
fn factor(suffix: &str) -> Option<u128> {
    let binary = |power| Some(BILLION << (10 * power));
    let decimal = |power| Some(10_u128.pow(power));
    match suffix {
        "n" => decimal(0),
        "u" => decimal(3),
        "m" => decimal(6),
        "" => decimal(9),
        "k" => decimal(12),
        "M" => decimal(15),
        "G" => decimal(18),
        "T" => decimal(21),
        "P" => decimal(24),
        "E" => decimal(27),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        exponent => {
            let power: u32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            (power <= 18).then(|| 10_u128.pow(9 + power))
        }
    }
}

/// The amount in billionths, rounded down.
fn billionths(text: &str) -> Option<u128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, suffix) = text.split_at(end.unwrap_or(text.len()));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let factor = factor(suffix)?;
    let digits = |digits: &str| match digits {
        "" => Some(0_u128),
        digits => digits.parse().ok(),
    };
    // More digits than that say nothing any more.
    let fraction = fraction.get(..fraction.len().min(9))?;
    let part = u32::try_from(fraction.len()).ok()?;
    let part = digits(fraction)?.checked_mul(factor)? / 10_u128.pow(part);
    digits(whole)?.checked_mul(factor)?.checked_add(part)
}

/// A text that is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount like 250m or 1Gi")]
pub struct NoQuantity(String);

fn parse(text: &str, unit: u128) -> Result<u64, NoQuantity> {
    let amount = billionths(text).and_then(|amount| u64::try_from(amount / unit).ok());
    amount.ok_or_else(|| NoQuantity(text.to_owned()))
}

impl FromStr for Cpu {
    type Err = NoQuantity;

    fn from_str(text: &str) -> Result<Self, NoQuantity> {
        parse(text, 1).map(Self)
    }
}

impl FromStr for Bytes {
    type Err = NoQuantity;

    fn from_str(text: &str) -> Result<Self, NoQuantity> {
        parse(text, BILLION).map(Self)
    }
}

/// `250m`, as `kubectl top` shows it: thousandths, rounded up.
impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}m", self.0.div_ceil(1_000_000)))
    }
}

/// `512Ki`, `345Mi`, `1.2Gi`.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MI: u64 = 1 << 20;
        const GI: u64 = 1 << 30;
        let text = match self.0 {
            0 => "0".to_owned(),
            1..MI => format!("{}Ki", self.0.div_ceil(1 << 10)),
            MI..GI => format!("{}Mi", self.0 / MI),
            bytes => {
                let tenths = u128::from(bytes) * 10 / u128::from(GI);
                format!("{}.{}Gi", tenths / 10, tenths % 10)
            }
        };
        f.pad(&text)
    }
}

impl AddAssign for Cpu {
    fn add_assign(&mut self, more: Self) {
        self.0 = self.0.saturating_add(more.0);
    }
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, more: Self) {
        self.0 = self.0.saturating_add(more.0);
    }
}

impl Sum for Cpu {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_in_every_way_kubernetes_writes_them() {
        let cpu = |text: &str| text.parse::<Cpu>().unwrap().0;
        assert_eq!(cpu("250m"), 250_000_000);
        assert_eq!(cpu("1"), 1_000_000_000);
        assert_eq!(cpu("0.1"), 100_000_000);
        assert_eq!(cpu("1234567n"), 1_234_567);
        assert_eq!(cpu("17u"), 17_000);
        let bytes = |text: &str| text.parse::<Bytes>().unwrap().0;
        assert_eq!(bytes("345Mi"), 345 << 20);
        assert_eq!(bytes("1.5Gi"), 3 << 29);
        assert_eq!(bytes("12345Ki"), 12_345 << 10);
        assert_eq!(bytes("1e3"), 1000);
        assert_eq!(bytes("128974848"), 128_974_848);
        assert_eq!(bytes("129M"), 129_000_000);
        assert_eq!(bytes("123456m"), 123);
        for bad in ["", "m", "1.5.2", "-3", "lots", "1Xi", "1e99", "9999999999E"] {
            assert!(bad.parse::<Bytes>().is_err(), "{bad}");
        }
    }

    #[test]
    fn amounts_are_shown_as_kubectl_top_shows_them() {
        let cpu = |text: &str| text.parse::<Cpu>().unwrap().to_string();
        assert_eq!(
            ["250m", "1.5", "1n", "0"].map(cpu),
            ["250m", "1500m", "1m", "0m"]
        );
        let bytes = |text: &str| text.parse::<Bytes>().unwrap().to_string();
        assert_eq!(
            ["0", "1", "512Ki", "1048576", "1023Mi", "1.25Gi", "64Gi"].map(bytes),
            ["0", "1Ki", "512Ki", "1Mi", "1023Mi", "1.2Gi", "64.0Gi"]
        );
        assert_eq!(format!("{:>6}", Cpu(0)), "    0m");
    }

    #[test]
    fn a_sum_never_overflows() {
        let sum: Cpu = [Cpu(u64::MAX), Cpu(3)].into_iter().sum();
        assert_eq!(sum, Cpu(u64::MAX));
    }
}
