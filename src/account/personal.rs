//! What a person says of themselves: a name, a birth date. Sealed under the account's data key; a new password must not
//! be made of it.

use std::borrow::Cow;
use std::fmt::{self, Debug, Display};

use serde::{Deserialize, Serialize};
use time::{Date, Month, OffsetDateTime};

use super::identifier::deceives;
use crate::clock::Timestamp;

/// What somebody who registers says of themselves. A name alone will do: `"Ivan Petrov".into()`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PersonalData<'a> {
    /// As others may read it.
    pub name: Cow<'a, str>,
    /// Asked for by an application that needs it, or whose passwords shall not be made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<BirthDate>,
}

impl PersonalData<'_> {
    /// The same with a birth date.
    #[must_use]
    pub const fn born(mut self, on: BirthDate) -> Self {
        self.birth_date = Some(on);
        self
    }

    /// As it is kept, unless the name is refused: a name is for people, in any script, but nothing that could deceive a
    /// reader of a message or break its lines.
    pub(crate) fn cleaned(&self) -> Option<PersonalData<'static>> {
        let name = self.name.trim();
        let fits = !name.is_empty() && name.len() <= MOST_NAME && !name.chars().any(deceives);
        fits.then(|| PersonalData { name: Cow::Owned(name.to_owned()), birth_date: self.birth_date })
    }

    /// What of it a password must not be built of.
    pub(crate) fn words(&self) -> Vec<String> {
        let names = self.name.split_whitespace().map(str::to_lowercase);
        names.chain(self.birth_date.map(|date| date.to_string())).collect()
    }
}

impl<'a, S: AsRef<str> + ?Sized> From<&'a S> for PersonalData<'a> {
    fn from(name: &'a S) -> Self {
        Self { name: Cow::Borrowed(name.as_ref()), birth_date: None }
    }
}

// Not for a log.
impl Debug for PersonalData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonalData")
    }
}

/// A day on which somebody may have been born. `Display` and JSON are ISO 8601: `1985-03-17`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BirthDate(Date);

/// It is no day of the calendar from 1900 until today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no day of the calendar from 1900 until today")]
pub struct BirthDateError;

impl BirthDate {
    /// As a form or a person writes it: `1985-03-17`, `17.03.1985`, `17/03/1985`.
    ///
    /// # Errors
    /// [`BirthDateError`], also for a day that has not come yet anywhere on Earth.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, BirthDateError> {
        let day = read(text).ok_or(BirthDateError)?;
        let today = OffsetDateTime::from_unix_timestamp(now.as_millis().div_euclid(1000));
        let tomorrow = today.ok().and_then(|today| today.date().next_day()).ok_or(BirthDateError)?;
        if day.year() < 1900 || day > tomorrow { Err(BirthDateError) } else { Ok(Self(day)) }
    }

    /// Year, month from 1, day.
    #[must_use]
    pub const fn parts(self) -> (i32, u8, u8) {
        (self.0.year(), self.0.month() as u8, self.0.day())
    }
}

impl Display for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

// Personal: not for a log.
impl Debug for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthDate")
    }
}

impl From<BirthDate> for String {
    fn from(date: BirthDate) -> Self {
        date.to_string()
    }
}

impl TryFrom<String> for BirthDate {
    type Error = BirthDateError;

    fn try_from(text: String) -> Result<Self, BirthDateError> {
        read(&text).map(Self).ok_or(BirthDateError)
    }
}

fn read(text: &str) -> Option<Date> {
    let text = text.trim();
    let parts: Vec<&str> = text.split(['-', '.', '/']).collect();
    let &[first, month, last] = parts.as_slice() else { return None };
    let (year, day) = if first.len() == 4 { (first, last) } else { (last, first) };
    let digits = [year, month, day].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    if !digits || year.len() != 4 || !(1..=2).contains(&month.len()) || !(1..=2).contains(&day.len()) {
        return None;
    }
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()
}

const MOST_NAME: usize = 200;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    /// 2026-11-26 12:00 UTC.
    const NOW: Timestamp = Timestamp::from_millis(1_795_694_400_000);

    #[test]
    fn days_are_read_as_people_write_them() {
        for text in ["1985-03-17", "17.03.1985", "17/03/1985", " 17.3.1985 "] {
            let date = BirthDate::parse(text, NOW).unwrap();
            assert_eq!((date.to_string().as_str(), date.parts()), ("1985-03-17", (1985, 3, 17)));
        }
        for text in ["2026-11-27", "2024-02-29", "1900-01-01"] {
            assert_eq!(
                BirthDate::parse(text, NOW).unwrap().to_string(),
                text,
                "today in Kamchatka, leap years"
            );
        }
        for text in [
            "",
            "1985",
            "1985-03",
            "1985-02-29",
            "1985-13-01",
            "1985-00-10",
            "85-03-17",
            "17.03.85",
            "2026-11-28",
            "1899-12-31",
            "١٩٨٥-٠٣-١٧",
            "1985-03-17T00:00",
            "+985-03-17",
            "1985-003-17",
            "1985--3-17",
            "0000-00-00",
            "99999-01-01",
        ] {
            assert_eq!(BirthDate::parse(text, NOW), Err(BirthDateError), "{text}");
        }
    }

    #[test]
    fn it_is_kept_as_text_and_told_to_no_log() {
        let date = BirthDate::parse("1985-03-17", NOW).unwrap();
        let json = serde_json::to_string(&date).unwrap();
        assert_eq!(json, r#""1985-03-17""#);
        assert_eq!(serde_json::from_str::<BirthDate>(&json).unwrap(), date);
        assert_eq!(format!("{date:?} {:?}", PersonalData::from("Иван").born(date)), "BirthDate PersonalData");
    }
}
