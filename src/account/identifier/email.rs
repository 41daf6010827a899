//! E-mail addresses: exactly one addr-spec (RFC 5321, RFC 6531), no display name, no list, no comment, no quoting.
//!
//! - The local part is folded to lower case. RFC 5321 lets a server tell `Ivan` from `ivan`; no known provider does,
//!   people type either, and two accounts for one mailbox are worse than a refused curiosity. Mail goes to the folded
//!   form, so whoever owns only the other spelling never receives a code: nothing is ever taken from them.
//! - Dots and `+tags` are kept: what they mean is the provider's rule, not ours (`ya.ru` and `yandex.ru` likewise).
//! - A local part beyond ASCII (SMTPUTF8) is Latin or Cyrillic, in one script, of letters with one case folding;
//!   not a Cyrillic word that reads as Latin.
//! - The domain is stored in U-labels, NFC, lower case; `xn--` labels are decoded and must encode back to themselves,
//!   so both spellings are one identifier. One script per label. Length limits are those of the A-label form.

use unicode_normalization::UnicodeNormalization;

use super::IdentifierError::{self, Hostile, NotAnEmail};
use super::punycode;
use super::script::{self, Script, Unreadable};

/// `text` is bounded, trimmed and free of characters that deceive.
pub(super) fn canonical(text: &str) -> Result<String, IdentifierError> {
    // The first sign and the only one: `a@b@c` has two readings, and two parsers would each pick their own.
    let (local, domain) = text.split_once('@').ok_or(NotAnEmail)?;
    if domain.contains('@') {
        return Err(NotAnEmail);
    }
    let local = local_part(local)?;
    let domain = domain_name(domain)?;
    let address = format!("{local}@{domain}");
    // RFC 5321 section 4.5.3.1.3 with erratum 1690: a path of 256 with its brackets. Either form may be the longer.
    if address.len() > MAX_ADDRESS || wire(&address).len() > MAX_ADDRESS {
        return Err(NotAnEmail);
    }
    Ok(address)
}

/// The address with its domain in A-labels.
pub(super) fn wire(canonical: &str) -> String {
    let Some((local, domain)) = canonical.split_once('@') else { return canonical.to_owned() };
    let labels: Vec<String> = domain.split('.').map(|label| a_label(label).unwrap_or_default()).collect();
    format!("{local}@{}", labels.join("."))
}

/// dot-atom of RFC 5322 section 3.2.3 with RFC 6532's letters, as far as the tables admit them.
fn local_part(typed: &str) -> Result<String, IdentifierError> {
    let folded = fold(typed, script::folds_alone)?;
    // A leading dash is an option to whatever program an application hands the address to.
    if folded.is_empty() || folded.len() > MAX_LOCAL || folded.starts_with(['.', '-']) {
        return Err(NotAnEmail);
    }
    if folded.ends_with('.') || folded.contains("..") {
        return Err(NotAnEmail);
    }
    let sign = |c: char| c.is_ascii_digit() || c == '.' || ATEXT_SIGNS.contains(c);
    one_script(folded.chars().filter(|c| !sign(*c)))?;
    if script::passes_for_latin(&folded) {
        return Err(Hostile);
    }
    Ok(folded)
}

fn domain_name(typed: &str) -> Result<String, IdentifierError> {
    // UTS 46 maps the width and these full stops; every browser does so before a name is looked up.
    let narrowed: String = typed
        .chars()
        .map(|c| if matches!(c, '\u{3002}' | '\u{ff61}') { '.' } else { script::narrow(c) })
        .collect();
    // `ß` folds to `ss` elsewhere, but IDNA 2008 gives it a label of its own, and the wire form spells it out.
    let folded = fold(&narrowed, |c| matches!(c, 'ß' | 'ẞ') || script::folds_alone(c))?;
    let labels: Vec<String> = folded.split('.').map(u_label).collect::<Result<_, _>>()?;
    let (Some(top), 2..) = (labels.last(), labels.len()) else { return Err(NotAnEmail) };
    // A top-level domain has letters only, so no dotted number passes for one.
    if !top.chars().all(char::is_alphabetic) {
        return Err(NotAnEmail);
    }
    // Registries of Cyrillic zones admit no Latin labels, so there a look-alike has no twin to imitate.
    let cyrillic_zone = top.chars().all(|c| script::of(c) == Some(Script::Cyrillic));
    if !cyrillic_zone && labels.iter().any(|label| script::passes_for_latin(label)) {
        return Err(Hostile);
    }
    let wire: usize = labels.iter().filter_map(|label| a_label(label)).map(|label| label.len() + 1).sum();
    if wire > MAX_DOMAIN + 1 {
        return Err(NotAnEmail);
    }
    Ok(labels.join("."))
}

/// One label as a U-label or plain LDH (RFC 5890 section 2.3.2.1).
fn u_label(label: &str) -> Result<String, IdentifierError> {
    let decoded = match label.strip_prefix("xn--") {
        Some(encoded) => {
            let decoded = punycode::decode(encoded).ok_or(NotAnEmail)?;
            // An A-label that hides ASCII, capitals or a form that is not NFC would be a second spelling.
            if decoded.is_ascii() || fold(&decoded, |c| c == 'ß' || script::folds_alone(c))? != decoded {
                return Err(NotAnEmail);
            }
            if a_label(&decoded).as_deref() != Some(label) {
                return Err(NotAnEmail);
            }
            decoded
        }
        None => label.to_owned(),
    };
    let hyphens = |range| decoded.get(range) == Some("--");
    if decoded.is_empty() || decoded.starts_with('-') || decoded.ends_with('-') || hyphens(2..4) {
        return Err(NotAnEmail);
    }
    one_script(decoded.chars().filter(|c| !c.is_ascii_digit() && *c != '-'))?;
    match a_label(&decoded) {
        Some(wire) if wire.len() <= MAX_LABEL => Ok(decoded),
        _ => Err(NotAnEmail),
    }
}

fn a_label(label: &str) -> Option<String> {
    if label.is_ascii() { Some(label.to_owned()) } else { Some(format!("xn--{}", punycode::encode(label)?)) }
}

/// NFC and lower case. Every letter must be able to stand: one that another folding would merge is refused first.
fn fold(text: &str, stands: impl Fn(char) -> bool) -> Result<String, IdentifierError> {
    // Checked before NFC, which would turn the Kelvin sign into `K` silently.
    if !text.chars().all(stands) {
        return Err(Hostile);
    }
    Ok(text.nfc().flat_map(char::to_lowercase).nfc().collect())
}

fn one_script(letters: impl Iterator<Item = char>) -> Result<(), IdentifierError> {
    match script::only(letters) {
        Ok(_) => Ok(()),
        Err(Unreadable::Mixed) => Err(Hostile),
        Err(Unreadable::Foreign) => Err(NotAnEmail),
    }
}

const ATEXT_SIGNS: &str = "!#$%&'*+-/=?^_`{|}~";
/// In octets, RFC 5321 section 4.5.3.1 and RFC 1035 section 2.3.4.
const MAX_LOCAL: usize = 64;
const MAX_LABEL: usize = 63;
const MAX_DOMAIN: usize = 253;
const MAX_ADDRESS: usize = 254;
