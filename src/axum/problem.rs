//! Refusals and failures as problem documents (RFC 9457).

use std::borrow::Cow;
use std::time::Duration;

use ::axum::http::{HeaderValue, StatusCode, header};
use ::axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::AuthHttp;
use super::require::Lacking;
use crate::account::identifier::IdentifierError;
use crate::error::{Broken, FactorError, StoreError};
use crate::factor::Reason;
use crate::flow::{Code, Refusal};
use crate::message::Locale;
use crate::policy::Requirement;
use crate::policy::password::Rule;

/// A refusal or a failure on its way to the client. An application with pages of its own takes it as a value
/// (`Result<Signed, Problem>`) and renders it by [`code`](Self::code).
#[derive(Clone, Debug)]
#[must_use]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    retry_after: Option<u64>,
    rules: Vec<Told>,
    lacking: Option<Box<Lacking>>,
}

/// A broken rule as the client reads it: by name and numbers, and in words.
#[derive(Clone, Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    rule: Rule,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl Problem {
    /// A flow's refusal.
    pub fn refused(refusal: &Refusal, locale: Locale) -> Self {
        let (status, code) = rank(refusal.code);
        Self {
            status,
            code,
            detail: Cow::Borrowed(refusal.text(locale)),
            retry_after: refusal.retry_after.map(seconds_up),
            rules: refusal
                .rules
                .iter()
                .map(|rule| Told { rule: rule.clone(), text: rule.text(locale) })
                .collect(),
            lacking: None,
        }
    }

    /// Something does not work. Its cause is reported to the operator and not to the client.
    pub fn broken(http: &AuthHttp, broken: &Broken, locale: Locale) -> Self {
        (http.0.on_broken)(broken);
        let later = matches!(
            broken,
            Broken::Store(StoreError::Unavailable(_)) | Broken::Factor(FactorError::Unavailable(_))
        );
        Self::fault(if later { Fault::Unavailable } else { Fault::Broken }, locale)
    }

    /// The HTTP status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// What it means and what to do, in the caller's language.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The same with what a client is to prove.
    pub(crate) fn lacking(mut self, asked: &Requirement) -> Self {
        self.lacking = Some(Box::new(Lacking::of(asked)));
        self
    }

    pub(crate) const fn fault(fault: Fault, locale: Locale) -> Self {
        let (status, code, en, ru) = fault.parts();
        let detail = match locale {
            Locale::En => en,
            Locale::Ru => ru,
        };
        Self {
            status,
            code,
            detail: Cow::Borrowed(detail),
            retry_after: None,
            rules: Vec::new(),
            lacking: None,
        }
    }

    /// A body that is no JSON of the expected form: where, never what stood there.
    pub(crate) fn malformed(error: &serde_json::Error, locale: Locale) -> Self {
        let mut problem = Self::fault(Fault::Malformed, locale);
        let (line, column) = (error.line(), error.column());
        let place = match locale {
            Locale::En => format!(" Look at line {line}, column {column}."),
            Locale::Ru => format!(" Строка {line}, позиция {column}."),
        };
        problem.detail.to_mut().push_str(&place);
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Document<'a> {
            r#type: &'static str,
            title: &'static str,
            status: u16,
            detail: &'a str,
            code: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            retry_after: Option<u64>,
            #[serde(skip_serializing_if = "<[Told]>::is_empty")]
            rules: &'a [Told],
            #[serde(skip_serializing_if = "Option::is_none")]
            acr_values: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            max_age: Option<u64>,
        }
        let document = Document {
            // RFC 9457 section 4.2.1: the status says what kind of problem it is, `code` which one.
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Refused"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            retry_after: self.retry_after,
            rules: &self.rules,
            acr_values: self.lacking.as_ref().map(|lacking| lacking.acr_values.as_str()),
            max_age: self.lacking.as_ref().and_then(|lacking| lacking.max_age),
        };
        let json = serde_json::to_string(&document).unwrap_or_default();
        let mut response = (self.status, json).into_response();
        let headers = response.headers_mut();
        let fixed = HeaderValue::from_static;
        headers.insert(header::CONTENT_TYPE, fixed("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, fixed("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 15.5.2 wants one; no browser asks for a password at this one.
            let lacking = self.lacking.as_deref().map(Lacking::challenge);
            let challenge = lacking.and_then(|text| HeaderValue::try_from(text).ok());
            headers.insert(header::WWW_AUTHENTICATE, challenge.unwrap_or(fixed("Bearer")));
        }
        response
    }
}

