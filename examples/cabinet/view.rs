//! What all pages share: the frame around them, their fields, and how a page becomes a response.

use std::fmt::Display;
use std::sync::LazyLock;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::app::ASSETS;
use crate::texts::Texts;
use crate::texts::front::Front;

/// The frame around a page.
#[derive(Debug)]
pub struct Frame {
    pub t: &'static Texts,
    pub title: String,
    /// Where this page lives: the mark in the menu.
    pub path: &'static str,
    /// Where the language switch comes back to: the same with its query.
    pub address: String,
    pub signed_in: bool,
    /// Whose account it is, where the browser holds several.
    pub who: Option<Who>,
    /// The tokens of the frame's own two forms; error pages have no forms.
    pub language: Hidden,
    pub sign_out: Hidden,
    /// What is wrong with what was sent: summarised at the top, and each beside its field.
    pub problems: Vec<Problem>,
    /// What has just been done.
    pub news: Option<&'static str>,
    pub narrow: bool,
}

/// The account in use.
#[derive(Clone, Debug)]
pub struct Who {
    pub name: String,
    pub login: Option<String>,
}

/// One thing that is wrong, with the field to go to (`""`: none).
#[derive(Clone, Debug)]
pub struct Problem {
    pub field: &'static str,
    pub text: String,
}

impl Frame {
    /// A frame without forms, for pages about errors.
    pub fn bare(t: &'static Texts, title: &str) -> Self {
        Self {
            t,
            title: title.to_owned(),
            path: "",
            address: String::new(),
            signed_in: false,
            who: None,
            language: Hidden::default(),
            sign_out: Hidden::default(),
            problems: Vec::new(),
            news: None,
            narrow: true,
        }
    }

    /// The narrow column of a form.
    pub fn narrow(mut self) -> Self {
        self.narrow = true;
        self
    }

    /// What is wrong with a field; empty when nothing is.
    pub fn error_of(&self, field: &str) -> String {
        let texts = self.problems.iter().filter(|problem| problem.field == field);
        texts.map(|problem| problem.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    pub fn links(&self) -> Vec<(&'static str, &'static str)> {
        let t = self.t;
        match self.signed_in {
            true => vec![
                ("/home", t.home),
                ("/services", t.portal.services),
                ("/history", t.history),
                ("/security", t.security),
                ("/profile", t.portal.profile),
            ],
            false => vec![("/sign-in", t.sign_in), ("/sign-up", t.sign_up)],
        }
    }

    /// Whether the news are none to be glad of.
    pub fn news_warns(&self) -> bool {
        let t = self.t;
        let warnings = [t.page_too_old, t.ways.name_gone, t.portal.fine_not_yet, t.portal.fine_paid_before];
        self.news.is_some_and(|news| warnings.contains(&news))
    }

    /// A page for somebody who is not signed in, also where another account is.
    pub fn beside(&self, page: &str) -> String {
        format!("{page}{}", if self.signed_in { "?add=yes" } else { "" })
    }

    /// Whether this page belongs to one of the menu: a step below it.
    pub fn is_under(&self, page: &str) -> bool {
        self.path.strip_prefix(page).is_some_and(|rest| rest.starts_with('/'))
    }

    pub fn other_lang(&self) -> &'static str {
        if self.t.lang() == "ru" { "en" } else { "ru" }
    }

    /// The address of a sheet or script. A new one has a new address: nobody sees new pages in an old dress.
    pub fn asset(&self, path: &str) -> String {
        static MARKS: LazyLock<Vec<(&str, u64)>> =
            LazyLock::new(|| ASSETS.iter().map(|(path, _, text)| (*path, mark(text))).collect());
        let mark = MARKS.iter().find(|(known, _)| *known == path).map_or(0, |(_, mark)| *mark);
        format!("{path}?{mark:x}")
    }
}

// FNV-1a: any change shows, nobody tries to forge it.
fn mark(text: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// A hidden field with the token that ties a form to the browser it was shown in.
#[derive(Clone, Debug, Default, Template)]
#[template(
    source = r#"<input type="hidden" name="form_token" value="{{ value }}">{% if !at.is_empty() %}<input type="hidden" name="at" value="{{ at }}">{% endif %}"#,
    ext = "html",
    config = "examples/cabinet/askama.toml"
)]
pub struct Hidden {
    pub value: String,
    /// Which step the form is of, or which page, where that makes a difference.
    pub at: String,
}

