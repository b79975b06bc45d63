//! Moments, as people give and read them: in a target's time zone, with its offset.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::super::Setup;
use crate::error::{Error, Kind, Result};
use crate::world::Clock;
pub(crate) use crate::world::clock::moment;

/// `12 November`, with its year when that is not the present one.
pub(crate) fn day(at: Timestamp, zone: &TimeZone) -> String {
    let at = at.to_zoned(zone.clone());
    let now = Clock::Live.now().to_zoned(zone.clone());
    let format = if at.year() == now.year() {
        "%-d %B"
    } else {
        "%-d %B %Y"
    };
    at.strftime(format).to_string()
}

/// The time zone of a target, else of the default one, else UTC.
pub(crate) fn zone(setup: &Setup<'_>, target: Option<&str>) -> TimeZone {
    let name = target.or(setup.config.default_target.as_deref());
    let target = name.and_then(|name| setup.config.targets.get(name));
    let zone = target.and_then(|target| target.timezone.as_ref());
    zone.and_then(|zone| TimeZone::get(zone.as_str()).ok())
        .unwrap_or(TimeZone::UTC)
}

/// The moment meant by a date, or by how long ago it was.
pub(super) fn since(text: &str, zone: TimeZone) -> Result<Timestamp> {
    let now = Clock::Live.now();
    let past = match text.parse::<Date>() {
        Ok(date) => date.to_zoned(zone).map(|at| at.timestamp()).ok(),
        Err(_) => back(text, now, zone),
    };
    past.ok_or_else(|| {
        Error::new(
            Kind::Usage,
            format!("`{text}` is neither a date nor a time back from now"),
        )
        .hint("write it like 2026-11-01, 7d or 12h")
    })
}

fn back(text: &str, now: Timestamp, zone: TimeZone) -> Option<Timestamp> {
    let span: Span = text.parse().ok()?;
    let then = now.to_zoned(zone).checked_sub(span).ok()?.timestamp();
    (then <= now).then_some(then)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_begins_at_midnight_of_its_zone_and_a_length_goes_back_from_now() {
        let edmonton = TimeZone::get("America/Edmonton").unwrap();
        let date = since("2026-11-01", edmonton.clone()).unwrap();
        assert_eq!(date.to_string(), "2026-11-01T06:00:00Z");
        let now: Timestamp = "2026-11-05T12:00:00Z".parse().unwrap();
        let back = |text| back(text, now, edmonton.clone()).map(|at| at.to_string());
        assert_eq!(back("12h").unwrap(), "2026-11-05T00:00:00Z");
        // The same hour of the day, though one day between had 25.
        assert_eq!(back("7d").unwrap(), "2026-10-29T11:00:00Z");
        assert_eq!(back("-7d"), None);
        assert_eq!(since("soon", TimeZone::UTC).unwrap_err().kind, Kind::Usage);
    }

    #[test]
    fn a_moment_says_its_offset() {
        let at: Timestamp = "2026-11-12T16:15:30Z".parse().unwrap();
        assert_eq!(moment(at, None), "2026-11-12 16:15 UTC");
        let edmonton = moment(at, Some("America/Edmonton"));
        assert_eq!(edmonton, "2026-11-12 09:15 -07:00");
        assert_eq!(day(at, &TimeZone::UTC).get(..11), Some("12 November"));
    }
}
