//! Who asks: what every handler takes first. The library's `Visitor` says which browser and which session; this adds
//! the language, the frame of the page, and what the browser is in the middle of.

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use propusk::account::identifier::Identifier;
use propusk::axum::{AccountsHere, FormFields, Problem, ReturnTo, SetCookies, Visitor};
use propusk::flow::{Done, Refusal};
use propusk::id::SessionId;
use propusk::message::Locale;
use propusk::{Client, Session, Step, Token, Visit};

use crate::app::{App, Failure};
use crate::dates;
use crate::drafts::{Draft, News, Told, Way};
use crate::pages::language::Switch;
use crate::pages::sign_in::SignOut;
use crate::texts::Texts;
use crate::view::{Frame, Hidden, Who, page};

/// Anybody.
#[derive(Debug)]
pub struct Guest {
    pub app: App,
    pub visit: Visit,
    pub session: Option<Session>,
    pub t: &'static Texts,
    who: Option<Who>,
    visitor: Visitor,
}

/// Somebody who is signed in. Others are sent to sign in and come back afterwards.
#[derive(Debug)]
pub struct Member {
    pub guest: Guest,
    pub session: Session,
    pub token: Token,
}

impl FromRequestParts<App> for Guest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let locale = locale(&parts.headers);
        let visitor = Visitor::from_request_parts(parts, app).await?.in_locale(locale);
        // With one account there is nobody to be mistaken for.
        let several = parts.method == axum::http::Method::GET && !visitor.client().beside.is_empty();
        let who = match visitor.session().filter(|_| several) {
            Some(session) => who(app, session, locale).await?,
            None => None,
        };
        Ok(Self {
            who,
            app: app.clone(),
            visit: visitor.visit(),
            session: visitor.session().cloned(),
            t: Texts::of(locale),
            visitor,
        })
    }
}

impl FromRequestParts<App> for Member {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let guest = Guest::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        match (guest.session.clone(), guest.visitor.token().cloned()) {
            (Some(session), Some(token)) => Ok(Self { guest, session, token }),
            // Back to a page only: nothing is ever posted a second time.
            _ if parts.method == axum::http::Method::GET => {
                let path = parts.uri.path_and_query().map_or("/home", |path| path.as_str());
                Err(Redirect::to(&format!("/sign-in?next={}", in_query(path))).into_response())
            }
            _ => Err(Redirect::to("/sign-in").into_response()),
        }
    }
}

impl Guest {
    pub fn locale(&self) -> Locale {
        self.t.locale
    }

    /// The browser as the library sees it.
    pub fn client(&self) -> &Client {
        self.visitor.client()
    }

    /// The flows of this browser, which is to be trusted where the step ends a sign-in.
    pub fn trusting(&self, trust: bool) -> Visit {
        self.visitor.clone().trusting(trust).visit()
    }

    pub fn token(&self) -> Option<&Token> {
        self.visitor.token()
    }

    /// The frame of a page, with the news that wait for it.
    pub fn frame(&self, path: &'static str, title: &str) -> Result<Frame, Problem> {
        Ok(Frame {
            path,
            address: path.to_owned(),
            title: title.to_owned(),
            signed_in: self.session.is_some(),
            who: self.who.clone(),
            news: self.app.drafts.news(&self.browser()).map(|news| news(self.t)),
            problems: Vec::new(),
            narrow: false,
            language: self.hidden::<Switch>()?,
            sign_out: self.hidden::<SignOut>()?,
            t: self.t,
        })
    }

    /// The hidden field of a form.
    pub fn hidden<F: FormFields>(&self) -> Result<Hidden, Problem> {
        Ok(Hidden { value: self.visitor.form_token::<F>()?, at: String::new() })
    }

    /// The same of a form whose page has a name of its own.
    pub fn hidden_here<F: FormFields>(&self) -> Result<Hidden, Problem> {
        let token = self.app.auth.random_token();
        let token = token.map_err(|broken| Problem::broken(&self.app.http, &broken, self.locale()))?;
        Ok(Hidden { at: token.expose().chars().take(PAGE).collect(), ..self.hidden::<F>()? })
    }

    /// The same of a form that answers this step.
    pub fn hidden_at<F: FormFields>(&self, draft: &Draft) -> Result<Hidden, Problem> {
        Ok(Hidden { at: draft.mark(), ..self.hidden::<F>()? })
    }

    /// A page for this browser, with the cookie that binds its forms.
    pub fn page(&self, template: &impl Template) -> Response {
        (self.visitor.cookies(), page(StatusCode::OK, template)).into_response()
    }

    /// The cookies of somebody who has just signed in.
    pub fn signed_in(&self, done: &Done) -> SetCookies {
        self.visitor.signed_in(done)
    }

    /// The cookies of somebody who has just signed out.
    pub fn signed_out(&self) -> SetCookies {
        self.visitor.signed_out()
    }

    pub async fn accounts(&self) -> Result<AccountsHere, Problem> {
        self.visitor.accounts().await
    }

    pub async fn switch(&self, to: SessionId) -> Result<Step, Problem> {
        self.visitor.switch(to).await
    }

    pub async fn sign_out_of(&self, one: SessionId) -> Result<Option<SetCookies>, Problem> {
        self.visitor.sign_out_of(one).await
    }

    pub async fn sign_out_of_all(&self) -> Result<SetCookies, Problem> {
        self.visitor.sign_out_of_all().await
    }

