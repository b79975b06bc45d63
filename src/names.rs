//! Shared vocabulary: names that are parsed once and then carried as types.
//!
//! Never does I/O and never knows which room a name came from.

mod age;
pub mod domain;
mod github;
mod image;
mod need;
mod quantity;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use age::Age;
pub use domain::Domain;
pub use github::{AllowList, Person, Repository};
pub use image::Image;
pub use need::{Need, Where};
pub use quantity::{Bytes, Cpu, NoQuantity};

/// How the names of a hub's own pods begin, where nobody says otherwise.
pub const HUB_PODS: [&str; 3] = ["hub-", "proxy-", "home-metrics-"];

/// Where a GKE cluster lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterName {
    /// Google Cloud project id.
    pub project: String,
    /// Region (`northamerica-northeast1`) or zone.
    pub location: String,
    /// The cluster's own name.
    pub cluster: String,
}

impl ClusterName {
    /// `projects/P/locations/L`, the parent of operations.
    pub fn parent(&self) -> String {
        format!("projects/{}/locations/{}", self.project, self.location)
    }

    /// `projects/P/locations/L/clusters/C`.
    pub fn path(&self) -> String {
        format!("{}/clusters/{}", self.parent(), self.cluster)
    }

    /// `projects/P/locations/L/clusters/C/nodePools/POOL`.
    pub fn pool(&self, pool: &str) -> String {
        format!("{}/nodePools/{pool}", self.path())
    }

    /// `projects/P/locations/L/operations/ID`, from an operation's short id.
    pub fn operation(&self, id: &str) -> String {
        format!("{}/operations/{id}", self.parent())
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.project, self.location, self.cluster)
    }
}

/// How a run touches the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The real doors.
    Live,
    /// The practice world that is kept between runs.
    Practice,
    /// A fresh practice world, thrown away afterwards.
    Rehearsal,
    /// A copy of the target.
    DryRun,
}

impl Mode {
    /// Whether nothing real can be reached.
    pub fn is_practice(self) -> bool {
        match self {
            Self::Live => false,
            Self::Practice | Self::Rehearsal | Self::DryRun => true,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::Practice => "practice",
            Self::Rehearsal => "rehearsal",
            Self::DryRun => "dry run",
        })
    }
}

/// Who a check logs in as, unless somebody says otherwise: a name nobody else can log in with.
pub const CHECK_USER: &str = "deployment-service-check";

/// Which of a cluster's endpoints Kubernetes requests go to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum K8sEndpoint {
    /// The public address.
    #[default]
    Ip,
    /// The DNS name, with a public certificate.
    Dns,
    /// The address inside the network.
    Internal,
}

/// What kind of thing an effect is; decides what a dry run and a resume may do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Looks and changes nothing.
    Read,
    /// Brings something to a wanted state; sending it twice is harmless.
    WriteConverge,
    /// Must not be sent twice: shrinks, deletes, opens, posts.
    WriteOnce,
    /// Waits for a condition.
    Wait,
    /// Asks the operator.
    Ask,
    /// A conversation that cannot be had twice: a shell, a followed log. Never replayed.
    Session,
    /// Talks to the operator or the engine only; no journal record.
    Local,
}

impl Class {
    /// Whether it changes something outside.
    pub fn writes(self) -> bool {
        match self {
            Self::WriteConverge | Self::WriteOnce => true,
            Self::Read | Self::Wait | Self::Ask | Self::Session | Self::Local => false,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::WriteConverge => "write(converge)",
            Self::WriteOnce => "write(once)",
            Self::Wait => "wait",
            Self::Ask => "ask",
            Self::Session => "session",
            Self::Local => "local",
        })
    }
}

/// What is older than this is worth a question or a reminder: an unfinished run, a debt.
pub const AGE: std::time::Duration = std::time::Duration::from_hours(12);

/// What a node costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// For an hour, in millionths of the currency.
    pub node_hour: u64,
    /// `CAD`.
    pub currency: String,
}

impl Price {
    /// What so many nodes have cost after so long: `4.20 CAD`.
    pub fn of(&self, nodes: u32, time: std::time::Duration) -> String {
        let millionths =
            u128::from(self.node_hour) * u128::from(nodes) * u128::from(time.as_secs());
        let cents = millionths / 3600 / 10_000;
        format!("{}.{:02} {}", cents / 100, cents % 100, self.currency)
    }
}

/// A length of time as people say it: `45 s`, `22 min 31 s`, `1 h 05 min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Took(pub std::time::Duration);

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
            (0, 0, s) => write!(f, "{s} s"),
            (0, m, s) => write!(f, "{m} min {s:02} s"),
            (h, m, _) => write!(f, "{h} h {m:02} min"),
        }
    }
}

/// Reads a duration as people write it (`90s`, `25m`, `1h30m`); a bare number is refused.
///
/// # Errors
/// A sentence saying what is wrong with the text.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || format!("`{text}` is not a duration; write it like 90s, 25m or 1h30m");
    let mut seconds = 0_u64;
    let mut digits = String::new();
    let mut units = 0;
    for c in text.trim().chars() {
        let unit = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return Err(wrong()),
        };
        let count: u64 = digits.parse().map_err(|_| wrong())?;
        digits.clear();
        units += 1;
        seconds = count
            .checked_mul(unit)
            .and_then(|more| seconds.checked_add(more))
            .ok_or_else(wrong)?;
    }
    if units == 0 || !digits.is_empty() {
        return Err(wrong());
    }
    Ok(std::time::Duration::from_secs(seconds))
}

/// Seconds as [`duration`] reads them: `1h30m`.
pub fn spell(seconds: u64) -> String {
    let parts = [
        (seconds / 3600, 'h'),
        (seconds / 60 % 60, 'm'),
        (seconds % 60, 's'),
    ];
    let mut spelled = String::new();
    for (count, unit) in parts {
        if count > 0 {
            spelled.push_str(&count.to_string());
            spelled.push(unit);
        }
    }
    if spelled.is_empty() {
        spelled.push_str("0s");
    }
    spelled
}

/// The flag of a parameter, without dashes: `user_pool` is given as `--user-pool`, and `print_`,
/// whose plain name is a reserved word of scripts, as `--print`.
pub fn flag(parameter: &str) -> String {
    parameter.trim_end_matches('_').replace('_', "-")
}

/// Bytes as hexadecimal digits.
pub fn hex<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> String {
    let digits = bytes.into_iter();
    digits.fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// The nearest of `known` to what was typed, if near enough to suggest.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().max(typed.len()) / 4)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("90s").unwrap().as_secs(), 90);
        assert_eq!(duration("1h30m").unwrap().as_secs(), 5400);
        for bad in ["", "25", "m", "1d", "-5m", "5m3", "99999999999999999999h"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nodes_cost_by_the_hour() {
        let price = Price {
            node_hour: 190_000,
            currency: "CAD".to_owned(),
        };
        let hours = std::time::Duration::from_hours;
        assert_eq!(price.of(2, hours(5)), "1.90 CAD");
        assert_eq!(price.of(20, hours(24 * 30)), "2736.00 CAD");
        assert_eq!(price.of(0, hours(5)), "0.00 CAD");
    }

    #[test]
    fn suggestions_are_near_or_absent() {
        assert_eq!(
            nearest("autoscal", ["autoscale", "list"]),
            Some("autoscale")
        );
        assert_eq!(nearest("zebra", ["autoscale", "list"]), None);
    }
}
