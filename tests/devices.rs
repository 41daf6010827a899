//! Devices as the history names them, against the published test data of ua-parser and headers of today.

use proptest::prelude::*;
use propusk::device::{self, DeviceKind};

#[derive(serde::Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    ua: String,
    browser: Option<String>,
    major: Option<String>,
    os: Option<String>,
}

fn vectors() -> Vec<Case> {
    serde_json::from_str::<Vectors>(include_str!("vectors/user_agents.json")).unwrap().cases
}

/// The vectors' families that this library claims to know, under its own names.
fn browser_of(family: &str) -> Option<&'static str> {
    Some(match family {
        "Chrome" | "Chrome Mobile" | "Chrome Mobile iOS" | "HeadlessChrome" => "Chrome",
        "Firefox" | "Firefox Mobile" => "Firefox",
        "Safari" | "Mobile Safari" => "Safari",
        "Edge" | "Edge Mobile" => "Edge",
        "Opera" | "Opera Mobile" => "Opera",
        "Yandex Browser" => "Yandex Browser",
        "Samsung Internet" => "Samsung Internet",
        "Facebook" | "Telegram" | "Chrome Mobile WebView" | "Mobile Safari UI/WKWebView" | "okhttp" => "app",
        _ => return None,
    })
}

fn system_of(os: &str) -> Option<&'static str> {
    Some(match os {
        os if os.starts_with("Windows") => "Windows",
        "Mac OS X" | "Mac OS" => "macOS",
        "Linux" | "Ubuntu" | "Debian" => "Linux",
        "Android" => "Android",
        "iOS" => "iOS",
        "Chrome OS" => "ChromeOS",
        "HarmonyOS" => "HarmonyOS",
        _ => return None,
    })
}

/// Where the header misleads, or the vectors do; each with the reason.
const NOT_MET: &[(&str, &str)] = &[
    ("Google Web Preview", "a crawler, whatever engine it borrows: no person's browser"),
    ("Web0S", "a television's application shell, named Safari only for want of another name"),
    ("JUC (Linux", "UC Browser on a feature phone: neither is claimed, and Linux is what it says"),
    ("HuaweiBrowser", "the vectors say Chrome on Android; its owner knows it as Huawei Browser on HarmonyOS"),
];

#[test]
fn known_families_are_named() {
    let (mut browsers, mut versions, mut systems) = ((0, 0), (0, 0), (0, 0));
    let mut missed = Vec::new();
    for case in vectors() {
        let device = device::parse(&case.ua);
        if NOT_MET.iter().any(|(part, _)| case.ua.contains(part)) {
            continue;
        }
        if let Some(expected) = case.browser.as_deref().and_then(browser_of) {
            browsers.1 += 1;
            if device.browser == expected {
                browsers.0 += 1;
            } else {
                missed.push(format!("{} instead of {expected}: {}", device.browser, case.ua));
            }
            // An application's version says nothing to a person.
            if expected != "app" && device.browser == expected {
                versions.1 += 1;
                if device.version.map(|v| v.to_string()) == case.major {
                    versions.0 += 1;
                } else {
                    missed.push(format!("{:?} instead of {:?}: {}", device.version, case.major, case.ua));
                }
            }
        }
        if let Some(expected) = case.os.as_deref().and_then(system_of) {
            systems.1 += 1;
            if device.system == expected {
                systems.0 += 1;
            } else {
                missed.push(format!("{} instead of {expected}: {}", device.system, case.ua));
            }
        }
    }
    println!(
        "browsers {browsers:?}, versions {versions:?}, systems {systems:?}, set aside {}",
        NOT_MET.len()
    );
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_list_reads_as_people_speak() {
    for (agent, summary, kind) in [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
            "Chrome 156, Windows",
            DeviceKind::Desktop,
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
            "Chrome 156, Linux",
            DeviceKind::Desktop,
        ),
        (
            "Mozilla/5.0 (Linux; Android 12; HarmonyOS; ALN-AL00) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.5735.196 HuaweiBrowser/15.0 Mobile Safari/537.36",
            "Huawei Browser 15, HarmonyOS",
            DeviceKind::Phone,
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
            "Safari 18, iOS",
            DeviceKind::Phone,
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 15_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1",
            "Chrome 140, iOS",
            DeviceKind::Tablet,
        ),
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
            "Chrome 140, ChromeOS",
            DeviceKind::Desktop,
        ),
        ("Gosuslugi/4.1 CFNetwork/1404.0.5 Darwin/22.3.0", "app, iOS", DeviceKind::Phone),
        ("Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8)", "app, Android", DeviceKind::Phone),
        ("curl/8.5.0", "unknown", DeviceKind::Program),
        ("", "unknown", DeviceKind::Unknown),
        ("-", "unknown", DeviceKind::Unknown),
        ("Моzilla/5.0", "unknown", DeviceKind::Unknown),
    ] {
        let device = device::parse(agent);
        assert_eq!((device.summary().as_str(), device.kind), (summary, kind), "{agent}");
    }
}

/// The header goes to pages, logs and CSV files: nothing of the client's own text may come through.
#[test]
fn a_hostile_header_leaves_no_trace() {
    for agent in [
        "Mozilla/5.0 <script>alert(1)</script>",
        "Chrome/1<script>",
        "=cmd|'/C calc'!A0",
        "Chrome/\u{202e}156 Windows\r\nSet-Cookie: a=b",
        "Chrome/99999999999999999999 Windows",
    ] {
        let summary = device::parse(agent).summary();
        assert!(
            !summary.contains(['<', '=', '\r', '\n', ':', '\u{202e}']) && summary.len() < 40,
            "{summary}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Every word of the answer is one of ours, for any header of any length.
    #[test]
    fn any_header_gets_a_name_from_the_list(agent in "\\PC{0,700}", mark in prop::sample::select(vec!["Chrome/", "Darwin/", "Version/", "YaBrowser/", "iPad"])) {
        for agent in [agent.clone(), format!("{mark}{agent}"), format!("{agent}{mark}")] {
            let device = device::parse(&agent);
            prop_assert!(["Chrome", "Firefox", "Safari", "Edge", "Opera", "Yandex Browser", "Samsung Internet", "Huawei Browser", "app", "unknown"].contains(&device.browser.as_str()));
            prop_assert!(["Windows", "macOS", "Linux", "Android", "iOS", "ChromeOS", "HarmonyOS", "unknown"].contains(&device.system.as_str()));
        }
    }
}
