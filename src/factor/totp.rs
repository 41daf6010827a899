//! Time-based one-time password (TOTP, RFC 6238), by any authenticator application. Proves that one holds its key.
//!
//! Settings: [`Totp::scheme`], by default SHA-1, six digits, thirty seconds: what every application takes (some ignore
//! other wishes without a word); [`Totp::strict`]. A credential keeps the scheme that it was enrolled with, so that a
//! later one leaves it as it is. A code is good one step to either side (RFC 6238 section 5.2). Several devices, each
//! with a key and a last step of its own; those of another system are [imported](Totp::imported).

use std::fmt;

use data_encoding::BASE32_NOPAD;
use qrcode::QrCode;
use qrcode::render::svg;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Answer, Begun, Context, Credential, Enrol, EnrolPlugin, Enrolled, Factor, Prompt, Reason, Schemas,
    Verdict,
};
use crate::auth::import::ImportedCredential;
use crate::clock::Timestamp;
use crate::error::FactorError;
use crate::id::FactorName;
use crate::message::Locale;
use crate::otp::{Algorithm, OtpScheme, computed};
use crate::proof::{Amr, Channel, Proves};
use crate::secret::{Secret, same};

mod import;
#[cfg(test)]
mod tests;

pub use self::import::UriError;

/// The TOTP factor.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Totp {
    scheme: TotpScheme,
    strict: bool,
}

/// How codes are made of a key and the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpScheme {
    algorithm: Algorithm,
    digits: u8,
    /// A step, in seconds.
    period: u32,
}

/// What is kept of a device.
#[derive(Clone, Serialize, Deserialize)]
pub struct Device {
    /// Base32 without padding.
    key: Zeroizing<String>,
    scheme: TotpScheme,
    /// The last accepted step: nothing at it or below it is ever accepted again.
    last: i64,
    /// Which of the steps up to `last` were accepted: the lowest bit is `last` itself, the next the one before.
    used: u8,
}

/// What is kept between the proposal of a key and its first code.
#[derive(Serialize, Deserialize)]
pub struct Proposed {
    key: Zeroizing<String>,
}

/// What the client sends, to prove a device or to confirm a new one. Spaces, dashes and full-width digits are forgiven.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    code: Secret,
}

/// What a code is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Nothing,
    /// Just this code was accepted before.
    Used,
    Fresh {
        step: i64,
    },
}

impl Totp {
    /// Its name.
    pub const NAME: FactorName = FactorName::new("totp");

    /// New devices get this scheme. Look first whether the applications that people have take it.
    #[must_use]
    pub const fn scheme(mut self, scheme: TotpScheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Only the code of the present step is good. A clock that is off by a step, or a person who types slowly, is
    /// refused then.
    #[must_use]
    pub const fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// The credential for [`Auth::import`](crate::Auth::import) that the device behind another system's
    /// `otpauth://totp/..` address is. `since` is the moment of the move: no code that was good there up to then is good
    /// here, so that a device signs in from the second step after it. Where the other system took codes of more than one
    /// step ahead, say a later moment. An account has at most five devices, each once.
    ///
    /// ```
    /// use propusk::Totp;
    /// use propusk::auth::import::Import;
    /// use propusk::clock::{Clock, SystemClock};
    ///
    /// let uri = "otpauth://totp/Old:ivan?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Old&period=30&digits=6";
    /// let ivan = Import::new("Ivan")?
    ///     .identifier("ivan@example.org")?
    ///     .credential(Totp::imported(uri, SystemClock.now())?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`UriError`]: what the address has to be, and is not.
    pub fn imported(otpauth: &str, since: Timestamp) -> Result<ImportedCredential, UriError> {
        let (key, scheme) = import::read(otpauth)?;
        // Where a step of drift is allowed (RFC 6238 section 5.2), the code of the next step was good there already: it
        // may have been used, or seen, and has to be as good as used here (ATTACKS 1).
        let last = scheme.step(since).saturating_add(1);
        let device = Device { key: key.clone(), scheme, last, used: 0 };
        let imported = ImportedCredential::of(&Self::default(), &device).map_err(|_| UriError::Key)?;
        Ok(imported.at_most(MOST_DEVICES).of_key(key.as_bytes()))
    }

    /// The answer that is this code; also the confirmation of a new device.
    #[must_use]
    pub fn code(code: &str) -> Answer {
        #[derive(Serialize)]
        struct Word<'a> {
            code: &'a str,
        }
        Answer::wire(Self::NAME, serde_json::to_vec(&Word { code }).unwrap_or_default())
    }
}

