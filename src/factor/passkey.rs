//! Passkeys and security keys (WebAuthn level 3). Proves a key in a device that the person holds, resists phishing and
//! replay; where the device verified its user (PIN, finger, face) that, too.
//!
//! A key with user verification signs in alone, without a name typed; any key is a second factor. One kind of
//! credential: what a key can do is read from its flags at each use. ES256, ES384 and RS256; no attestation is asked
//! for. A signature counter that does not go up disables the key: it may have been copied.

mod ceremony;
mod wire;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{
    Begun, Context, Credential, Enrol, EnrolPlugin, Enrolled, Factor, Found, Prompt, Reason, Schemas, Verdict,
};
use crate::error::{Broken, FactorError};
use crate::id::FactorName;
use crate::message::Locale;
use crate::proof::{Amr, Channel, Proves};
use crate::secret::same;
use crate::site::Site;

pub use ceremony::{Ceremony, Made, PublicKey, Seen};
pub use wire::{Assertion, Bytes, Handle, Registration};

/// The passkey factor.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Passkey {
    /// When a device must verify its user.
    pub user_verification: UserVerification,
    /// New keys must be ones that a device finds without a name: for a site where nobody types one. Old security keys
    /// cannot, and have room for a few where they can.
    pub discoverable: bool,
    domain: Option<String>,
    applications: Vec<String>,
}

/// When a device must verify its user. Asked for in any case where it can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserVerification {
    /// Where the key is the first proof: a key that lies on a desk is no sign-in.
    #[default]
    Alone,
    /// At each use, and at enrolment.
    Always,
    /// Never required. A key alone then is one factor of one kind.
    Preferred,
}

/// What is kept of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stored {
    id: Handle,
    /// The account's user handle: random, the same for all its keys, and in every answer that names nobody.
    owner: Bytes<64>,
    key: PublicKey,
    count: u32,
    backup_eligible: bool,
    backed_up: bool,
    /// Whether it can be found without a name, as far as the browser knew.
    discoverable: Option<bool>,
    transports: Vec<wire::Word>,
    /// It may have been copied: neither offered nor accepted any more.
    disabled: bool,
    /// Whether it has ever verified its user. One without a PIN must not be counted on as if it could: nobody would get in
    /// by it alone. Of keys kept before this was, it was taken for granted.
    #[serde(default = "taken_for_granted")]
    verifies: bool,
}

const fn taken_for_granted() -> bool {
    true
}

/// What is kept while a proof is waited for. Not of the form of [`Offered`]: one is never taken for the other.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    challenge: [u8; 32],
    /// Nobody is named: the answer's key says who it is.
    unnamed: bool,
}

/// What is kept while a new key is waited for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offered {
    challenge: [u8; 32],
    owner: Bytes<64>,
}

impl Passkey {
    /// Its name.
    pub const NAME: FactorName = FactorName::new("passkey");

    /// Keys are bound to this domain, a parent of the site's host that is not a public suffix: so they can be used at
    /// the domain's other sites. The default is the site's host. Never change it: all keys would be lost.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into().to_ascii_lowercase());
        self
    }

    /// An application's origin that is accepted beside the site's, to the letter (`android:apk-key-hash:...`).
    #[must_use]
    pub fn also_at(mut self, origin: impl Into<String>) -> Self {
        self.applications.push(origin.into());
        self
    }

    fn ceremony<'c>(
        &'c self,
        cx: &Context<'c>,
        challenge: &'c [u8; 32],
    ) -> Result<Ceremony<'c>, FactorError> {
        let ceremony = Ceremony::new(self.rp_id(cx.site)?, &cx.site.origin, challenge);
        Ok(self.applications.iter().fold(ceremony, |ceremony, origin| ceremony.also_at(origin)))
    }

    fn rp_id(&self, site: &Site) -> Result<String, Broken> {
        let host = site.host().to_ascii_lowercase();
        // An address is no domain (section 5.1.3), and without a site there is nothing to bind a key to.
        if host.is_empty() || host.starts_with('[') || host.parse::<IpAddr>().is_ok() {
            return Err(Broken::Misuse("passkeys need .site(Site::new(name, origin)) at a domain name"));
        }
        let Some(domain) = &self.domain else { return Ok(host) };
        let parent = host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'));
        if host == *domain || (parent && domain.contains('.')) {
            Ok(domain.clone())
        } else {
            Err(Broken::Misuse("the domain of passkeys is the site's host or a parent of it"))
        }
    }

    const fn required(&self, alone: bool) -> bool {
        match self.user_verification {
            UserVerification::Always => true,
            UserVerification::Alone => alone,
            UserVerification::Preferred => false,
        }
    }
}

