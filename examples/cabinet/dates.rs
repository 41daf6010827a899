//! Dates as people read them. A page without scripts cannot know the reader's zone, so the portal has one and names it.

use propusk::clock::Timestamp;
use propusk::message::Locale;
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

/// A moment for a page: what a person reads, and what a program reads.
#[derive(Clone, Debug)]
pub struct Moment {
    pub text: String,
    pub machine: String,
}

/// Date and time.
pub fn moment(at: Timestamp, locale: Locale) -> Moment {
    let text = match local(at) {
        Some(at) => match locale {
            Locale::Ru => format!("{}, {} {}", date(at, locale), clock(at), ZONE.2),
            _ => format!("{}, {} {}", date(at, locale), clock(at), ZONE.1),
        },
        None => at.rfc3339(),
    };
    Moment { text, machine: at.rfc3339() }
}

/// The day alone, for what lies far ahead.
pub fn on_day(at: Timestamp, locale: Locale) -> Moment {
    Moment { text: local(at).map_or_else(|| at.rfc3339(), |at| date(at, locale)), machine: at.rfc3339() }
}

/// The time of day, for what ends soon: `в 16:58 МСК`.
pub fn at_time(at: Timestamp, locale: Locale) -> String {
    // To the next full minute: nobody is told to come back too early.
    let at = Timestamp::from_millis(at.as_millis().saturating_add(59_999));
    match (local(at), locale) {
        (Some(at), Locale::Ru) => format!("в {} {}", clock(at), ZONE.2),
        (Some(at), _) => format!("at {} {}", clock(at), ZONE.1),
        (None, _) => at.rfc3339(),
    }
}

/// A day that somebody asks for: as browsers send it (`2026-12-31`), or as people write it (`31.12.2026`).
pub fn day(text: &str) -> Option<Date> {
    let (dashes, dots) = (text.split('-').collect::<Vec<_>>(), text.split('.').collect::<Vec<_>>());
    let (year, month, day) = match (dashes.as_slice(), dots.as_slice()) {
        ([year, month, day], _) | (_, [day, month, year]) => (*year, *month, *day),
        _ => return None,
    };
    let number = |text: &str| text.parse::<u8>().ok().filter(|_| text.len() <= 2);
    let year = year.parse::<i32>().ok().filter(|year| (1970..=9998).contains(year))?;
    Date::from_calendar_date(year, Month::try_from(number(month)?).ok()?, number(day)?).ok()
}

/// The moment when a day begins here.
pub fn begins(day: Date) -> Option<Timestamp> {
    let at = OffsetDateTime::new_in_offset(day, Time::MIDNIGHT, zone()?).unix_timestamp();
    Some(Timestamp::from_millis(at.checked_mul(1000)?))
}

/// For the field of a date: `2026-12-31`.
pub fn field(day: Date) -> String {
    format!("{:04}-{:02}-{:02}", day.year(), u8::from(day.month()), day.day())
}

/// For the cell of a table, which programs read as a moment: `2026-12-31 23:59:59`.
pub fn cell(at: Timestamp) -> String {
    match local(at) {
        Some(at) => format!("{} {}:{:02}", field(at.date()), clock(at), at.second()),
        None => at.rfc3339(),
    }
}

/// For the name of a file: `2026-12-31`.
pub fn file(at: Timestamp) -> String {
    local(at).map(|at| field(at.date())).unwrap_or_default()
}

/// Minutes from UTC, and the name in English and in Russian.
pub const ZONE: (i16, &str, &str) = (180, "MSK", "МСК");

fn zone() -> Option<UtcOffset> {
    UtcOffset::from_whole_seconds(i32::from(ZONE.0) * 60).ok()
}

fn local(at: Timestamp) -> Option<OffsetDateTime> {
    let utc = OffsetDateTime::from_unix_timestamp(at.as_millis().div_euclid(1000)).ok()?;
    utc.checked_to_offset(zone()?)
}

fn date(at: OffsetDateTime, locale: Locale) -> String {
    let months = if locale == Locale::Ru { &RU } else { &EN };
    let month = months.get(usize::from(u8::from(at.month())) - 1).copied().unwrap_or_default();
    match locale {
        Locale::Ru => format!("{} {month} {} г.", at.day(), at.year()),
        _ => format!("{} {month} {}", at.day(), at.year()),
    }
}

fn clock(at: OffsetDateTime) -> String {
    format!("{:02}:{:02}", at.hour(), at.minute())
}

const EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const RU: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_in_the_readers_language_and_names_its_zone() {
        let at = Timestamp::from_millis(1_795_355_880_000); // 2026-11-22 13:58 UTC
        assert_eq!(moment(at, Locale::Ru).text, "22 ноября 2026 г., 16:58 МСК");
        assert_eq!(moment(at, Locale::En).text, "22 November 2026, 16:58 MSK");
        assert_eq!(at_time(at.after(std::time::Duration::from_secs(1)), Locale::Ru), "в 16:59 МСК");
    }
}
