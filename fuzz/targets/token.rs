//! A bearer token as a client sends it: one text for one token, and nothing of it in what is stored or printed.
#![no_main]

use propusk::id::Realm;
use propusk::secret::{Purpose, Token, TokenScope};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if let Some(token) = Token::parse(&text) {
        assert_eq!(token.expose().as_str(), text, "two texts give one token");
        assert!(matches!((text.len(), token.route()), (43, None) | (54, Some(_))));
        assert!(!format!("{token:?}").contains(&*text));
        if let Some(route) = token.route() {
            assert_eq!(
                text.get(..10),
                Some(data_encoding::BASE64URL_NOPAD.encode(route.as_bytes()).get(..10)).flatten()
            );
        }
        let scope = TokenScope::new(&Realm::new("fuzz"));
        let again = Token::parse(&text).expect("the same text");
        for purpose in Purpose::ALL {
            assert_eq!(token.hash(&scope, *purpose), again.hash(&scope, *purpose));
            assert!(
                *purpose == Purpose::Flow
                    || token.hash(&scope, *purpose) != token.hash(&scope, Purpose::Flow)
            );
        }
    }
    // Any 32 or 40 bytes are a token; any other number of them is none.
    let written = data_encoding::BASE64URL_NOPAD.encode(data);
    assert_eq!(Token::parse(&written).is_some(), matches!(data.len(), 32 | 40));
    assert!(Token::parse(&format!("{written}=")).is_none() && Token::parse(&format!(" {written}")).is_none());
});
