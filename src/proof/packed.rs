use std::fmt::{self, Debug};

use super::{Channel, Proof, Proves};
use crate::clock::Timestamp;
use crate::id::FactorName;
use crate::secret::Route;

/// Proofs as a session's row holds them. A sign-in by one factor fits without a heap allocation: a million sessions
/// in memory, and a check that follows no pointer.
///
/// For each proof: length and name of the factor, properties and amr (16 bits each, little endian), channel, and the
/// seconds from the session's beginning back to the proof, seven bits a byte. Before them, where the session's token is
/// renewed by another: a zero, which no name's length is, the family's tag, and the token's end in milliseconds (little
/// endian).
#[derive(Clone, PartialEq, Eq)]
pub struct Packed(Room);

#[derive(Clone, PartialEq, Eq)]
enum Room {
    Here(u8, [u8; HERE]),
    Heap(Box<[u8]>),
}

/// That a session's token lives for minutes, and what gets the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    /// The tag at the head of its refresh tokens.
    pub(crate) family: Route,
    /// The session's token is over then.
    pub(crate) until: Timestamp,
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
            // Rounded up: a session that is renewed again and again would else keep its proofs fresh for ever.
            let mut ago = u64::try_from(began.since(*at).as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
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
        let mut bytes = self.split().1;
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

    /// The same of a session whose token is renewed by another.
    pub(crate) fn renewable(&self, Access { family, until }: Access) -> Self {
        let until = until.as_millis().to_le_bytes();
        Self::from_bytes(&[&[RENEWABLE][..], family.as_bytes(), &until, self.split().1].concat())
    }

    /// Whether the session's token is renewed by another.
    pub(crate) fn access(&self) -> Option<Access> {
        self.split().0
    }

    // What stands before the proofs, and they. A beginning that is none is left to be no proof.
    fn split(&self) -> (Option<Access>, &[u8]) {
        let bytes = self.as_bytes();
        let split = || {
            let (family, rest) = bytes.strip_prefix(&[RENEWABLE])?.split_first_chunk()?;
            let (until, rest) = rest.split_first_chunk()?;
            let until = Timestamp::from_millis(i64::from_le_bytes(*until));
            Some((Access { family: Route::from_bytes(*family), until }, rest))
        };
        split().map_or((None, bytes), |(access, proofs)| (Some(access), proofs))
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
const RENEWABLE: u8 = 0;

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
            let packed = Packed::new(&proofs, began);
            assert_eq!((packed.unpack(began), packed.access()), (Some(proofs.clone()), None));
            for until in [5, i64::MAX] {
                let (family, until) = (Route::from_bytes([7; 8]), Timestamp::from_millis(until));
                let access = Access { family, until };
                let packed = packed.renewable(access).renewable(access);
                assert_eq!((packed.unpack(began), packed.access()), (Some(proofs.clone()), Some(access)));
            }
        }
        assert!(matches!(Packed::new(&[one("password", password, 9)], began).0, Room::Here(..)));
        assert_eq!(size_of::<Packed>(), 24);
    }

    #[test]
    fn a_proof_grows_no_younger_however_often_its_session_is_renewed() {
        let proves = Proves::by(Channel::Mind).knowledge();
        let mut began = Timestamp::from_millis(1_790_000_000_000);
        let proven = began;
        let mut proofs = vec![Proof::new(FactorName::new("password"), proves, proven)];
        for _ in 0..1000 {
            began = began.after(Duration::from_millis(999));
            proofs = Packed::new(&proofs, began).unpack(began).unwrap();
            assert!(proofs[0].at() <= proven);
        }
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
