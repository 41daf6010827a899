//! E-mail over SMTP (RFC 5321), or into files, by lettre.
//!
//! TLS is required: from the first byte (RFC 8314 section 3.3), or by STARTTLS, without which nothing is sent. In the
//! clear only to this machine, for a relay beside the application. A code in a letter that anybody on the way can read
//! is no proof of a mailbox.

use std::fmt::{self, Debug};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::response::{Category, Detail, Severity};
use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::{Message, SendError, Sender, Sending, Sent};
use crate::account::identifier::{Identifier, IdentifierKind};
use crate::error::Broken;
use crate::secret::Secret;

/// Sends messages to e-mail addresses.
pub struct EmailSender {
    way: Way,
    from: Mailbox,
}

enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>, Duration),
    Files(AsyncFileTransport<Tokio1Executor>),
}

/// A server that takes mail.
pub struct Smtp {
    server: AsyncSmtpTransportBuilder,
    patience: Duration,
}

impl Smtp {
    /// TLS from the first byte, on port 465.
    ///
    /// # Errors
    /// [`Broken::Misuse`] for a name that is no host's.
    pub fn tls(host: &str) -> Result<Self, Broken> {
        Self::over(AsyncSmtpTransport::<Tokio1Executor>::relay(host))
    }

    /// TLS by STARTTLS, on port 587; a server without it, or somebody on the way who says so, gets no letter.
    ///
    /// # Errors
    /// As [`Smtp::tls`].
    pub fn starttls(host: &str) -> Result<Self, Broken> {
        Self::over(AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host))
    }

    /// In the clear, to a relay on this machine, on port 25.
    ///
    /// # Errors
    /// [`Broken::Misuse`] for another machine's address.
    pub fn local(address: IpAddr) -> Result<Self, Broken> {
        if !address.is_loopback() {
            return Err(Broken::Misuse("mail goes in the clear to this machine only"));
        }
        let server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.to_string());
        Ok(Self { server, patience: PATIENCE })
    }

    /// Another port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.server = self.server.port(port);
        self
    }

    /// Signs in there.
    #[must_use]
    pub fn login(mut self, user: &str, password: &Secret) -> Self {
        let password = password.expose_str().unwrap_or_default().to_owned();
        self.server = self.server.credentials(Credentials::new(user.to_owned(), password));
        self
    }

    /// How long a letter may take in all, the connection included; 20 seconds if nothing is said.
    #[must_use]
    pub const fn timeout(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    fn over(
        server: Result<AsyncSmtpTransportBuilder, lettre::transport::smtp::Error>,
    ) -> Result<Self, Broken> {
        let server = server.map_err(|_| Broken::Misuse("the name of the mail server is no host's"))?;
        Ok(Self { server, patience: PATIENCE })
    }
}

impl EmailSender {
    /// Through this server, in this name and from this address. Must be used within a tokio runtime.
    ///
    /// # Errors
    /// [`Broken::Misuse`] for an address that is no mailbox's.
    pub fn smtp(server: Smtp, name: &str, address: &str) -> Result<Self, Broken> {
        let Smtp { server, patience } = server;
        Self::by(Way::Smtp(server.timeout(Some(patience)).build(), patience), name, address)
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
        let broken = |error: Box<dyn std::error::Error + Send + Sync>| SendError(Some(error));
        // What no mail program can address will not become better by waiting.
        let Ok(to) = message.to.as_str().parse() else { return Ok(Sent::Rejected) };
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
            // lettre bounds the wait for each answer, not a handshake that never ends: that would stop all messages.
            Way::Smtp(smtp, patience) => match tokio::time::timeout(*patience, smtp.send(letter)).await {
                Ok(Ok(_)) => Ok(Sent::Delivered),
                Ok(Err(error)) if refuses_mailbox(&error) => Ok(Sent::Rejected),
                Ok(Err(error)) => Err(broken(Box::new(error))),
                Err(late) => Err(broken(Box::new(late))),
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

/// RFC 5321 section 4.2.3: 550 to 553 speak of the mailbox. Everything else that is permanent (535, a password that is
/// wrong; 554, a letter that looks like spam) may be ours to mend: it is tried again until the message is given up.
fn refuses_mailbox(error: &lettre::transport::smtp::Error) -> bool {
    error.status().is_some_and(|code| {
        code.severity == Severity::PermanentNegativeCompletion
            && code.category == Category::MailSystem
            && matches!(code.detail, Detail::Zero | Detail::One | Detail::Two | Detail::Three)
    })
}

fn one_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}

const PATIENCE: Duration = Duration::from_secs(20);
