//! One-time passwords: what a code looks like, apart from how it reaches a person.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::Entropy;
use crate::error::Broken;

/// A kind of one-time password.
pub trait OtpScheme: Debug + Send + Sync {
    /// How many digits a code has.
    fn digits(&self) -> usize;

    /// The one form of a typed code: spaces and dashes dropped, full-width digits made plain. `None` when it is no
    /// code of this kind. Everything that counts, caches or compares takes this form (CVE-2025-6014).
    fn canonical(&self, typed: &str) -> Option<Zeroizing<String>> {
        if typed.len() > MOST_TYPED {
            return None;
        }
        let mut code = Zeroizing::new(String::with_capacity(MOST_TYPED));
        for sign in typed.chars() {
            match sign {
                '0'..='9' => code.push(sign),
                '\u{ff10}'..='\u{ff19}' => code.push(char::from(b'0' + (sign as u32 - 0xff10) as u8)),
                ' ' | '-' | '\u{a0}' | '\u{3000}' | '\u{2009}' | '\u{202f}' => {}
                _ => return None,
            }
        }
        (code.len() == self.digits()).then_some(code)
    }
}

/// A code drawn at random and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomCode(usize);

impl RandomCode {
    /// Six digits, the least that NIST and ASVS 6.5.4 take.
    pub const SIX_DIGITS: Self = Self(6);

    /// Draws a code, every one as likely as any other.
    ///
    /// # Errors
    /// When the generator is broken.
    pub fn draw(&self, entropy: &dyn Entropy) -> Result<Zeroizing<String>, Broken> {
        let mut code = Zeroizing::new(String::with_capacity(self.0));
        while code.len() < self.0 {
            let mut bytes = Zeroizing::new([0; 16]);
            entropy.fill(&mut *bytes)?;
            // 250 and above would favour the low digits.
            let fair = bytes.iter().filter(|byte| **byte < 250).take(self.0 - code.len());
            for byte in fair {
                code.push(char::from(b'0' + byte % 10));
            }
        }
        Ok(code)
    }
}

impl OtpScheme for RandomCode {
    fn digits(&self) -> usize {
        self.0
    }
}

/// The hash inside a code that is computed of a key. SHA-1 is not broken as it is used here (RFC 4226, appendix B.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// What every application and token takes.
    Sha1,
    /// RFC 6238 only.
    Sha256,
    /// RFC 6238 only.
    Sha512,
}

impl Algorithm {
    /// Its name in `otpauth` addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }
}

/// A code that is computed of a key and a counter (RFC 4226, section 5.3), of six to eight digits.
pub(crate) fn computed(algorithm: Algorithm, digits: u8, key: &[u8], counter: u64) -> Zeroizing<String> {
    let totp = totp_rs::Builder::new()
        .with_algorithm(match algorithm {
            Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
            Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
            Algorithm::Sha512 => totp_rs::Algorithm::SHA512,
        })
        .with_digits(digits.clamp(6, 8))
        // With steps of one second, totp-rs takes the counter itself for the time.
        .with_step_duration(1)
        .with_secret(key.to_vec())
        .build_noncompliant();
    Zeroizing::new(totp.generate(counter).to_string())
}

const MOST_TYPED: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemEntropy;

    /// ATTACKS 3: all spellings of a code are one code.
    #[test]
    fn spellings_of_one_code_are_one() {
        let scheme = RandomCode::SIX_DIGITS;
        for typed in ["123456", " 123456", "123 456", "123-456", "１２３４５６", "1 2 3 4 5 6\u{a0}"] {
            assert_eq!(scheme.canonical(typed).as_deref().map(String::as_str), Some("123456"), "{typed:?}");
        }
        for typed in ["", "12345", "1234567", "12345a", "0x1234", "123456\n", "١٢٣٤٥٦", "+123456"] {
            assert!(scheme.canonical(typed).is_none(), "{typed:?}");
        }
        assert!(scheme.canonical(&"1".repeat(1 << 20)).is_none());
    }

    /// ASVS 6.5.4: no digit is more likely at any place (chi-square, 9 degrees of freedom, p far below one in a million).
    #[test]
    fn digits_are_uniform() {
        let mut counts = [[0_f64; 10]; 6];
        let rounds = 20_000;
        for _ in 0..rounds {
            let code = RandomCode::SIX_DIGITS.draw(&SystemEntropy).unwrap();
            for (place, digit) in code.bytes().enumerate() {
                counts[place][usize::from(digit - b'0')] += 1.0;
            }
        }
        let expected = f64::from(rounds) / 10.0;
        for place in counts {
            let chi: f64 = place.iter().map(|n| (n - expected).powi(2) / expected).sum();
            assert!(chi < 55.0, "chi-square {chi}");
        }
    }
}
