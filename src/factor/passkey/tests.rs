#![allow(clippy::unwrap_used)]

use super::*;

/// A challenge to sign in with never enrols, nor the reverse (go-webauthn keeps one session type for both).
#[test]
fn what_is_kept_of_one_ceremony_is_no_state_of_the_other() {
    let asked = serde_json::to_string(&Asked { challenge: [1; 32], unnamed: true }).unwrap();
    let offered = Offered { challenge: [1; 32], owner: Bytes::from([2; 64]) };
    let offered = serde_json::to_string(&offered).unwrap();
    assert!(
        serde_json::from_str::<Asked>(&asked).is_ok() && serde_json::from_str::<Offered>(&offered).is_ok()
    );
    assert!(
        serde_json::from_str::<Asked>(&offered).is_err() && serde_json::from_str::<Offered>(&asked).is_err()
    );
}

/// What is claimed at a proof stays within what was declared for its key, whatever the flags.
#[test]
fn every_proof_is_within_what_its_key_could_prove() {
    for (verified, eligible) in [(false, false), (false, true), (true, false), (true, true)] {
        let declared = proves(true, eligible);
        assert!(proves(verified, eligible).within(declared));
        assert!(!proves(verified, false).within(proves(true, true)), "a copied key claims to be bound");
    }
    assert!(!Proves::by(Channel::Device).is_factor());
}

#[test]
fn bytes_have_one_spelling() {
    let read = |text: &str| serde_json::from_str::<Bytes<4>>(&format!("{text:?}")).ok();
    assert_eq!(read("AAECAw"), Bytes::new([0, 1, 2, 3]));
    assert_eq!(read(""), Bytes::new([]));
    for other in ["AAECAw==", "AAECAx", "AAEC Aw", "AAE/Aw", "AAECAwQ", "A"] {
        assert_eq!(read(other), None, "{other}");
    }
    assert_eq!(Bytes::<4>::new([0; 5]), None);
}