#[cfg(feature = "testing")]
pub(crate) fn shown(otpauth: &str, at: Timestamp) -> Result<String, UriError> {
    let (key, scheme) = import::read(otpauth)?;
    let [_, (_, code), _] = scheme.around(&key, at).map_err(|_| UriError::Key)?;
    Ok(String::clone(&code))
}

impl TotpScheme {
    /// SHA-1, six digits, thirty seconds.
    pub const COMMON: Self = Self { algorithm: Algorithm::Sha1, digits: 6, period: 30 };

    /// Another one: six or eight digits (RFC 6238 takes no others), a step of 15 to 300 seconds.
    #[must_use]
    pub const fn new(algorithm: Algorithm, digits: u8, period_secs: u32) -> Option<Self> {
        let fits = matches!(digits, 6 | 8) && period_secs >= 15 && period_secs <= 300;
        if fits { Some(Self { algorithm, digits, period: period_secs }) } else { None }
    }

    fn step(self, at: Timestamp) -> i64 {
        at.as_millis().div_euclid(1000).div_euclid(i64::from(self.period.max(1)))
    }

    /// The codes of the step of `at` and of its neighbours.
    fn around(self, key: &str, at: Timestamp) -> Result<[(i64, Zeroizing<String>); 3], FactorError> {
        let key = BASE32_NOPAD.decode(key.as_bytes()).map_err(|_| FactorError::Corrupt("totp key"))?;
        let key = Zeroizing::new(key);
        let now = self.step(at);
        Ok([now.saturating_sub(1), now, now.saturating_add(1)].map(|step| {
            let counter = u64::try_from(step).unwrap_or_default();
            (step, computed(self.algorithm, self.digits, &key, counter))
        }))
    }
}

impl Default for TotpScheme {
    fn default() -> Self {
        Self::COMMON
    }
}

impl OtpScheme for TotpScheme {
    fn digits(&self) -> usize {
        usize::from(self.digits)
    }
}

impl Device {
    fn accepted_at(&self, step: i64) -> Self {
        let passed = u32::try_from(step.saturating_sub(self.last)).unwrap_or(u32::MAX);
        let used = self.used.checked_shl(passed).unwrap_or_default() | 1;
        Self { last: step, used, ..self.clone() }
    }

    fn was_used(&self, step: i64) -> bool {
        let ago = u32::try_from(self.last.saturating_sub(step)).unwrap_or(u32::MAX);
        self.used.checked_shr(ago).unwrap_or_default() & 1 == 1
    }

    /// Every step is computed and compared, whichever fits: time tells nothing of them. Of two steps with the same
    /// code the later counts, so that it is good for neither any more.
    fn judge(&self, code: &str, now: Timestamp, strict: bool) -> Result<Worth, FactorError> {
        let mut worth = Worth::Nothing;
        let present = self.scheme.step(now);
        for (step, right) in self.scheme.around(&self.key, now)? {
            let fits = same(code.as_bytes(), right.as_bytes()) & (!strict | (step == present));
            let then = match (step > self.last, self.was_used(step)) {
                (true, _) => Worth::Fresh { step },
                (false, true) => Worth::Used,
                (false, false) => Worth::Nothing,
            };
            worth = worth.max(if fits { then } else { Worth::Nothing });
        }
        Ok(worth)
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("last", &self.last).finish_non_exhaustive()
    }
}

impl fmt::Debug for Proposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proposed")
    }
}

impl Factor for Totp {
    type Data = Device;
    type State = ();
    type Answer = Typed;