/// A labelled input with its hint and its error.
#[derive(Debug, Default, Template)]
#[template(path = "field.html", config = "examples/cabinet/askama.toml")]
pub struct Field {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    error: String,
    kind: &'static str,
    value: String,
    autocomplete: &'static str,
    inputmode: &'static str,
    enterkeyhint: &'static str,
    autocapitalize: &'static str,
    /// Which letters are wanted, and what is said of others; empty where any will do.
    expects: &'static str,
    unexpected: &'static str,
    front: Option<&'static Front>,
    describes: String,
    also: Option<&'static str>,
    code: bool,
    autofocus: bool,
    optional: bool,
}

// Both are templates of their own, escaped where they were rendered.
impl askama::filters::HtmlSafe for Hidden {}
impl askama::filters::HtmlSafe for Field {}

impl Field {
    /// A line of text.
    pub fn text(name: &'static str, label: &'static str, autocomplete: &'static str) -> Self {
        let kinds = Self { kind: "text", enterkeyhint: "done", autocapitalize: "none", ..Self::default() };
        Self { name, label, autocomplete, ..kinds }
    }

    /// A day, which may be left out.
    pub fn date(name: &'static str, label: &'static str, autocomplete: &'static str) -> Self {
        Self { kind: "date", optional: true, ..Self::text(name, label, autocomplete) }
    }

    /// A password: never filled in again by the server, pasting allowed.
    pub fn password(name: &'static str, label: &'static str, autocomplete: &'static str) -> Self {
        Self { kind: "password", ..Self::text(name, label, autocomplete) }
    }

    /// A one-time code, which phones offer to fill in.
    pub fn code(name: &'static str, label: &'static str) -> Self {
        Self { code: true, inputmode: "numeric", ..Self::text(name, label, "one-time-code") }
    }

    /// It may be left out.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    pub fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    pub fn value(mut self, value: &str) -> Self {
        value.clone_into(&mut self.value);
        self
    }

    pub fn inputmode(mut self, inputmode: &'static str) -> Self {
        self.inputmode = inputmode;
        self
    }

    /// What the key Enter is called on a phone: `next` or `done`.
    pub fn enter(mut self, enterkeyhint: &'static str) -> Self {
        self.enterkeyhint = enterkeyhint;
        self
    }

    /// Latin letters are wanted: a script says so when the keyboard is in another layout.
    pub fn latin(mut self) -> Self {
        self.expects = "latin";
        self
    }

    /// A name of somebody, in the letters of the page's language.
    pub fn prose(mut self) -> Self {
        self.expects = "prose";
        self.autocapitalize = "words";
        self.enter("next")
    }

    /// Something else on the page describes it: its id.
    pub fn described_by(mut self, id: &'static str) -> Self {
        self.also = Some(id);
        self
    }

    /// Takes its error from the frame, and says what describes it. The cursor goes to `first`, unless the summary of
    /// errors wants to be read.
    pub fn within(mut self, frame: &Frame, first: bool) -> Self {
        let front = frame.t.front;
        self.front = Some(front);
        (self.expects, self.unexpected) = match (self.expects, self.autocomplete) {
            ("latin", _) => ("latin", front.wants_latin),
            ("prose", _) if frame.t.lang() == "ru" => ("russian", front.wants_russian),
            (_, "current-password") => ("secret", front.russian_secret),
            _ => ("", ""),
        };
        self.error = frame.error_of(self.name);
        self.autofocus = first && frame.problems.is_empty();
        let mut describes = Vec::from_iter(self.also.map(str::to_owned));
        if !self.hint.is_empty() {
            describes.push(format!("{}-hint", self.name));
        }
        if self.bad() {
            describes.push(format!("{}-error", self.name));
        }
        describes.push(format!("{}-typing", self.name));
        self.describes = describes.join(" ");
        self
    }

    fn bad(&self) -> bool {
        !self.error.is_empty()
    }
}

/// A page as a response.
pub fn page(status: StatusCode, template: &impl Display) -> Response {
    (status, Html(template.to_string())).into_response()
}

/// A page about something that went wrong.
#[derive(Debug, Template)]
#[template(path = "notice.html", config = "examples/cabinet/askama.toml")]
pub struct Notice {
    pub frame: Frame,
    pub lead: &'static str,
}