/// What HTTP itself can refuse, and what can fail.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Malformed,
    Origin,
    FormToken,
    OtherAccount,
    NotFound,
    Method,
    TimedOut,
    TooLarge,
    MediaType,
    Broken,
    Unavailable,
    Misconfigured,
}

impl Fault {
    pub(crate) const fn parts(self) -> (StatusCode, &'static str, &'static str, &'static str) {
        match self {
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "malformed",
                "The request does not have the expected form.",
                "Запрос не той формы, которая ожидается.",
            ),
            Self::Origin => (
                StatusCode::FORBIDDEN,
                "origin",
                "The request did not come from this site. Open the site and try again there.",
                "Запрос пришёл не с этого сайта. Откройте сайт и повторите там.",
            ),
            Self::FormToken => (
                StatusCode::FORBIDDEN,
                "form_token",
                "The page is too old. Reload it and try again.",
                "Страница устарела. Обновите её и повторите.",
            ),
            Self::OtherAccount => (
                StatusCode::CONFLICT,
                "other_account",
                "Another account is in use in this browser now. Reload the page and try again.",
                "В этом браузере уже открыта другая учётная запись. Обновите страницу и повторите.",
            ),
            Self::NotFound => {
                (StatusCode::NOT_FOUND, "not_found", "There is no such thing here.", "Здесь такого нет.")
            }
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method",
                "That cannot be done with this address.",
                "С этим адресом так поступить нельзя.",
            ),
            Self::TimedOut => (
                StatusCode::REQUEST_TIMEOUT,
                "timed_out",
                "The request took too long to arrive. Try again.",
                "Запрос передавался слишком долго. Повторите.",
            ),
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "That is too long.", "Это слишком длинно.")
            }
            Self::MediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media_type",
                "The request's body has another content type than is accepted here.",
                "Тип содержимого запроса не тот, который здесь принимается.",
            ),
            Self::Broken => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "broken",
                "Something does not work on our side. Try again later.",
                "У нас что-то не работает. Повторите позже.",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The service is not available now. Try again later.",
                "Сервис сейчас недоступен. Повторите позже.",
            ),
            Self::Misconfigured => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "misconfigured",
                "The server does not know its peer's address: serve with \
                 into_make_service_with_connect_info::<SocketAddr>().",
                "Сервер не знает адреса собеседника: нужен into_make_service_with_connect_info::<SocketAddr>().",
            ),
        }
    }
}

// One table: the status follows from the code alone.
pub(crate) fn rank(code: Code) -> (StatusCode, &'static str) {
    let status = match code {
        // Not the code of a body that is no JSON: this one is a person's to mend.
        Code::Answer(Reason::Malformed) => return (StatusCode::UNPROCESSABLE_ENTITY, "malformed_answer"),
        Code::Answer(Reason::Wrong | Reason::Expired | Reason::UsedUp | Reason::Denied)
        | Code::HumanNeeded
        | Code::HumanWrong
        | Code::Spent
        | Code::OutOfReach
        | Code::Locked
        | Code::RecoveryStopped
        | Code::Unusual
        | Code::Level => StatusCode::FORBIDDEN,
        Code::Answer(Reason::Replayed | Reason::NotBegun)
        | Code::NotOffered
        | Code::Barred
        | Code::Stale
        | Code::Due
        | Code::Taken
        | Code::LastFactor
        | Code::RecoveryWaits
        | Code::Untold
        | Code::Waiting
        | Code::Mailbox => StatusCode::CONFLICT,
        Code::Identifier(
            IdentifierError::Empty
            | IdentifierError::TooLong
            | IdentifierError::Hostile
            | IdentifierError::NotAPhone
            | IdentifierError::NotAnEmail
            | IdentifierError::NotAUserName,
        )
        | Code::ContactKind
        | Code::Name
        | Code::BirthDate
        | Code::Terms
        | Code::Transaction
        | Code::Unfit => StatusCode::UNPROCESSABLE_ENTITY,
        Code::Held | Code::Throttled | Code::TooSoon => StatusCode::TOO_MANY_REQUESTS,
        Code::Busy => StatusCode::SERVICE_UNAVAILABLE,
        Code::NoFlow | Code::Link => StatusCode::GONE,
        Code::NoSession | Code::RefreshReused | Code::StepUp => StatusCode::UNAUTHORIZED,
    };
    (status, code.as_str())
}

// "Try again in 0 seconds" would be refused once more.
const fn seconds_up(span: Duration) -> u64 {
    span.as_secs() + if span.subsec_nanos() > 0 { 1 } else { 0 }
}
