//! E-mail over SMTP (RFC 5321), or into files, by lettre.
//!
//! TLS is required: from the first byte ([`Smtp::tls`], RFC 8314 section 3.3), or by STARTTLS, without which nothing is
//! sent. Take the first where the server has it: what somebody on the way slips in before STARTTLS may be taken for the
//! server's word after it. In the clear only to this machine, for a relay beside the application. A code in a letter that
//! anybody on the way can read is no proof of a mailbox.

use std::error::Error as StdError;
use std::fmt::{self, Debug};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use lettre::{AsyncFileTransport, AsyncTransport, Tokio1Executor};
use tokio::time::{Instant, timeout_at};

use super::{Message, SendError, Sender, Sending, Sent};
use crate::account::identifier::{Identifier, IdentifierKind};
use crate::auth::LEASE;
use crate::error::Broken;
use crate::secret::Secret;

/// Sends messages to e-mail addresses.
pub struct EmailSender {
    way: Way,
    from: Mailbox,
}

enum Way {
    Smtp(Smtp),
    Files(AsyncFileTransport<Tokio1Executor>),
}

/// A server that takes mail.
pub struct Smtp {
    host: String,
    port: u16,
    secured: Secured,
    login: Option<Credentials>,
    patience: Duration,
}

enum Secured {
    FromTheFirstByte(TlsParameters),
    StartTls(TlsParameters),
    Never,
}

/// Nobody knows whether a letter is delivered whose acknowledgement did not come: it is sent again, with the same id.
#[derive(Debug, thiserror::Error)]
#[error("the mail server did not answer in time; whether it has the letter is not known")]
struct Late;

impl Smtp {
    /// TLS from the first byte, on port 465.
    ///
    /// # Errors
    /// [`Broken::Misuse`] for a name that is no host's.
    pub fn tls(host: &str) -> Result<Self, Broken> {
        Ok(Self::at(host, SUBMISSIONS_PORT, Secured::FromTheFirstByte(parameters(host)?)))
    }

    /// TLS by STARTTLS, on port 587, for servers without [`Smtp::tls`]; one without either, or somebody on the way who
    /// says so, gets no letter.
    ///
    /// # Errors
    /// As [`Smtp::tls`].
    pub fn starttls(host: &str) -> Result<Self, Broken> {
        Ok(Self::at(host, SUBMISSION_PORT, Secured::StartTls(parameters(host)?)))
    }

    /// In the clear, to a relay on this machine, on port 25.
    ///
    /// # Errors
    /// [`Broken::Misuse`] for another machine's address.
    pub fn local(address: IpAddr) -> Result<Self, Broken> {
        if !address.is_loopback() {
            return Err(Broken::Misuse("mail goes in the clear to this machine only"));
        }
        Ok(Self::at(&address.to_string(), SMTP_PORT, Secured::Never))
    }

    /// Another port.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Signs in there.
    ///
    /// # Errors
    /// [`Broken::Misuse`] for a password that is not UTF-8.
    pub fn login(mut self, user: &str, password: &Secret) -> Result<Self, Broken> {
        let word = password.expose_str().ok_or(Broken::Misuse("the password of the mail server is UTF-8"))?;
        self.login = Some(Credentials::new(user.to_owned(), word.to_owned()));
        Ok(self)
    }

    /// How long a letter may take in all, the connection included; 20 seconds if nothing is said, and at most a minute:
    /// after two, another node may be at the same letter.
    #[must_use]
    pub fn timeout(mut self, patience: Duration) -> Self {
        self.patience = patience.min(LEASE / 2);
        self
    }

    fn at(host: &str, port: u16, secured: Secured) -> Self {
        Self { host: host.to_owned(), port, secured, login: None, patience: PATIENCE }
    }

    /// Each letter has a connection of its own. One that is used again after a letter that was cut off gives the answer
    /// to that letter for the answer to the next, which is then taken for delivered, or for refused, and is not.
    async fn send(&self, letter: &lettre::Message) -> Result<(), Box<dyn StdError + Send + Sync>> {
        let end = Instant::now() + self.patience;
        // lettre bounds the connecting, no handshake and no answer: a server that keeps silent would stop all messages.
        let sent = timeout_at(end, async {
            let mut connection = self.connection().await?;
            connection.send(letter.envelope(), &letter.formatted()).await?;
            Ok::<_, lettre::transport::smtp::Error>(connection)
        });
        let mut connection = sent.await.map_err(|_| Late)??;
        // It has the letter, whatever becomes of the farewell.
        let _ = timeout_at(end.min(Instant::now() + FAREWELL), connection.quit()).await;
        Ok(())
    }

