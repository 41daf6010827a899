//! A stored password hash, as whoever can write one row would write it: the cost is capped before anything is spent.
#![no_main]

use propusk::hash::{Phc, StoredHash};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if let Ok(hash) = StoredHash::parse(&text) {
        let written = hash.expose();
        let again = StoredHash::parse(&written).expect("what was written is read");
        assert_eq!(again.expose(), written, "the written form is not its own");
        assert!(!hash.is_legacy() || *written == text, "another system's text is kept as it is");
        assert!(!format!("{hash:?}").contains(written.rsplit('$').next().expect("a tag")), "a tag in a log");
    }
    let Ok(hash) = Phc::parse(&text) else {
        return;
    };
    let written = hash.expose();
    let again = Phc::parse(&written).expect("what was written is read");
    assert_eq!(again.expose(), written, "the written form is not its own");
    assert_eq!(written.len(), text.len(), "nothing is padded, dropped or defaulted");

    let parts: Vec<&str> = written.split('$').collect();
    let ["", "argon2id", "v=19", parameters, salt, tag] = parts[..] else { panic!("not a PHC string") };
    let cost: Vec<u64> = parameters.split(',').map(|p| p[2..].parse().expect("a number")).collect();
    let [memory, passes, lanes] = cost[..] else { panic!("not m, t, p: {parameters}") };
    assert!(
        memory <= 256 * 1024 && passes <= 16 && lanes <= 16 && memory * passes <= 1024 * 1024,
        "{parameters}"
    );
    assert!(memory >= 8 * lanes && passes >= 1 && lanes >= 1, "RFC 9106 section 3.1: {parameters}");

    assert!(text.contains(salt) && text.contains(tag));
    let debug = format!("{hash:?}");
    assert!(!debug.contains(salt) && !debug.contains(tag), "salt or tag in a log");
    let json = serde_json::to_string(&hash).expect("a hash is text");
    assert_eq!(serde_json::from_str::<Phc>(&json).expect("what was written is read").expose(), written);
});
