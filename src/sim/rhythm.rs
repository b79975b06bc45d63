//! When people come and how long they stay: a school's day, a class, a hackathon.

use jiff::{SignedDuration, Timestamp};

use super::state::{State, Todo, later};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Where the practice cluster's people live it is five hours earlier: their day begins with the
/// world at eight in the morning.
const WEST: i64 = 5 * 3600;
/// How many of a hundred servers are asked for in each hour of a day, from midnight on.
const HOURS: [u64; 24] = [
    0, 0, 0, 0, 0, 0, 0, 1, 5, 9, 10, 9, 6, 9, 10, 8, 6, 4, 4, 5, 5, 4, 3, 2,
];
/// How many come in an ordinary day.
const PEOPLE: u32 = 90;
/// How long somebody stays who just works, in milliseconds.
const STAYS: (u64, u64) = (20 * MINUTE, 150 * MINUTE);
/// How many of a hundred stop their server when they are done; the others just leave it.
const TIDY: u64 = 30;
/// When a class ends after the world's beginning, and how long its people take to.
const CLASS_ENDS: u64 = 40 * MINUTE;
const PACKING: (u64, u64) = (0, 6 * MINUTE);
/// When a hackathon begins (at nine), how long its people take to come, and how long they stay.
const BEGINS: u64 = HOUR;
const COMING: (u64, u64) = (0, 45 * MINUTE);
const HACKS: (u64, u64) = (3 * HOUR, 7 * HOUR);
const PEEKS: (u64, u64) = (20 * MINUTE, 80 * MINUTE);

/// The hour of the day where the people are, from 0 to 23.
fn hour(at: Timestamp) -> usize {
    let seconds = (at.as_second() - WEST).rem_euclid(86_400);
    usize::try_from(seconds / 3600).unwrap_or(0)
}

impl State {
    /// Plans somebody's coming, and their going if they are tidy.
    fn expect(&mut self, namespace: &str, comes: Timestamp, works_ms: u64) {
        let user = self.chance.hex(16);
        let namespace = namespace.to_owned();
        if self.chance.between((0, 99)) < TIDY {
            let pod = format!("jupyter-{user}");
            let leave = Todo::Leave {
                namespace: namespace.clone(),
                pod,
            };
            self.plan(later(comes, works_ms + MINUTE), leave);
        }
        let arrive = Todo::Arrive {
            namespace,
            user,
            works_ms,
        };
        self.plan(comes, arrive);
    }

    /// The next twenty-four hours of ordinary life, and the ones after them.
    pub(super) fn day(&mut self, at: Timestamp) {
        let ahead = |i: u64| hour(later(at, i * HOUR));
        let weights: Vec<u64> = (0..24)
            .map(|i| HOURS.get(ahead(i)).copied().unwrap_or(0))
            .collect();
        let all: u64 = weights.iter().sum();
        for _ in 0..PEOPLE {
            let mut drawn = self.chance.between((0, all.saturating_sub(1)));
            let mut hours = 0;
            for weight in &weights {
                match drawn.checked_sub(*weight) {
                    Some(rest) => drawn = rest,
                    None => break,
                }
                hours += 1;
            }
            let comes = later(at, hours * HOUR + self.chance.between((0, HOUR - 1)));
            let hub = if self.chance.between((0, 19)) == 0 {
                "staging"
            } else {
                "prod"
            };
            let works = self.chance.between(STAYS);
            self.expect(hub, comes, works);
        }
        self.plan(later(at, DAY), Todo::Day);
    }

    /// Thirty people in a class that ends, ten others, and an ordinary day around them.
    pub(super) fn class(&mut self) {
        let nodes: Vec<String> = (self.pools.values())
            .filter(|pool| pool.purpose == "user")
            .flat_map(|pool| pool.instances.keys().cloned())
            .collect();
        let hour_ago = self.ago(SignedDuration::from_hours(1));
        for i in 0..40 {
            let began = later(hour_ago, self.chance.between((0, 20 * MINUTE)));
            let lasts = match i {
                0..30 => CLASS_ENDS + self.chance.between(PACKING),
                // Somebody left before the world began.
                30..33 => 0,
                _ => self.chance.between(STAYS),
            };
            let until = match lasts {
                0 => later(began, 25 * MINUTE),
                lasts => later(self.began, lasts),
            };
            let full = usize::from(i >= 26);
            let node = nodes.get(full).map_or("", String::as_str);
            let pod = self.add_person(("prod", node), until, began);
            if lasts > 0 && self.chance.between((0, 99)) < TIDY {
                let namespace = "prod".to_owned();
                self.plan(later(until, MINUTE), Todo::Leave { namespace, pod });
            }
        }
        self.day(self.began);
    }

    /// Three hundred people from nine o'clock on, most of them in the first minutes.
    pub(super) fn hackathon(&mut self) {
        let nine = later(self.began, BEGINS);
        for _ in 0..300 {
            let late = self.chance.between(COMING).min(self.chance.between(COMING));
            let stays = if self.chance.between((0, 9)) == 0 {
                PEEKS
            } else {
                HACKS
            };
            let works = self.chance.between(stays);
            self.expect("prod", later(nine, late), works);
        }
    }
}
