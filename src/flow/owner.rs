//! Links in notices: whoever reads what was sent to a contact of the account can object to what it tells of. They only
//! ever take away or put back what was there: nobody signs in by one.
//!
//! Nothing is kept of a link. It is the account, what it is about, its end, whom it was sent to and a keyed hash of those:
//! it works as long as the thing that it is about is there to be stopped and the address is the account's, on every node
//! and after every restart.

use super::stop::Going;
use super::subject::Person;
use super::{Code, Refusal, Visit, edge};
use crate::account::identifier::Identifier;
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

/// What a link in a notice is about. Each address gets one of its own.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    pub(crate) what: Objection,
    pub(crate) account: AccountId,
    pub(crate) about: EventId,
    pub(crate) until: Timestamp,
}

/// A short keyed hash of an address.
type To = [u8; 4];

impl Visit {
    /// What a link in a notice does, for a page that asks whether it shall. Writes nothing, however often it is called.
    ///
    /// # Errors
    /// When something does not work.
    pub async fn objection(&self, link: &str) -> Result<Objected, Broken> {
        let look = async {
            let inner = &self.auth.0;
            inner.slow_down(self, None).await?;
            inner.ready().await?;
            let (link, to) = inner.read_link(link).ok_or(Code::Link)?;
            inner.object_to(&link, to).await?;
            Ok(Objected::To(link.what))
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
    /// The address of a page at which the owner objects, where the application has one.
    pub(crate) fn objection_link(&self, link: &Link, to: &Identifier) -> Option<String> {
        let page = self.site.objections.as_ref()?;
        let bytes = [link.bytes().as_slice(), &self.to(link, to)].concat();
        let token = data_encoding::BASE64URL_NOPAD.encode(&[bytes.as_slice(), &self.mac(&bytes)].concat());
        Some(format!("{}{page}?o={token}", self.site.origin))
    }

    async fn object(&self, visit: &Visit, link: &str) -> Going<Objected> {
        self.slow_down(visit, None).await?;
        self.ready().await?;
        let (link, to) = self.read_link(link).ok_or(Code::Link)?;
        let Link { what, about, .. } = link;
        for _ in 0..MOST_TRIES {
            let person = self.object_to(&link, to).await?;
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

    // Whose account it is about, if the address that it was sent to is one of its own still, or can be put back: a thief
    // would else begin with taking it away. After that its mailbox is anybody's, who would shut the account for ever.
    async fn object_to(&self, link: &Link, to: To) -> Going<Person> {
        let person = self.person_by_id(link.account).await?.ok_or(Code::Link)?;
        let known = person.known(self)?.ok_or(Code::Link)?;
        let now = self.clock.now();
        let open = known.profile.changes.iter().filter(|one| now < one.until);
        let all = known.contacts().chain(&known.names).chain(open.filter_map(|one| one.old.as_ref()));
        let stands = all.map(|one| self.to(link, one)).collect::<Vec<_>>().contains(&to);
        if stands { Ok(person) } else { Err(Code::Link.into()) }
    }

    fn read_link(&self, text: &str) -> Option<(Link, To)> {
        let bytes = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (bytes, mac) = bytes.split_last_chunk::<MAC>()?;
        let (link, to) = bytes.split_last_chunk()?;
        let link = Link::read(link)?;
        (same(mac, &self.mac(bytes)) && self.clock.now() < link.until).then_some((link, *to))
    }

    fn to(&self, link: &Link, to: &Identifier) -> To {
        let parts = [
            b"to".as_slice(),
            link.account.as_bytes(),
            to.kind().as_str().as_bytes(),
            to.as_str().as_bytes(),
        ];
        let [a, b, c, d, ..] = self.keys.lookup(Purpose::Objection, &parts);
        [a, b, c, d]
    }

    fn mac(&self, bytes: &[u8]) -> [u8; MAC] {
        let whole = self.keys.lookup(Purpose::Objection, &[bytes]);
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