    pub fn draft(&self, way: Way) -> Draft {
        self.app.drafts.get(&self.place(way), way, self.app.auth.now())
    }

    /// The draft for which a form was sent; else its sender is led to where they can go on.
    pub fn draft_at(&self, way: Way, at: &str) -> Result<Draft, Failure> {
        let draft = self.draft(way);
        let Some(page) = draft.elsewhere(way, at) else { return Ok(draft) };
        // Another tab that has just signed in leaves nothing to be told.
        if self.session.is_none() || draft.flow.is_some() || way.is_of_a_session() {
            self.say(|t| t.page_too_old);
        }
        let page = if page == way.start() { self.start_of(way) } else { page.to_owned() };
        Err(Redirect::to(&page).into())
    }

    /// The page that begins it, also where another account is signed in.
    pub fn start_of(&self, way: Way) -> String {
        let beside = self.session.is_some() && matches!(way, Way::SignUp | Way::SignIn | Way::Recover);
        format!("{}{}", way.start(), if beside { "?add=yes" } else { "" })
    }

    /// The draft, and its refusal for the one time that it is shown.
    pub fn draft_and_refusal(&self, way: Way) -> (Draft, Option<Told>) {
        self.app.drafts.read(&self.place(way), way, self.app.auth.now())
    }

    pub fn keep(&self, way: Way, draft: Draft) {
        self.app.drafts.put(&self.place(way), way, draft, self.app.auth.now());
    }

    /// The flow in which a page asks for a key. Each page has one of its own: two that are open disturb no other.
    pub fn keep_key(&self, page: &str, flow: Token) {
        let draft = Draft { flow: Some(flow), ..Draft::default() };
        self.app.drafts.put(&self.key_of(page), Way::Key, draft, self.app.auth.now());
    }

    pub fn take_key(&self, page: &str) -> Option<Token> {
        let flow = self.app.drafts.get(&self.key_of(page), Way::Key, self.app.auth.now()).flow;
        self.app.drafts.forget(&self.key_of(page), Way::Key);
        flow
    }

    // What the page says of itself is as long as what it was given.
    fn key_of(&self, page: &str) -> String {
        format!("{} {}", self.browser(), page.get(..PAGE).unwrap_or_default())
    }

    pub fn forget(&self, way: Way) {
        self.app.drafts.forget(&self.place(way), way);
    }

    /// Says something on the next page.
    pub fn say(&self, news: News) {
        self.app.drafts.say(&self.browser(), news, self.app.auth.now());
    }

    /// A refusal with the moment from which one may try again.
    pub fn told(&self, why: Refusal) -> Told {
        let until = why.retry_after.map(|wait| self.app.auth.now().after(wait));
        Told { why, until }
    }

    /// The same as it reads now: a page that is opened later tells of a shorter wait.
    pub fn left(&self, told: &Told) -> (Refusal, Option<String>) {
        let mut why = told.why.clone();
        let left = told.until.map(|until| (until, until.since(self.app.auth.now())));
        let left = left.filter(|(_, wait)| !wait.is_zero());
        why.retry_after = left.map(|(_, wait)| wait);
        (why, left.map(|(until, _)| dates::at_time(until, self.locale())))
    }

    // What is under way in one account is nothing that another one's pages show.
    fn place(&self, way: Way) -> String {
        match self.session.as_ref().filter(|_| way.is_of_a_session()) {
            Some(session) => format!("{} {}", self.browser(), session.account()),
            None => self.browser(),
        }
    }

    /// What tells this browser from others.
    pub fn browser(&self) -> String {
        self.visitor.binding().expose().to_string()
    }
}

async fn who(app: &App, session: &Session, locale: Locale) -> Result<Option<Who>, Problem> {
    let account = app.auth.account(session.account()).await;
    let account = account.map_err(|broken| Problem::broken(&app.http, &broken, locale))?;
    Ok(account.map(|account| Who {
        login: account.identifiers.first().map(Identifier::masked),
        name: account.name,
    }))
}

/// The language: as the switch left it, or as the browser asks.
pub fn locale(headers: &HeaderMap) -> Locale {
    // As bytes: a neighbour's cookie that is no text must not hide ours.
    let cookies = headers.get_all(header::COOKIE).iter();
    let mut cookies = cookies.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let chosen = cookies.find_map(|pair| pair.trim_ascii().strip_prefix(b"lang="));
    let chosen = chosen.and_then(|tag| std::str::from_utf8(tag).ok());
    let asked =
        headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    chosen.and_then(language).unwrap_or_else(|| Locale::from_accept_language(asked))
}

/// Keeps a choice of language for a year.
pub fn remember_language(tag: &str) -> Option<[(HeaderName, HeaderValue); 1]> {
    let cookie = format!("lang={}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly", language(tag)?.tag());
    Some([(header::SET_COOKIE, HeaderValue::try_from(cookie).ok()?)])
}

/// A page of ours to go on to: never an address elsewhere (`//evil`, `/\evil`, `https:evil`).
pub fn local_target(target: &str) -> Option<String> {
    ReturnTo::parse(target, &[]).map(|target| target.as_str().to_owned())
}

/// Letters of the name of a page: half of a token's, so that it is none.
const PAGE: usize = 22;

fn language(tag: &str) -> Option<Locale> {
    match tag {
        "ru" => Some(Locale::Ru),
        "en" => Some(Locale::En),
        _ => None,
    }
}

/// A text as the value of a query.
pub fn in_query(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let sign = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(sign).collect()
}
