use super::*;

fn scope() -> TokenScope {
    TokenScope::new(&Realm::new("shop"))
}

#[test]
fn a_token_comes_back_as_it_went_out() {
    let route = Route::random(&SystemEntropy).unwrap();
    for (token, routed, len) in [
        (Token::random(&SystemEntropy).unwrap(), None, 43),
        (Token::routed(route, &SystemEntropy).unwrap(), Some(route), 54),
    ] {
        let text = token.expose();
        assert_eq!(text.len(), len);
        let back = Token::parse(&text).unwrap();
        assert_eq!(back.route(), routed);
        assert_eq!(*back.expose(), *text);
        for purpose in Purpose::ALL {
            assert_eq!(back.hash(&scope(), *purpose), token.hash(&scope(), *purpose));
        }
    }
}

#[test]
fn two_tokens_differ() {
    let (a, b) = (Token::random(&SystemEntropy).unwrap(), Token::random(&SystemEntropy).unwrap());
    assert_ne!(*a.expose(), *b.expose());
    assert_ne!(a.hash(&scope(), Purpose::Flow), b.hash(&scope(), Purpose::Flow));
    assert!(matches!(Token::random(&Dry), Err(Broken::Entropy)));
}

#[test]
fn no_other_text_is_taken_for_the_same_token() {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for token in [
        Token::random(&SystemEntropy).unwrap(),
        Token::routed(Route::from_bytes([9; 8]), &SystemEntropy).unwrap(),
    ] {
        let text = token.expose();
        let hash = token.hash(&scope(), Purpose::Session);
        for at in 0..text.len() {
            for letter in alphabet.chars().filter(|letter| !text[at..].starts_with(*letter)) {
                let mut other = String::from(&text[..at]);
                other.push(letter);
                other.push_str(&text[at + 1..]);
                if let Some(other) = Token::parse(&other) {
                    assert_ne!(other.hash(&scope(), Purpose::Session), hash, "position {at}");
                }
            }
        }
    }
}

#[test]
fn blank_padded_spaced_and_foreign_texts_are_no_tokens() {
    let token = Token::random(&SystemEntropy).unwrap().expose();
    let mut standard = "A".repeat(42);
    standard.insert(3, '+');
    let around =
        [format!("{}=", *token), format!(" {}", *token), format!("{}\n", *token), format!("{}\0", *token)];
    let inside =
        ["A".repeat(42) + " ", "A".repeat(42) + "=", "A".repeat(42) + "\0", "п".repeat(27), standard];
    let lengths = (0..200).filter(|len| ![43, 54].contains(len)).map(|len| "A".repeat(len));
    for text in around.into_iter().chain(inside).chain(lengths).chain(["A".repeat(1_000_000)]) {
        assert!(Token::parse(&text).is_none(), "{}", text.len());
    }
    assert!(Token::parse(&"A".repeat(43)).is_some(), "the rest of those texts is what is wrong with them");
}

#[test]
fn a_token_finds_no_row_of_another_purpose_or_realm_or_length() {
    let token = Token::parse(&"A".repeat(43)).unwrap();
    let longer = Token::parse(&"A".repeat(54)).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for realm in ["shop", "shop2", ""] {
        for purpose in Purpose::ALL {
            assert!(seen.insert(token.hash(&TokenScope::new(&Realm::owned(realm)), *purpose)));
            assert!(seen.insert(longer.hash(&TokenScope::new(&Realm::owned(realm)), *purpose)));
        }
    }
}

#[test]
fn a_route_alone_is_worth_nothing() {
    let route = Route::from_bytes([5; 8]);
    let (a, b) =
        (Token::routed(route, &SystemEntropy).unwrap(), Token::routed(route, &SystemEntropy).unwrap());
    assert_eq!(a.route(), b.route());
    assert_ne!(a.hash(&scope(), Purpose::Session), b.hash(&scope(), Purpose::Session));
    // A known secret under another route is another token.
    let mut moved = a.expose().to_string();
    moved.replace_range(..4, "AAAA");
    assert_ne!(
        Token::parse(&moved).unwrap().hash(&scope(), Purpose::Session),
        a.hash(&scope(), Purpose::Session)
    );
}

#[test]
fn the_format_of_tokens_and_hashes_stays() {
    let token = Token::routed(Route::from_bytes([0xee; 8]), &Counting::default()).unwrap();
    assert_eq!(*token.expose(), "7u7u7u7u7u4AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw");
    let hash = token.hash(&scope(), Purpose::Session);
    // Computed apart, in Python: sha256(sha256("propusk realm 1:shop")[..12] | purpose | token), led by the route.
    assert_eq!(
        HEXLOWER.encode(hash.as_bytes()),
        "eeeeeeeeeeeeeeee4b903556e2e5222a6f70dee7d6a86872f8aa2a6df91dc2ea"
    );
    let hash = Token::random(&Counting::default()).unwrap().hash(&scope(), Purpose::Flow);
    assert_eq!(
        HEXLOWER.encode(hash.as_bytes()),
        "2d38bf060593923aae2dfd50192a6a82a3966e647570430bab2732a838db88e0"
    );
}
