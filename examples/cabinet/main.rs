//! The demo portal: registration, signing in with two steps, profile, services, sessions, history, change of password, in
//! Russian and English. Some small scripts: they ask browsers for passkeys, help with typing, notice that a link was
//! followed, solve the puzzle before a registration or a recovery, and print; everything works without them but passkeys.
//!
//! ```text
//! cargo run --example cabinet --features full
//! ```
//!
//! To be read as the model of an application that uses propusk. Start here: this file puts the library together.
//! Then `guest.rs` (who asks), `pages/sign_in.rs` and `pages.rs` (a step and where it leads), `asks.rs` (how a factor is
//! asked for), and the other pages in any order. `outbox.rs` shows how messages leave, `watch.rs` what an operator sees.

#![allow(unreachable_pub, reason = "a program: nothing leaves it")]

mod app;
mod asks;
mod config;
mod dates;
mod demo;
mod drafts;
mod guards;
mod guest;
mod outbox;
mod pages;
mod services;
mod status;
#[cfg(all(test, feature = "testing"))]
mod tests;
mod texts;
mod view;
mod watch;

use std::error::Error;
use std::net::SocketAddr;

use propusk::axum::{AuthHttp, TokioSleep, tend};
use propusk::message::Templates;
use propusk::policy::Check;
use propusk::secret::{FileKeys, KeySource};
use propusk::{Auth, BackupCodes, Code, Hotp, Link, Passkey, Password, Site, Totp, danger, store};
use tokio::net::TcpListener;

use crate::app::App;
use crate::config::Config;
use crate::dates::ZONE;
use crate::drafts::Drafts;
use crate::outbox::Outbox;
use crate::services::Services;
use crate::status::Pulse;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env()?;
    // Before anything that is to be seen.
    watch::logs()?;
    if let Some(port) = config.metrics {
        watch::metrics(port).await?;
    }

    // The keys that everything is sealed under: made at the first start, readable by their owner only. Lose them,
    // and the database is closed for good; keep them apart from its backups.
    let keys = FileKeys::at(&config.keys);
    keys.create()?;

    // Where people are and what a password must not be built of.
    let mut site = Site::new("Cabinet", &config.origin).objections_at("/objection");
    site.words.extend(["кабинет", "propusk", "пропуск"].map(str::to_owned));

    let outbox = Outbox::open(&config.outbox)?;
    // A SQLite file, or PostgreSQL, with or without Redis beside it: nothing else here changes.
    let store = store::connect(&config.database, config.redis.as_deref()).await?;
    let mut profile = guards::profile();
    // Each of these sends a message, which costs money and bothers whoever gets it.
    (profile.human.sign_up, profile.human.recover) = (Check::Always, Check::Always);
    let auth = Auth::builder(profile, store.clone(), keys.load()?)
        .throttle(store)
        .site(site)
        // Messages tell the same time as the pages.
        .templates(Templates::default().zone(ZONE.0, ZONE.1, ZONE.2))
        // The order is that in which people are asked: who has a key or an application is not sent a message first.
        .factor(Password::default())
        .factor(Passkey::default())
        .factor(Totp::default())
        .factor(Hotp::default())
        .factor(Code::sms())
        .factor(Code::email())
        // It opens a page of this portal.
        .factor(Link::at("/link"))
        .factor(BackupCodes::default())
        .sender(outbox.clone())
        .sleep(TokioSleep)
        .build()?;
    // A store that was written under other keys is found now, not at the first sign-in.
    auth.ready().await?;

    // Plain http on localhost is for development: cookies lose their `__Host-` prefix and the Secure mark.
    let insecure = danger::Http::insecure_cookies_on_localhost();
    // Several accounts in one browser: all that acts here is a form, and each is bound to its session.
    let http = AuthHttp::builder(auth.clone()).danger(insecure).accounts(5).build()?;
    let account = demo::account(&auth, &outbox, &config).await?;
    // Delivers messages and sweeps what has expired, until it is dropped.
    let _tending = tend(auth.clone());

    let listener = TcpListener::bind(("127.0.0.1", config.port)).await.map_err(|error| {
        format!("port {} cannot be used ({error}): choose another with PORT=8081", config.port)
    })?;
    config.print(&account);
    let services = Services::open(&config.services)?;
    let pulse = Pulse::default();
    let app = app::router(App { auth, http, outbox, drafts: Drafts::default(), services, pulse });
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    Ok(())
}
