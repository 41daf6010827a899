//! The history as a table, for a person's own spreadsheet: programs read `GET /auth/history`.
//!
//! - UTF-8 with a byte order mark: without it Excel reads Russian as mojibake; everything else skips it.
//! - Semicolons in Russian, commas in English: Excel splits at the list separator of its language, and a table in one
//!   column is no table. Every cell is quoted, so that any reader can tell which of the two it is.
//! - A cell that a spreadsheet would take for a formula begins with an apostrophe (OWASP, CSV injection): what stands
//!   in an event came from outside, in part from whoever tried to get in.
//! - It is sent piece by piece as it is read: a history of any length takes the memory of one piece. When the store
//!   fails half way, the download breaks off and the browser says so; it never ends early in silence.

use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::stream::try_unfold;
use propusk::event::Event;
use propusk::id::AccountId;
use propusk::message::Locale;
use propusk::{Auth, Token};

use super::filter::{Asked, Filter};
use super::{details, how};
use crate::app::Failure;
use crate::dates;
use crate::guest::Member;
use crate::texts::Texts;

/// Where a download stands.
#[derive(Debug)]
struct Download {
    auth: Auth,
    account: AccountId,
    token: Token,
    t: &'static Texts,
    filter: Filter,
    over: bool,
}

pub async fn export(member: Member, Query(asked): Query<Asked>) -> Result<Response, Failure> {
    let Member { guest, session, token } = member;
    let Ok(filter) = asked.filter() else { return Ok(Redirect::to("/history").into_response()) };
    let (t, auth) = (guest.t, guest.app.auth.clone());
    let name = format!("attachment; filename=\"history-{}.csv\"", dates::file(auth.now()));
    let filter = Filter { before: None, ..filter };
    let mut download = Download { auth, account: session.account(), token, t, filter, over: false };
    // The first piece is read before anything is sent: a store that is down is told on a page.
    let piece = download.piece().await?;
    let first = format!("\u{feff}{}{piece}", row(t.locale, t.portal.columns));
    let rest = try_unfold((Some(first), download), |(first, mut download)| async move {
        match first {
            Some(first) => Ok(Some((Bytes::from(first), (None, download)))),
            None if download.over => Ok(None),
            None => {
                // A session that ended meanwhile downloads no more.
                let lives = download.auth.session(&download.token).await.map_err(std::io::Error::other)?;
                if lives.is_none() {
                    return Err(std::io::Error::other("the session has ended"));
                }
                let piece = download.piece().await.map_err(std::io::Error::other)?;
                Ok(Some((Bytes::from(piece), (None, download))))
            }
        }
    });
    let headers =
        [(CONTENT_TYPE, "text/csv; charset=utf-8; header=present"), (CONTENT_DISPOSITION, name.as_str())];
    Ok((headers, Body::from_stream(rest)).into_response())
}

impl Download {
    /// The next lines.
    async fn piece(&mut self) -> Result<String, propusk::error::Broken> {
        let filter = &self.filter;
        let found =
            self.auth.search_history(self.account, filter.page(PIECE), |event| filter.keeps(event)).await?;
        self.over = found.next.is_none();
        self.filter.before = found.next;
        Ok(found.events.iter().map(|event| line(self.t, event)).collect())
    }
}

fn line(t: &Texts, event: &Event) -> String {
    let device = &event.origin.device;
    let version = device.version.map(|version| format!(" {version}")).unwrap_or_default();
    let known = |name: &str| match name {
        "unknown" => String::new(),
        "app" => t.in_app.to_owned(),
        name => name.to_owned(),
    };
    row(
        t.locale,
        [
            &dates::cell(event.at),
            &t.event(event),
            t.portal.outcome(event.outcome),
            event.reason.as_deref().map(|reason| t.reason(reason)).unwrap_or_default(),
            how(t, event).unwrap_or_default(),
            &format!("{}{version}", known(&device.browser)),
            &known(&device.system),
            &event.origin.address.map(|address| address.to_string()).unwrap_or_default(),
            &details(t, event),
        ],
    )
}

fn row<const N: usize>(locale: Locale, cells: [&str; N]) -> String {
    let separator = if locale == Locale::Ru { ";" } else { "," };
    format!("{}\r\n", cells.map(cell).join(separator))
}

/// One cell: quoted (RFC 4180), on one line, and never a formula.
fn cell(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // Looked at as it came: a tab or a line break in front is how a formula is smuggled past a look at the first sign.
    let first = text.chars().next();
    // Spaces and quotes in front are skipped by some programs, full-width signs are taken for plain ones by others.
    let signs = text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
    let formula = signs.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let defused = formula || first.is_some_and(|c| c.is_control() || matches!(c, '"' | '\''));
    format!("\"{}{}\"", if defused { "'" } else { "" }, clean.replace('"', "\"\""))
}

/// So many lines at once.
const PIECE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for formula in [
            "=1+1",
            "+79160000001",
            "-2+3",
            "@SUM(1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "\"=1\"",
            "'=1",
            " =1",
            "\u{a0}=1",
            "＝1",
            "\"",
            "=HYPERLINK(\"http://evil.example\",\"press\")",
        ] {
            let cell = cell(formula);
            assert!(cell.starts_with("\"'"), "{formula:?} became {cell}");
            assert!(!cell.contains(['\r', '\n', '\t']), "{cell:?}");
        }
        for plain in ["Вход", "2026-11-26 10:00:00", "192.0.2.1", "::1", "", "a=b", "Chrome 150"] {
            assert_eq!(cell(plain), format!("\"{plain}\""));
        }
    }

    #[test]
    fn a_quote_does_not_end_its_cell() {
        assert_eq!(cell("a\";=1;\"b"), "\"a\"\";=1;\"\"b\"");
        assert_eq!(row(Locale::En, ["a", "b\"c"]), "\"a\",\"b\"\"c\"\r\n");
        assert_eq!(row(Locale::Ru, ["а", "б"]), "\"а\";\"б\"\r\n");
    }
}