impl Factor for Passkey {
    type Data = Stored;
    type State = Asked;
    type Answer = Assertion;

    fn name(&self) -> FactorName {
        Self::NAME
    }

    fn title(&self, locale: Locale) -> String {
        String::from(match locale {
            Locale::En => "passkey",
            Locale::Ru => "ключ доступа",
        })
    }

    fn could_prove(&self, data: Option<&Stored>) -> Proves {
        match data {
            Some(key) if key.disabled => Proves::by(Channel::Device),
            Some(key) => proves(key.verifies, key.backup_eligible),
            None => proves(true, false),
        }
    }

    async fn begin(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Stored>],
        _before: Option<Asked>,
    ) -> Result<Begun<Asked>, FactorError> {
        // Without a decoy there is no first step by name, so whoever has no keys here is not named yet.
        let unnamed = mine.is_empty();
        let allowed: Vec<_> = usable(mine).map(|one| one.data.described()).collect();
        if allowed.is_empty() && !unnamed {
            return Ok(Begun::Nothing);
        }
        let challenge = random(cx)?;
        let prompt = Prompt::new(&wire::Request {
            challenge: &Bytes::from(challenge),
            timeout: TIMEOUT_MILLIS,
            rp_id: &self.rp_id(cx.site)?,
            allow_credentials: allowed,
            user_verification: wish(self.required(unnamed)),
        })?;
        Ok(Begun::Started { state: Asked { challenge, unnamed }, prompt, deliver: None })
    }

    fn discoverable(&self) -> bool {
        true
    }

    async fn find(
        &self,
        _: &Context<'_>,
        state: Asked,
        answer: &Assertion,
    ) -> Result<Option<Found<Asked>>, FactorError> {
        Ok(state.unnamed.then(|| Found { handle: answer.raw_id.as_bytes().to_vec(), state }))
    }

    async fn answer(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Stored>],
        state: Asked,
        answer: Assertion,
    ) -> Result<Verdict<Stored, Asked>, FactorError> {
        // Only this account's keys, by the id that was signed in with (ATTACKS 80, 81). For nobody's a signature is
        // checked, too, with a key that has no owner: the same time, the same refusal.
        let used = usable(mine).find(|one| one.data.id == answer.raw_id);
        let key = used.map_or_else(PublicKey::nobodys, |one| one.data.key.clone());
        let ceremony = self.ceremony(cx, &state.challenge)?.user_verified(self.required(state.unnamed));
        let (Some(seen), Some(used)) = (ceremony.assertion(&key, &answer), used) else {
            return Ok(Verdict::refuse(Reason::Wrong));
        };
        let stored = &used.data;
        // The owner by the key and the owner by the handle are one; who was not named before must say it (section 7.2,
        // step 6).
        let owner = match &answer.response.user_handle {
            Some(handle) => same(handle.as_bytes(), stored.owner.as_bytes()),
            None => !state.unnamed,
        };
        if !owner || seen.backup_eligible != stored.backup_eligible {
            return Ok(Verdict::refuse(Reason::Wrong));
        }
        // Section 6.1.1: devices that count never repeat themselves, devices that do not stay at zero.
        if (seen.count, stored.count) != (0, 0) && seen.count <= stored.count {
            let disabled = Stored { disabled: true, ..stored.clone() };
            // With the state: the flow is swapped in the same commit. An answer that has just been accepted on another
            // node comes with a counter that is used up, and must lose this race instead of disabling its own key.
            return Ok(Verdict::Refuse {
                reason: Reason::Wrong,
                change: Some((used.id, disabled)),
                state: Some(state),
            });
        }
        let verifies = stored.verifies || seen.user_verified;
        let now = Stored { count: seen.count, backed_up: seen.backed_up, verifies, ..stored.clone() };
        let changed =
            (now.count, now.backed_up, now.verifies) != (stored.count, stored.backed_up, stored.verifies);
        Ok(Verdict::Accept {
            credential: used.id,
            proved: proves(seen.user_verified, seen.backup_eligible),
            change: changed.then_some(now),
        })
    }

    fn fits(&self, site: &Site) -> Result<(), Broken> {
        self.rp_id(site).map(drop)
    }

    fn schemas(&self) -> Schemas {
        wire::SCHEMAS
    }

    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}

impl Enrol for Passkey {
    type Proposal = Offered;
    type Confirm = Registration;

