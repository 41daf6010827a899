//! The form of a text, and how it is filled.

use std::borrow::Cow;

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::templates::Zone;
use crate::message::{Locale, Message};

/// A text, read.
pub(super) struct Form<'t> {
    pieces: Vec<Piece<'t>>,
}

enum Piece<'t> {
    Plain(&'t str),
    /// A parameter; with words, a number and the one that goes with it.
    Param(&'t str, Vec<&'t str>),
    /// Left out where a parameter of it is missing.
    Part(Form<'t>),
}

/// What a text is filled with.
pub(super) struct Values<'m> {
    pub(super) message: &'m Message,
    pub(super) zone: &'m Zone,
}

impl<'t> Form<'t> {
    /// `None`: a brace or a bracket without its other half, an empty name, another number of forms than the language has.
    pub(super) fn of(text: &'t str, locale: Locale) -> Option<Self> {
        let mut rest = text;
        let form = Self::read(&mut rest, locale, 0)?;
        rest.is_empty().then_some(form)
    }

    fn read(rest: &mut &'t str, locale: Locale, depth: usize) -> Option<Self> {
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let (plain, from) = rest.split_at(rest.find(['{', '}', '[', ']']).unwrap_or(rest.len()));
            if !plain.is_empty() {
                pieces.push(Piece::Plain(plain));
            }
            *rest = from;
            if let Some(inside) = from.strip_prefix('{') {
                let (param, after) = inside.split_once('}')?;
                let (name, words) = match param.split_once('|') {
                    Some((name, words)) => (name, words.split('|').collect()),
                    None => (param, Vec::new()),
                };
                let known = |sign: char| sign.is_ascii_lowercase() || sign == '_';
                if name.is_empty() || !name.chars().all(known) || ![0, forms(locale)].contains(&words.len()) {
                    return None;
                }
                pieces.push(Piece::Param(name, words));
                *rest = after;
            } else if let Some(inside) = from.strip_prefix('[') {
                *rest = inside;
                pieces.push(Piece::Part(Self::read(rest, locale, depth + 1)?));
                *rest = rest.strip_prefix(']')?;
            } else if from.starts_with(']') && depth > 0 {
                break;
            } else if !from.is_empty() {
                return None;
            }
        }
        Some(Self { pieces })
    }

    pub(super) fn filled(&self, values: &Values<'_>) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Plain(plain) => text.push_str(plain),
                Piece::Param(name, words) => {
                    let value = values.of(name).unwrap_or_default();
                    text.push_str(&value);
                    if let Some(word) = words.get(plural(&value, values.message.locale)) {
                        text.extend([" ", word]);
                    }
                }
                Piece::Part(part) if part.names().iter().all(|name| values.of(name).is_some()) => {
                    text.push_str(&part.filled(values));
                }
                Piece::Part(_) => {}
            }
        }
        text
    }

    /// Its own parameters: those of parts that may be left out are not among them.
    fn names(&self) -> Vec<&'t str> {
        let name = |piece: &Piece<'t>| match piece {
            Piece::Param(name, _) => Some(*name),
            Piece::Plain(_) | Piece::Part(_) => None,
        };
        self.pieces.iter().filter_map(name).collect()
    }

    /// All of them, and whether each can be left out.
    pub(super) fn params(&self) -> Vec<(&'t str, bool)> {
        let own = self.names().into_iter().map(|name| (name, false));
        let parts = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Part(part) => Some(part.params().into_iter().map(|(name, _)| (name, true))),
            Piece::Plain(_) | Piece::Param(..) => None,
        });
        own.chain(parts.flatten()).collect()
    }
}

impl Values<'_> {
    fn of(&self, name: &str) -> Option<Cow<'_, str>> {
        let locale = self.message.locale;
        let given = |name| self.message.param(name).filter(|value| !value.is_empty());
        match name {
            "at" | "ready" | "until" => given(name).map(|at| self.zone.moment(at, locale).into()),
            "device" => given("device").map(|device| called(device, locale)),
            "from" => {
                let device = called(given("device")?, locale);
                Some(match given("address") {
                    Some(address) => format!("{device}, {address}").into(),
                    None => device,
                })
            }
            _ => given(name).map(Cow::Borrowed),
        }
    }
}

impl Zone {
    /// A moment as people write it. The zone is said: the reader's may be another.
    fn moment(&self, rfc3339: &str, locale: Locale) -> String {
        let utc = OffsetDateTime::parse(rfc3339, &Rfc3339).ok();
        let zone = UtcOffset::from_whole_seconds(i32::from(self.minutes) * 60).ok();
        let at = utc.zip(zone).and_then(|(utc, zone)| utc.checked_to_offset(zone));
        let Some(at) = at else { return rfc3339.to_owned() };
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute) = (at.hour(), at.minute());
        match locale {
            Locale::En => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} {}", self.en),
            Locale::Ru => format!("{day:02}.{month:02}.{year:04} {hour:02}:{minute:02} {}", self.ru),
        }
    }
}

/// A device as [`Device::summary`](crate::device::Device::summary) calls it, with its words that are no names.
fn called(device: &str, locale: Locale) -> Cow<'_, str> {
    let (unknown, app) = match locale {
        Locale::En => ("an unknown device", "an application"),
        Locale::Ru => ("неизвестное устройство", "приложение"),
    };
    match device.split_once(',') {
        None if device == "unknown" => unknown.into(),
        None if device == "app" => app.into(),
        Some(("app", system)) => format!("{app},{system}").into(),
        _ => device.into(),
    }
}

/// How many forms a word has beside a number.
const fn forms(locale: Locale) -> usize {
    match locale {
        Locale::En => 2,
        Locale::Ru => 3,
    }
}

/// Which of them goes with this one (Unicode CLDR, plural rules for whole numbers).
fn plural(number: &str, locale: Locale) -> usize {
    let Ok(number) = number.parse::<u64>() else { return forms(locale) - 1 };
    match locale {
        Locale::En => usize::from(number != 1),
        Locale::Ru => match (number % 10, number % 100) {
            (_, 11..=14) => 2,
            (1, _) => 0,
            (2..=4, _) => 1,
            _ => 2,
        },
    }
}
