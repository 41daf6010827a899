use super::*;

const PLAIN: &[u8] = b"$argon2id$v=19$m=19456";

fn account(last: u8) -> AccountId {
    let mut bytes = [7; 16];
    bytes[15] = last;
    AccountId::from_bytes(bytes)
}

fn totp() -> FactorName {
    FactorName::new("totp")
}

#[test]
fn what_was_sealed_opens_in_its_place() {
    let keys = keys();
    let factor = totp();
    let here = Place::new(Purpose::Credential, b"row").of(account(1)).factor(&factor);
    for plain in [b"".as_slice(), PLAIN, &[0; 100_000]] {
        let sealed = keys.seal(&SystemEntropy, &here, plain).unwrap();
        assert_eq!(sealed.len(), plain.len() + 53);
        assert_eq!(*keys.open(&here, &sealed).unwrap(), plain);
        assert!(keys.is_current(&sealed));
    }
    let twice = [(); 2].map(|()| keys.seal(&SystemEntropy, &here, PLAIN).unwrap());
    assert_ne!(twice[0], twice[1], "equal secrets must not show as equal rows");
    assert!(matches!(keys.seal(&Dry, &here, PLAIN), Err(Broken::Entropy)));
}

/// ATTACKS row 52: a value that does not open is an error, and no other reading of it is tried.
#[test]
fn a_damaged_value_never_opens() {
    let keys = keys();
    let here = Place::new(Purpose::Credential, b"row").of(account(1));
    let data = DataKey::random(&SystemEntropy).unwrap();
    let sealed = keys.seal(&SystemEntropy, &here, PLAIN).unwrap();
    let under = keys.seal_under(&data, &SystemEntropy, &here, PLAIN).unwrap();
    let refused = |bad: &[u8], what: &str| {
        assert!(matches!(keys.open(&here, bad), Err(Broken::Sealed)), "{what}");
        assert!(matches!(keys.open_under(&data, &here, bad), Err(Broken::Sealed)), "{what}");
    };
    for good in [&sealed, &under] {
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            refused(&bad, &format!("bit {bit}"));
        }
        for len in 0..good.len() {
            refused(&good[..len], &format!("first {len}"));
            refused(&good[good.len() - len..], &format!("last {len}"));
        }
        refused(&[good.as_slice(), b"\0"].concat(), "longer");
    }
    refused(PLAIN, "what was never sealed");
    refused(&[&[1], PLAIN, &[0; 80]].concat(), "plain text behind a version");
    // Each door opens its own kind only, although both values are good.
    assert!(keys.open(&here, &under).is_err() && keys.open_under(&data, &here, &sealed).is_err());
    assert_eq!(*keys.open(&here, &sealed).unwrap(), PLAIN);
    assert_eq!(*keys.open_under(&data, &here, &under).unwrap(), PLAIN);
}

/// Every place against every other: only the diagonal opens.
#[test]
fn a_row_moved_anywhere_else_does_not_open() {
    let keys = keys();
    let (totp, hotp, empty) = (totp(), FactorName::new("hotp"), FactorName::new(""));
    let long = FactorName::new("totprow");
    let mut places: Vec<_> = Purpose::ALL.iter().map(|purpose| Place::new(*purpose, b"row")).collect();
    for account in [account(1), account(2)] {
        for id in [b"row".as_slice(), b"rox", b"", b"ro", b"row\0"] {
            let place = Place::new(Purpose::Credential, id).of(account);
            places.extend([
                place,
                place.factor(&totp),
                place.factor(&hotp),
                place.factor(&empty),
                place.factor(&long),
            ]);
        }
    }
    let bare = Place::new(Purpose::Credential, b"row");
    places.extend([bare.factor(&totp), bare.factor(&empty)]);
    for (i, here) in places.iter().enumerate() {
        let sealed = keys.seal(&SystemEntropy, here, PLAIN).unwrap();
        for (j, there) in places.iter().enumerate() {
            assert_eq!(keys.open(there, &sealed).is_ok(), i == j, "{here:?} -> {there:?}");
        }
    }
}

