//! Ages, as `kubectl` writes them (`HumanDuration` of apimachinery): two units while the first is
//! small, then one.

use std::fmt;
use std::time::Duration;

/// An age: `119s`, `4h1m`, `10d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(pub Duration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
        let pair = |large: u64, unit: &str, small: u64, subunit: &str| match small {
            0 => format!("{large}{unit}"),
            small => format!("{large}{unit}{small}{subunit}"),
        };
        f.pad(&match seconds {
            0..120 => format!("{seconds}s"),
            120..600 => pair(minutes, "m", seconds % 60, "s"),
            600..10_800 => format!("{minutes}m"),
            10_800..28_800 => pair(hours, "h", minutes % 60, "m"),
            28_800..172_800 => format!("{hours}h"),
            172_800..691_200 => pair(days, "d", hours % 24, "h"),
            691_200..63_072_000 => format!("{days}d"),
            63_072_000..252_288_000 => pair(days / 365, "y", days % 365, "d"),
            _ => format!("{}y", days / 365),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_kubectl_writes_them() {
        let seconds = [
            0,
            119,
            120,
            305,
            7200,
            14_460,
            100_000,
            180_000,
            864_000,
            70_000_000,
            300_000_000,
        ];
        let written = seconds.map(|seconds| Age(Duration::from_secs(seconds)).to_string());
        let expected = [
            "0s", "119s", "2m", "5m5s", "120m", "4h1m", "27h", "2d2h", "10d", "2y80d", "9y",
        ];
        assert_eq!(written, expected);
    }
}