    fn name(&self) -> FactorName {
        Self::NAME
    }

    fn title(&self, locale: Locale) -> String {
        String::from(match locale {
            Locale::En => "authenticator application",
            Locale::Ru => "приложение с кодами",
        })
    }

    fn could_prove(&self, _: Option<&Device>) -> Proves {
        PROVES
    }

    async fn answer(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Device>],
        (): (),
        answer: Typed,
    ) -> Result<Verdict<Device>, FactorError> {
        let typed = answer.code.expose_str().unwrap_or_default();
        let mut well_formed = self.scheme.canonical(typed).is_some();
        let mut found = (Worth::Nothing, None);
        // All devices, whichever fits.
        for one in mine {
            // One canonical form before anything is compared (CVE-2025-6014, CVE-2025-55000).
            let Some(code) = one.data.scheme.canonical(typed) else { continue };
            well_formed = true;
            let worth = one.data.judge(&code, cx.now, self.strict)?;
            if worth > found.0 {
                found = (worth, Some(one));
            }
        }
        Ok(match found {
            (Worth::Fresh { step }, Some(one)) => Verdict::Accept {
                credential: one.id,
                proved: PROVES,
                change: Some(one.data.accepted_at(step)),
            },
            // A double click. Only the very code that was accepted is told so: one that was passed over is wrong, and
            // counted, as any other guess (ATTACKS 96).
            (Worth::Used, _) => Verdict::refuse(Reason::Replayed),
            _ if well_formed => Verdict::refuse(Reason::Wrong),
            _ => Verdict::refuse(Reason::Malformed),
        })
    }

    fn schemas(&self) -> Schemas {
        Schemas::any().answer(TYPED).confirm(TYPED).proposal(PROPOSAL)
    }

    fn enrolment(&self) -> Option<&dyn EnrolPlugin> {
        Some(self)
    }
}

impl Enrol for Totp {
    type Proposal = Proposed;
    type Confirm = Typed;

    async fn propose(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Device>],
    ) -> Result<Begun<Proposed>, FactorError> {
        // Each device is three more codes that a guess may hit.
        if mine.len() >= MOST_DEVICES {
            return Ok(Begun::Nothing);
        }
        let mut random = Zeroizing::new([0; KEY_BYTES]);
        cx.entropy().fill(&mut *random)?;
        let key = Zeroizing::new(BASE32_NOPAD.encode(&*random));
        let uri = uri(&cx.site.name, cx.echo.unwrap_or_default(), &key, self.scheme);
        #[derive(Serialize)]
        struct Shown<'a> {
            uri: &'a str,
            /// An SVG document, for a page or a file.
            qr: &'a str,
            key: &'a str,
            digits: u8,
            period: u32,
            algorithm: &'a str,
        }
        let prompt = Prompt::new(&Shown {
            uri: &uri,
            qr: &picture(&uri)?,
            key: &in_groups(&key),
            digits: self.scheme.digits,
            period: self.scheme.period,
            algorithm: self.scheme.algorithm.as_str(),
        })?;
        Ok(Begun::Started { state: Proposed { key }, prompt, deliver: None })
    }

    // The device counts once a current code of it was seen, and that code is the first that was used.
    async fn confirm(
        &self,
        cx: &Context<'_>,
        mine: &[Credential<Device>],
        Proposed { key }: Proposed,
        answer: Typed,
    ) -> Result<Enrolled<Device>, FactorError> {
        // Two proposals at once may both have been within the limit.
        if mine.len() >= MOST_DEVICES {
            return Ok(Enrolled::Refuse(Reason::UsedUp));
        }
        let typed = answer.code.expose_str().unwrap_or_default();
        let Some(code) = self.scheme.canonical(typed) else {
            return Ok(Enrolled::Refuse(Reason::Malformed));
        };
        let new = Device { key, scheme: self.scheme, last: i64::MIN, used: 0 };
        Ok(match new.judge(&code, cx.now, self.strict)? {
            Worth::Fresh { step } => {
                Enrolled::Add { data: new.accepted_at(step), handles: Vec::new(), proved: PROVES }
            }
            Worth::Used | Worth::Nothing => Enrolled::Refuse(Reason::Wrong),
        })
    }
}

