//! Links in notices: whoever reads what was sent to a contact of the account can object to what it tells of. They only
//! ever take away or put back what was there: nobody signs in by one.
//!
//! Nothing is kept of a link. It is the account, what it is about, its end and a keyed hash of those: it works as long as
//! the thing that it is about is there to be stopped, on every node and after every restart.

use super::stop::Going;
use super::{Code, Refusal, Visit, edge};
use crate::auth::Inner;
use crate::clock::Timestamp;
use crate::error::Broken;
use crate::id::{AccountId, EventId};
use crate::secret::{Purpose, same};

/// What a link in a notice does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Objection {
    /// Stops a recovery that waits.
    StopRecovery = 1,
    /// Undoes a change of contacts; all sessions end.
    UndoContact = 2,
    /// "This was not me": locks the account; all sessions end.
    NotMe = 3,
}

impl Objection {
    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StopRecovery => "stop_recovery",
            Self::UndoContact => "undo_contact",
            Self::NotMe => "not_me",
        }
    }

    const ALL: [Self; 3] = [Self::StopRecovery, Self::UndoContact, Self::NotMe];
}

/// What became of a link in a notice.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Objected {
    /// That is what it does, on a page that asks first; or what it has done.
    To(Objection),
    /// Nothing, and why.
    Refused(Box<Refusal>),
}

/// A link in a notice, read.
struct Link {
    what: Objection,
    account: AccountId,
    about: EventId,
    until: Timestamp,
}

impl Visit {
    /// What a link in a notice does, for a page that asks whether it shall. Writes nothing, however often it is called.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn objection(&self, link: &str) -> Result<Objected, Broken> {
        let look = async {
            let inner = &self.auth.0;
            inner.slow_down(self, None).await?;
            Ok(Objected::To(inner.read_link(link).ok_or(Code::Link)?.what))
        };
        edge("objection", look, Objected::Refused).await
    }

    /// Does what a link in a notice does. Refused where there is nothing to stop or to undo any more.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn object(&self, link: &str) -> Result<Objected, Broken> {
        edge("object", self.auth.0.object(self, link), Objected::Refused).await
    }
}

impl Inner {
    /// The address of a page at which the owner objects.
    pub(crate) fn objection_link(
        &self,
        what: Objection,
        account: AccountId,
        about: EventId,
        until: Timestamp,
    ) -> String {
        let link = Link { what, account, about, until };
        let token =
            data_encoding::BASE64URL_NOPAD.encode(&[link.bytes().as_slice(), &self.mac(&link)].concat());
        format!("{}{}?o={token}", self.site.origin, self.site.objections)
    }

    async fn object(&self, visit: &Visit, link: &str) -> Going<Objected> {
        self.slow_down(visit, None).await?;
        self.ready().await?;
        let Link { what, account, about, .. } = self.read_link(link).ok_or(Code::Link)?;
        for _ in 0..MOST_TRIES {
            let person = self.person_by_id(account).await?.ok_or(Code::Link)?;
            let done = match what {
                Objection::StopRecovery => self.stop_waiting(visit, &person, Some(about)).await?,
                Objection::UndoContact => self.undo_contact(visit, &person, about).await?,
                Objection::NotMe => self.deny(visit, &person, about).await?,
            };
            match done {
                Some(true) => return Ok(Objected::To(what)),
                Some(false) => return Err(Code::Link.into()),
                None => {}
            }
        }
        Err(Code::Stale.into())
    }

    fn read_link(&self, text: &str) -> Option<Link> {
        let bytes = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (link, mac) = bytes.split_last_chunk::<MAC>()?;
        let link = Link::read(link)?;
        (same(mac, &self.mac(&link)) && self.clock.now() < link.until).then_some(link)
    }

    fn mac(&self, link: &Link) -> [u8; MAC] {
        let whole = self.keys.lookup(Purpose::Objection, &[&link.bytes()]);
        let mut half = [0; MAC];
        half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
        half
    }
}

impl Link {
    fn bytes(&self) -> Vec<u8> {
        let until = self.until.as_millis().to_be_bytes();
        [&[self.what as u8][..], self.account.as_bytes(), self.about.as_bytes(), &until].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (what, rest) = bytes.split_first()?;
        let (account, rest) = rest.split_first_chunk()?;
        let (about, rest) = rest.split_first_chunk()?;
        Some(Self {
            what: Objection::ALL.into_iter().find(|one| *one as u8 == *what)?,
            account: AccountId::from_bytes(*account),
            about: EventId::from_bytes(*about),
            until: Timestamp::from_millis(i64::from_be_bytes(rest.try_into().ok()?)),
        })
    }
}

const MOST_TRIES: usize = 8;
/// 128 bits of a keyed hash.
const MAC: usize = 16;