#[test]
fn an_id_that_spells_out_a_factor_is_not_that_factor() {
    let keys = keys();
    let factor = totp();
    let with = Place::new(Purpose::Credential, b"x").factor(&factor);
    // The bytes that `with` puts after the account, as an id.
    let spelled = [b"\0\0\0\0\0\0\0\x04totp".as_slice(), b"\0\0\0\0\0\0\0\x01x"].concat();
    let without = Place::new(Purpose::Credential, &spelled);
    let sealed = keys.seal(&SystemEntropy, &with, PLAIN).unwrap();
    assert!(keys.open(&without, &sealed).is_err());
    assert_ne!(keys.code_hash(&with, b"1"), keys.code_hash(&without, b"1"));
}

#[test]
fn another_realm_or_ring_does_not_open() {
    let here = Place::new(Purpose::Credential, b"row");
    let sealed = keys().seal(&SystemEntropy, &here, PLAIN).unwrap();
    for other in [
        Keys::new(KeyRing::new(key(1), key(101)), Realm::new("shop2")),
        Keys::new(KeyRing::new(key(2), key(101)), Realm::new("shop")),
        Keys::new(KeyRing::random(), Realm::new("shop")),
    ] {
        assert!(matches!(other.unwrap().open(&here, &sealed), Err(Broken::Sealed)));
    }
}

#[test]
fn a_foreign_key_under_a_forged_id_does_not_open() {
    let here = Place::new(Purpose::Credential, b"row");
    let mut sealed = Keys::new(KeyRing::new(key(2), key(101)), Realm::new("shop"))
        .unwrap()
        .seal(&SystemEntropy, &here, PLAIN)
        .unwrap();
    sealed[1..5].copy_from_slice(&key(1).id());
    assert!(matches!(keys().open(&here, &sealed), Err(Broken::Sealed)));
}

#[test]
fn an_old_key_opens_and_does_not_seal() {
    let here = Place::new(Purpose::Credential, b"row");
    let before = keys().seal(&SystemEntropy, &here, PLAIN).unwrap();
    let ring = KeyRing::new(key(3), key(101)).with_old(key(1)).with_old(key(2));
    let rotated = Keys::new(ring, Realm::new("shop")).unwrap();
    assert_eq!(*rotated.open(&here, &before).unwrap(), PLAIN);
    assert!(!rotated.is_current(&before) && !rotated.is_current(b"") && !rotated.is_current(PLAIN));
    let after = rotated.seal(&SystemEntropy, &here, PLAIN).unwrap();
    assert!(rotated.is_current(&after));
    assert!(keys().open(&here, &after).is_err());
    // Lookup keys must survive the rotation, or nobody is found any more.
    assert_eq!(rotated.lookup(Purpose::Lookup, &[b"a"]), keys().lookup(Purpose::Lookup, &[b"a"]));
}

#[test]
fn the_index_key_must_not_seal_too() {
    for ring in [KeyRing::new(key(1), key(1)), KeyRing::new(key(2), key(1)).with_old(key(1))] {
        assert!(matches!(Keys::new(ring, Realm::new("shop")), Err(Broken::Keys(_))));
    }
    for bad in [[0; 32].as_slice(), &[9; 32], b"short", &[1; 33]] {
        assert!(matches!(Key::from_bytes(bad), Err(Broken::Keys(_))));
    }
    assert!(matches!(Keys::new(KeyRing::drawn(&Dry), Realm::new("shop")), Err(Broken::Entropy)));
}

#[test]
fn a_data_key_opens_its_own_account_only() {
    let keys = keys();
    let here = Place::new(Purpose::Contact, b"row").of(account(1));
    let key = DataKey::random(&SystemEntropy).unwrap();
    let wrapped = keys.seal_key(&SystemEntropy, account(1), &key).unwrap();
    let sealed = keys.seal_under(&key, &SystemEntropy, &here, PLAIN).unwrap();
    let back = keys.open_key(account(1), &wrapped).unwrap();
    assert_eq!(*keys.open_under(&back, &here, &sealed).unwrap(), PLAIN);
    assert!(matches!(keys.open_key(account(2), &wrapped), Err(Broken::Sealed)));
    let other = DataKey::random(&SystemEntropy).unwrap();
    assert!(matches!(keys.open_under(&other, &here, &sealed), Err(Broken::Sealed)));
    assert!(matches!(keys.open_under(&key, &Place { id: b"", ..here }, &sealed), Err(Broken::Sealed)));
}

