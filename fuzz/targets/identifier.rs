//! A login name as a stranger types it: bounded, canonical once and for all, and silent about itself.
#![no_main]

use propusk::account::identifier::{Identifier, IdentifierKind, MAX_BYTES};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let typed = String::from_utf8_lossy(data);
    let Ok(name) = Identifier::parse(&typed) else {
        return;
    };
    assert!(typed.len() <= MAX_BYTES, "over the cap and read all the same");

    let canonical = name.as_str();
    assert_eq!(Identifier::parse(canonical).as_ref(), Ok(&name), "the canonical form is not its own");
    assert_eq!(
        Identifier::parse_as(name.kind(), canonical).as_ref(),
        Ok(&name),
        "the kind is not what it was"
    );
    assert_eq!(Identifier::parse(&format!(" {canonical} ")).as_ref().ok(), roomy(canonical).then_some(&name));
    assert!(!canonical.chars().any(|c| c.is_control() || c.is_whitespace() || deceives(c)), "{canonical:?}");

    let json = serde_json::to_string(&name).expect("a name is text");
    assert_eq!(serde_json::from_str::<Identifier>(&json).expect("what was written is read"), name);

    // Logs show the masked form: never the whole name.
    let masked = name.masked();
    assert!(masked.contains('*') && (canonical.contains('*') || !masked.contains(canonical)), "{masked}");
    assert_eq!(format!("{name:?}"), format!("Identifier({}, {})", name.kind(), masked));
    match (name.kind(), name.destination()) {
        (IdentifierKind::Phone, Some(to)) => {
            assert!(to.strip_prefix('+').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit())));
            assert!((8..=16).contains(&to.len()), "E.164 has at most 15 digits: {to}");
        }
        (IdentifierKind::Email, Some(to)) => {
            let (local, domain) = to.rsplit_once('@').expect("an address");
            assert!(domain.is_ascii() && domain.contains('.') && (1..=64).contains(&local.len()), "{to}");
            assert!(
                !to.contains([',', ';', '<', '>', '"', '\\']),
                "two recipients or a header in one address: {to}"
            );
        }
        (IdentifierKind::UserName, None) => assert!(!canonical.contains('@')),
        (kind, to) => panic!("{kind:?} goes to {to:?}"),
    }
});

fn roomy(canonical: &str) -> bool {
    canonical.len() + 2 <= MAX_BYTES
}

/// Bidi controls, zero-width characters and the byte order mark.
fn deceives(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
