//! What is asked for of a history, as it stands in an address.

use propusk::device::Device;
use propusk::event::{Event, EventPage, Outcome};
use propusk::id::EventId;
use serde::Deserialize;
use time::Date;

use crate::dates;
use crate::guest::in_query;

/// The fields of the form, as they came.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    pub from: String,
    #[serde(default)]
    pub to: String,
    #[serde(default)]
    pub device: String,
    #[serde(default)]
    pub result: String,
    #[serde(default)]
    pub before: String,
}

/// What a field holds that is not understood. No answer is given with other filters than were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    From,
    To,
    Crossed,
}

/// What is asked for, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub from: Option<Date>,
    /// The last day, all of it.
    pub to: Option<Date>,
    /// By [`key`]; empty: any.
    pub device: String,
    pub outcome: Option<Outcome>,
    pub before: Option<EventId>,
}

impl Asked {
    /// Reads the fields. What only links write (a cursor, a choice of a list) and is not understood, is not there.
    pub fn filter(&self) -> Result<Filter, Fault> {
        let date = |text: &str, fault| match text.trim() {
            "" => Ok(None),
            text => dates::day(text).map(Some).ok_or(fault),
        };
        let (from, to) = (date(&self.from, Fault::From)?, date(&self.to, Fault::To)?);
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            return Err(Fault::Crossed);
        }
        let outcome = OUTCOMES.into_iter().find(|outcome| outcome.as_str() == self.result);
        let device = self.device.chars().take(MOST_KEY).collect();
        Ok(Filter { from, to, device, outcome, before: self.before.parse().ok() })
    }
}

impl Filter {
    /// What the store is asked.
    pub fn page(&self, limit: usize) -> EventPage {
        let mut page = EventPage::newest(limit);
        page.before = self.before;
        page.since = self.from.and_then(dates::begins);
        page.until = self.to.and_then(Date::next_day).and_then(dates::begins);
        page.outcome = self.outcome;
        page
    }

    /// What the store cannot be asked: it is sealed in the event.
    pub fn keeps(&self, event: &Event) -> bool {
        self.device.is_empty() || self.device == key(&event.origin.device)
    }

    /// Whether anything is asked for at all.
    pub fn is_set(&self) -> bool {
        *self != Self { before: self.before, ..Self::default() }
    }

    /// The same as the query of an address, with this cursor; begins with `?`, or is empty.
    pub fn query(&self, before: Option<EventId>) -> String {
        let pairs = [
            ("from", self.from.map(dates::field).unwrap_or_default()),
            ("to", self.to.map(dates::field).unwrap_or_default()),
            ("device", self.device.clone()),
            ("result", self.outcome.map(|outcome| outcome.as_str().to_owned()).unwrap_or_default()),
            ("before", before.map(|id| id.to_string()).unwrap_or_default()),
        ];
        let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<_> = given.map(|(name, value)| format!("{name}={}", in_query(&value))).collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }
}

/// A device as the filter tells it from others. Without its version: browsers renew themselves every month.
pub fn key(device: &Device) -> String {
    format!("{}, {}", device.browser, device.system)
}

pub const OUTCOMES: [Outcome; 3] = [Outcome::Done, Outcome::Refused, Outcome::TimedOut];
const MOST_KEY: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(from: &str, to: &str) -> Asked {
        Asked { from: from.into(), to: to.into(), ..Asked::default() }
    }

    #[test]
    fn a_day_is_all_of_it_in_moscow() {
        let page = asked("2026-11-26", "2026-11-26").filter().unwrap().page(10);
        let (since, until) = (page.since.unwrap(), page.until.unwrap());
        assert_eq!(since.rfc3339(), "2026-11-25T21:00:00Z");
        assert_eq!(until.since(since).as_secs(), 24 * 3600);
        assert_eq!(asked("26.11.2026", "").filter().unwrap().page(10).since, Some(since));
    }

    #[test]
    fn what_is_no_date_is_told_and_not_passed_over() {
        for bad in [
            "yesterday",
            "2026-02-30",
            "2026-13-01",
            "31.02.2026",
            "2026-1",
            "0000-01-01",
            "99999-01-01",
            "--",
        ] {
            assert_eq!(asked(bad, "").filter(), Err(Fault::From), "{bad}");
            assert_eq!(asked("", bad).filter(), Err(Fault::To), "{bad}");
        }
        assert_eq!(asked("2026-11-27", "2026-11-26").filter(), Err(Fault::Crossed));
        assert!(asked(" 2026-11-26 ", "").filter().is_ok());
    }

    #[test]
    fn an_address_says_the_same_again() {
        let mut one = asked("2026-11-01", "2026-11-30");
        (one.device, one.result) = ("Yandex Browser, Windows".into(), "refused".into());
        let filter = one.filter().unwrap();
        let query = filter.query(None);
        assert_eq!(
            query,
            "?from=2026-11-01&to=2026-11-30&device=Yandex%20Browser%2C%20Windows&result=refused"
        );
        let url = url::Url::parse(&format!("http://localhost/history{query}")).unwrap();
        let value =
            |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        assert_eq!(value("device").as_deref(), Some("Yandex Browser, Windows"));
        assert!(filter.is_set() && !Filter::default().is_set());
        assert_eq!(Filter::default().query(None), "");
    }

    #[test]
    fn a_device_is_the_same_after_its_browser_was_renewed() {
        let of = |version: u16| {
            propusk::device::parse(&format!(
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
            ))
        };
        assert_eq!(key(&of(150)), "Chrome, Linux");
        assert_eq!(key(&of(150)), key(&of(151)));
    }
}
