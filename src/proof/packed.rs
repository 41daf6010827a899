use std::fmt::{self, Debug};

use super::{Channel, Proof, Proves};
use crate::clock::Timestamp;
use crate::id::FactorName;

/// Proofs as a session's row holds them. A sign-in by one factor fits without a heap allocation: a million sessions
/// in memory, and a check that follows no pointer.
///
/// For each proof: length and name of the factor, properties and amr (16 bits each, little endian), channel, and the
/// seconds from the session's beginning back to the proof, seven bits a byte.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed(Room);

#[derive(Clone, PartialEq, Eq)]
enum Room {
    Here(u8, [u8; HERE]),
    Heap(Box<[u8]>),
}

impl Packed {
    /// Packs the proofs of a session that begins at `began`.
    pub(crate) fn new(proofs: &[Proof], began: Timestamp) -> Self {
        let mut bytes = Vec::with_capacity(64);
        for Proof { factor, proves, at } in proofs {
            let name = factor.as_str().as_bytes();
            let len = u8::try_from(name.len()).unwrap_or(u8::MAX);
            bytes.push(len);
            bytes.extend(name.iter().take(len.into()));
            bytes.extend((proves.bits as u16).to_le_bytes());
            bytes.extend((proves.amr as u16).to_le_bytes());
            bytes.push(proves.channel as u8);
            let mut ago = began.since(*at).as_secs();
            while ago > 0x7f {
                bytes.push((ago & 0x7f) as u8 | 0x80);
                ago >>= 7;
            }
            bytes.push(ago as u8);
        }
        Self::from_bytes(&bytes)
    }

    /// The proofs of a session that began at `began`, or `None` for bytes that are none.
    pub(crate) fn unpack(&self, began: Timestamp) -> Option<Vec<Proof>> {
        let mut bytes = self.as_bytes();
        let mut proofs = Vec::new();
        while let Some((len, rest)) = bytes.split_first() {
            let (name, rest) = rest.split_at_checked(usize::from(*len))?;
            let ([b0, b1, a0, a1, channel], mut rest) = rest.split_first_chunk::<5>()?;
            let (mut ago, mut shift) = (0_u64, 0_u32);
            loop {
                let (byte, more) = rest.split_first()?;
                rest = more;
                ago |= u64::from(byte & 0x7f).checked_shl(shift)?;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            let proves = Proves {
                bits: u16::from_le_bytes([*b0, *b1]).into(),
                amr: u16::from_le_bytes([*a0, *a1]).into(),
                channel: Channel::from_number(*channel)?,
            };
            let factor = FactorName::owned(std::str::from_utf8(name).ok()?);
            proofs.push(Proof { factor, proves, at: began.before(std::time::Duration::from_secs(ago)) });
            bytes = rest;
        }
        Some(proofs)
    }

    /// As a store read it.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut here = [0; HERE];
        match (here.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(room), Ok(len)) => {
                room.copy_from_slice(bytes);
                Self(Room::Here(len, here))
            }
            _ => Self(Room::Heap(bytes.into())),
        }
    }

    /// As a store writes it.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Room::Here(len, here) => here.get(..usize::from(*len)).unwrap_or_default(),
            Room::Heap(bytes) => bytes,
        }
    }
}

impl Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Packed").field(&self.as_bytes().len()).finish()
    }
}

const HERE: usize = 22;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::Amr;
    use std::time::Duration;

    #[test]
    fn proofs_come_back_as_they_were() {
        let began = Timestamp::from_millis(1_790_000_000_000);
        let password = Proves::by(Channel::Mind).knowledge().memorised().amr(Amr::Pwd);
        let code = Proves::by(Channel::Phone).possession().replay_resistant().restricted().amr(Amr::Sms);
        let one = |name, proves, ago| {
            Proof::new(FactorName::new(name), proves, began.before(Duration::from_secs(ago)))
        };
        for proofs in [
            vec![],
            vec![one("password", password, 0)],
            vec![one("password", password, 127), one("sms-code", code, 128)],
            vec![one("password", password, 40 * 86_400), one("a-factor-with-a-long-name", code, 1)],
        ] {
            assert_eq!(Packed::new(&proofs, began).unpack(began), Some(proofs));
        }
        assert!(matches!(Packed::new(&[one("password", password, 9)], began).0, Room::Here(..)));
        assert_eq!(size_of::<Packed>(), 24);
    }

    #[test]
    fn damaged_bytes_are_no_proofs() {
        let began = Timestamp::from_millis(0);
        let proves = Proves::by(Channel::Mind).knowledge();
        let packed = Packed::new(&[Proof::new(FactorName::new("password"), proves, began)], began);
        for cut in 1..packed.as_bytes().len() {
            assert_eq!(Packed::from_bytes(&packed.as_bytes()[..cut]).unpack(began), None, "{cut}");
        }
        assert_eq!(Packed::from_bytes(&[0, 0, 0, 0, 0, 99, 0]).unpack(began), None);
        assert_eq!(
            Packed::from_bytes(&[[0, 0, 0, 0, 0, 0].as_slice(), &[0xff; 30]].concat()).unpack(began),
            None
        );
    }
}