    async fn propose(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Stored>],
    ) -> Result<Begun<Offered>, FactorError> {
        let challenge = random(cx)?;
        let owner = match mine.first() {
            Some(one) => one.data.owner.clone(),
            // Not the account's id: a handle is readable on a shared device (section 14.6.1).
            None => Bytes::from(random(cx)?),
        };
        let name = cx.echo.unwrap_or(&cx.site.name);
        let prompt = Prompt::new(&wire::Creation {
            rp: wire::Party { id: &self.rp_id(cx.site)?, name: &cx.site.name },
            user: wire::User { id: &owner, name, display_name: name },
            challenge: &Bytes::from(challenge),
            pub_key_cred_params: PublicKey::OFFERED.map(|alg| wire::Parameter { r#type: KIND, alg }),
            timeout: TIMEOUT_MILLIS,
            // A device with a disabled key may make a new one.
            exclude_credentials: usable(mine).map(|one| one.data.described()).collect(),
            authenticator_selection: wire::Selection {
                resident_key: wish(self.discoverable),
                require_resident_key: self.discoverable,
                user_verification: wish(self.user_verification == UserVerification::Always),
            },
            attestation: "none",
            extensions: wire::Asked { cred_props: true },
        })?;
        Ok(Begun::Started { state: Offered { challenge, owner }, prompt, deliver: None })
    }

    async fn confirm(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Stored>],
        proposal: Offered,
        answer: Registration,
    ) -> Result<Enrolled<Stored>, FactorError> {
        // Another key was enrolled meanwhile, under a handle of its own: the account has one.
        if mine.iter().any(|one| one.data.owner != proposal.owner) {
            return Ok(Enrolled::Refuse(Reason::Expired));
        }
        let always = self.user_verification == UserVerification::Always;
        let made = self.ceremony(cx, &proposal.challenge)?.user_verified(always).registration(&answer);
        let Some(Made { id, key, seen, .. }) = made else { return Ok(Enrolled::Refuse(Reason::Wrong)) };
        if mine.iter().any(|one| one.data.id == id) {
            return Ok(Enrolled::Refuse(Reason::Wrong));
        }
        let discoverable = answer.extensions.discoverable();
        // The browser's word alone: it spares an honest person a key that would never be found.
        if self.discoverable && discoverable == Some(false) {
            return Ok(Enrolled::Refuse(Reason::Wrong));
        }
        let mut transports = answer.response.transports;
        transports.retain(|word| !word.is_empty());
        transports.truncate(MOST_TRANSPORTS);
        Ok(Enrolled::Add {
            handles: vec![id.as_bytes().to_vec()],
            proved: proves(seen.user_verified, seen.backup_eligible),
            data: Stored {
                id,
                owner: proposal.owner,
                key,
                count: seen.count,
                backup_eligible: seen.backup_eligible,
                backed_up: seen.backed_up,
                discoverable,
                transports,
                disabled: false,
                verifies: seen.user_verified,
            },
        })
    }
}

impl Stored {
    fn described(&self) -> wire::Descriptor<'_> {
        wire::Descriptor { r#type: KIND, id: &self.id, transports: &self.transports }
    }
}

fn usable(mine: &[Credential<Stored>]) -> impl Iterator<Item = &Credential<Stored>> {
    mine.iter().filter(|one| !one.data.disabled)
}

fn random<const LENGTH: usize>(cx: &Context<'_>) -> Result<[u8; LENGTH], FactorError> {
    let mut bytes = [0; LENGTH];
    cx.entropy().fill(&mut bytes)?;
    Ok(bytes)
}

const fn wish(required: bool) -> &'static str {
    if required { "required" } else { "preferred" }
}

// What the flags say. Without attestation it is the device's own word, as with every passkey.
const fn proves(user_verified: bool, backup_eligible: bool) -> Proves {
    let mut proves = Proves::by(Channel::Device)
        .possession()
        .phishing_resistant()
        .replay_resistant()
        .amr(Amr::Pop)
        .amr(Amr::User);
    if user_verified {
        proves = proves.user_verified();
    }
    // RFC 8176: a key that is copied between devices is one in software.
    if backup_eligible { proves.exportable().amr(Amr::Swk) } else { proves.amr(Amr::Hwk) }
}

const KIND: &str = "public-key";
/// How long a browser keeps its window open; the challenge dies with its flow.
const TIMEOUT_MILLIS: u32 = 5 * 60 * 1000;
const MOST_TRANSPORTS: usize = 8;