#[test]
fn lookups_differ_by_purpose_realm_key_and_part_boundary() {
    let realm = |name| Keys::new(KeyRing::new(key(1), key(101)), Realm::new(name)).unwrap();
    let index = Keys::new(KeyRing::new(key(1), key(102)), Realm::new("shop")).unwrap();
    let splits: [&[&[u8]]; 8] =
        [&[], &[b""], &[b"", b""], &[b"abc"], &[b"ab", b"c"], &[b"a", b"bc"], &[b"", b"abc"], &[b"abc", b""]];
    let mut seen = std::collections::BTreeSet::new();
    for keys in [realm("shop"), realm("shop2"), index] {
        for purpose in Purpose::ALL {
            for parts in splits {
                assert!(seen.insert(keys.lookup(*purpose, parts)));
                assert_eq!(keys.lookup(*purpose, parts), keys.lookup(*purpose, parts));
            }
        }
    }
}

#[test]
fn a_code_counts_only_where_it_was_made() {
    let keys = keys();
    let factor = totp();
    let here = Place::new(Purpose::Code, b"flow").of(account(1)).factor(&factor);
    let elsewhere = [
        Place { id: b"flow2", ..here },
        Place { account: Some(account(2)), ..here },
        Place { account: None, ..here },
        Place { factor: None, ..here },
        Place { purpose: Purpose::FlowState, ..here },
    ];
    let hash = keys.code_hash(&here, b"483920");
    assert!(same(&hash, &keys.code_hash(&here, b"483920")));
    assert!(!same(&hash, &keys.code_hash(&here, b"483921")));
    assert!(elsewhere.iter().all(|place| !same(&hash, &keys.code_hash(place, b"483920"))));
    let other = Keys::new(KeyRing::new(key(1), key(102)), Realm::new("shop")).unwrap();
    assert!(!same(&hash, &other.code_hash(&here, b"483920")));
}

#[test]
fn a_canary_tells_a_wrong_ring_index_key_or_realm() {
    let canary = keys().canary(&SystemEntropy).unwrap();
    keys().check_canary(&canary).unwrap();
    let rotated = KeyRing::new(key(2), key(101)).with_old(key(1));
    Keys::new(rotated, Realm::new("shop")).unwrap().check_canary(&canary).unwrap();
    for (ring, realm) in [
        (KeyRing::new(key(2), key(101)), "shop"),
        (KeyRing::new(key(1), key(102)), "shop"),
        (KeyRing::new(key(1), key(101)), "shop2"),
    ] {
        let other = Keys::new(ring, Realm::new(realm)).unwrap();
        assert!(matches!(other.check_canary(&canary), Err(Broken::WrongKeys)));
    }
    assert!(matches!(keys().check_canary(b""), Err(Broken::WrongKeys)));
    // A sealed value of another kind is no canary.
    let row = keys().seal(&SystemEntropy, &Place::new(Purpose::Account, b"canary"), PLAIN).unwrap();
    assert!(matches!(keys().check_canary(&row), Err(Broken::WrongKeys)));
}

/// Computed apart, in Python with `hmac` and the AES-GCM of `cryptography`, from the format that [`Keys`] describes.
#[test]
fn the_format_of_sealed_values_and_keyed_hashes_stays() {
    let keys = keys();
    let factor = totp();
    let here = Place::new(Purpose::Credential, b"row").of(account(1)).factor(&factor);
    let sealed = keys.seal(&Counting::default(), &here, b"plain").unwrap();
    assert_eq!(
        HEXLOWER.encode(&sealed),
        "0185560a39000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\
         55eb2f4da10c4cfe4e2dd0186261bbacec7001c28f"
    );
    let under = keys.seal_under(&DataKey::new(key(33)), &Counting::default(), &here, b"plain").unwrap();
    assert_eq!(
        HEXLOWER.encode(&under),
        "023ffc3be4000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\
         04887dceec15dd2086252397eb5394776691df9707"
    );
    assert_eq!(
        HEXLOWER.encode(&keys.lookup(Purpose::Lookup, &[b"ab", b"c"])),
        "cec2fdd8a3f74cd2368a5c65893d905de07af9777c20f08ab21f6883b7c51081"
    );
    assert_eq!(
        HEXLOWER.encode(&keys.code_hash(&here, b"483920")),
        "5bf56d6480c5534de8ab9f477b2fb6509dff74659a483768a16f77d978d3b272"
    );
}
