//! Points in time, as seconds since the epoch, as the command line has them and as people
//! read them.

use jiff::Timestamp;

/// The end of the year 9999: what is later was not meant as seconds.
const MAX: u64 = 253_402_300_799;

const FORMS: &str =
    "a time is \"now\", one such as 2027-01-31T12:00:00Z (RFC 3339), or seconds since the epoch";

/// A point in time as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// When the command runs.
    Now,
    /// In seconds since the epoch.
    At(u64),
}

impl Moment {
    /// Reads `now`, RFC 3339, or seconds since the epoch. A fraction is rounded up.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "now" {
            return Ok(Self::Now);
        }
        let seconds = match text.parse::<u64>() {
            Ok(seconds) => Some(seconds),
            Err(_) => text.parse().ok().and_then(whole),
        };
        let seconds = seconds.filter(|seconds| *seconds <= MAX);
        seconds.map(Self::At).ok_or_else(|| FORMS.to_owned())
    }
}

fn whole(time: Timestamp) -> Option<u64> {
    let up = u64::from(time.subsec_nanosecond() > 0);
    Some(u64::try_from(time.as_second()).ok()?.saturating_add(up))
}

/// `2027-01-31T12:00:00Z`, or the seconds where that is beyond what people count.
pub fn shown(seconds: u64) -> String {
    let time = i64::try_from(seconds).map(Timestamp::from_second);
    match time {
        Ok(Ok(time)) => time.to_string(),
        _ => seconds.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_now_or_a_date_or_seconds() {
        assert_eq!(Moment::parse("now"), Ok(Moment::Now));
        for (text, seconds) in [
            ("0", 0),
            ("1801396800", 1_801_396_800),
            ("2027-01-31T12:00:00Z", 1_801_396_800),
            ("2027-01-31T14:00:00+02:00", 1_801_396_800),
            ("2027-01-31T11:59:59.000001Z", 1_801_396_800),
            ("253402300799", MAX),
        ] {
            assert_eq!(Moment::parse(text), Ok(Moment::At(seconds)), "{text}");
        }
        for bad in [
            "",
            "Now",
            "tomorrow",
            "2027-01-31",
            "2027-01-31T12:00:00",
            "1969-12-31T00:00:00Z",
            "-1",
            "1.5",
            "1801396800000",
        ] {
            assert_eq!(Moment::parse(bad), Err(FORMS.to_owned()), "{bad}");
        }
    }

    #[test]
    fn a_moment_is_shown_as_it_is_read() {
        assert_eq!(shown(1_801_396_800), "2027-01-31T12:00:00Z");
        assert_eq!(shown(u64::MAX), u64::MAX.to_string());
    }
}