    async fn connection(&self) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
        let (server, me) = ((self.host.as_str(), self.port), ClientId::default());
        let first = match &self.secured {
            Secured::FromTheFirstByte(tls) => Some(tls.clone()),
            Secured::StartTls(_) | Secured::Never => None,
        };
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(self.patience), &me, first, None).await?;
        if let Secured::StartTls(tls) = &self.secured {
            connection.starttls(tls.clone(), &me).await?;
        }
        if let Some(login) = &self.login {
            connection.auth(DEFAULT_MECHANISMS, login).await?;
        }
        Ok(connection)
    }
}

impl EmailSender {
    /// Through this server, in this name and from this address. Sends within a tokio runtime only.
    ///
    /// # Errors
    /// [`Broken::Misuse`] for an address that is no mailbox's.
    pub fn smtp(server: Smtp, name: &str, address: &str) -> Result<Self, Broken> {
        Self::by(Way::Smtp(server), name, address)
    }

    /// Each letter a file (`.eml`) in this folder, which is there: for development.
    ///
    /// # Errors
    /// As [`EmailSender::smtp`].
    pub fn files(folder: &Path, name: &str, address: &str) -> Result<Self, Broken> {
        Self::by(Way::Files(AsyncFileTransport::new(folder)), name, address)
    }

    fn by(way: Way, name: &str, address: &str) -> Result<Self, Broken> {
        let address = address.parse().map_err(|_| Broken::Misuse("mail is sent from a mailbox's address"))?;
        Ok(Self { way, from: Mailbox::new(Some(one_line(name)), address) })
    }

    async fn deliver(&self, message: &Message) -> Result<Sent, SendError> {
        let broken = |error: Box<dyn StdError + Send + Sync>| SendError(Some(error));
        // What no mail program can address will not become better by waiting.
        let to = message.to.destination().and_then(|to| to.parse().ok());
        let Some(to) = to else { return Ok(Sent::Rejected) };
        let text = message.text();
        // The same for each attempt: a mailbox that got it twice shows it once.
        let id = format!("<{}@{}>", message.id, self.from.email.domain());
        let letter = lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            // Subjects hold names: no line break of theirs begins a header of its own.
            .subject(one_line(&text.subject))
            .message_id(Some(id))
            .header(ContentType::TEXT_PLAIN)
            .body(text.body)
            .map_err(|error| broken(Box::new(error)))?;
        match &self.way {
            Way::Smtp(server) => match server.send(&letter).await {
                Ok(()) => Ok(Sent::Delivered),
                Err(error) if refuses_mailbox(&*error) => Ok(Sent::Rejected),
                Err(error) => Err(broken(error)),
            },
            Way::Files(files) => {
                files.send(letter).await.map_err(|error| broken(Box::new(error)))?;
                Ok(Sent::Delivered)
            }
        }
    }
}

impl Sender for EmailSender {
    fn takes(&self, address: &Identifier) -> bool {
        address.kind() == IdentifierKind::Email
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(self.deliver(message))
    }
}

impl Debug for EmailSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailSender").finish_non_exhaustive()
    }
}

impl Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("patience", &self.patience).finish_non_exhaustive()
    }
}

/// Only what is said of the mailbox itself ends a message at once. A reply of 550 or 553 alone says as often that the
/// server will not have this sender, this letter, this network today: ours to mend, and tried again until the message is
/// given up.
fn refuses_mailbox(error: &(dyn StdError + 'static)) -> bool {
    let Some(error) = error.downcast_ref::<lettre::transport::smtp::Error>() else { return false };
    let reply = error.source().map(ToString::to_string).unwrap_or_default();
    error.is_permanent() && reply.split_whitespace().next().is_some_and(|code| NO_MAILBOX.contains(&code))
}

fn parameters(host: &str) -> Result<TlsParameters, Broken> {
    TlsParameters::new(host.to_owned())
        .map_err(|_| Broken::Misuse("the name of the mail server is no host's"))
}

fn one_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}

const PATIENCE: Duration = Duration::from_secs(20);
const FAREWELL: Duration = Duration::from_secs(1);
/// RFC 3463 sections 3.2 and 3.3, RFC 7505 section 4.2: no such mailbox, no such domain, no such address, moved without
/// a trace, a domain that takes no mail, a mailbox that is disabled.
const NO_MAILBOX: [&str; 6] = ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"];