/// `otpauth://totp/ISSUER:ACCOUNT?secret=..&issuer=ISSUER`, as applications read it. Of the scheme only what is another
/// than they take when nothing is said.
fn uri(issuer: &str, account: &str, key: &str, scheme: TotpScheme) -> Zeroizing<String> {
    let (issuer, account) = (percent_encoded(issuer), percent_encoded(account));
    let mut uri = Zeroizing::new(String::with_capacity(2048));
    uri.push_str("otpauth://totp/");
    if !issuer.is_empty() && !account.is_empty() {
        uri.extend([&issuer, ":", &account]);
    } else {
        uri.extend([issuer.as_str(), &account]);
    }
    uri.extend(["?secret=", key]);
    if !issuer.is_empty() {
        uri.extend(["&issuer=", &issuer]);
    }
    let common = TotpScheme::COMMON;
    if scheme.algorithm != common.algorithm {
        uri.extend(["&algorithm=", scheme.algorithm.as_str()]);
    }
    for (name, wanted, usual) in [
        ("&digits=", u32::from(scheme.digits), u32::from(common.digits)),
        ("&period=", scheme.period, common.period),
    ] {
        if wanted != usual {
            uri.extend([name, &wanted.to_string()]);
        }
    }
    uri
}

/// All but the unreserved signs of RFC 3986 section 2.3, and not too much for a QR code: a colon in a name would else
/// end the issuer, an ampersand bring a secret of its own.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for sign in text.chars().scan(0, |bytes, sign| {
        *bytes += sign.len_utf8();
        (*bytes <= MOST_LABEL).then_some(sign)
    }) {
        if sign.is_ascii_alphanumeric() || matches!(sign, '-' | '.' | '_' | '~') {
            encoded.push(sign);
        } else {
            encoded.extend(sign.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")));
        }
    }
    encoded
}

fn picture(uri: &str) -> Result<Zeroizing<String>, FactorError> {
    let code = QrCode::new(uri).map_err(|_| FactorError::Corrupt("otpauth uri"))?;
    let drawn = Zeroizing::new(code.render::<svg::Color<'_>>().min_dimensions(200, 200).build());
    // Without the XML declaration it can stand in a page as well as in a file.
    let start = drawn.find("<svg").unwrap_or_default();
    Ok(Zeroizing::new(drawn.get(start..).unwrap_or_default().to_owned()))
}

/// For people who type it: groups of four, in capitals as it is.
fn in_groups(key: &str) -> Zeroizing<String> {
    let mut grouped = Zeroizing::new(String::with_capacity(key.len() * 2));
    for (at, sign) in key.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(sign);
    }
    grouped
}

const PROVES: Proves = Proves::by(Channel::Device).possession().replay_resistant().amr(Amr::Otp);
/// 160 bits, as RFC 4226 section 4 (R6) recommends and every application takes (CVE-2024-8796: 120 bits).
const KEY_BYTES: usize = 20;
const MOST_DEVICES: usize = 5;
/// Of an issuer or an account in the label, in bytes.
const MOST_LABEL: usize = 64;

const TYPED: &str = r#"{"type":"object","additionalProperties":false,"required":["code"],"properties":{
    "code":{"type":"string","description":"Spaces, dashes and full-width digits are forgiven."}}}"#;

const PROPOSAL: &str = r#"{"type":"object","additionalProperties":false,
    "required":["uri","qr","key","digits","period","algorithm"],"properties":{
    "uri":{"type":"string","description":"otpauth://totp/.., for applications on the same device."},
    "qr":{"type":"string","description":"The same as an SVG document."},
    "key":{"type":"string","description":"Base32 in groups of four, to type."},
    "digits":{"type":"integer"},"period":{"type":"integer","description":"Seconds."},
    "algorithm":{"enum":["SHA1","SHA256","SHA512"]}}}"#;
