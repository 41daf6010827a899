//! What a User-Agent header claims, in words for the list of sessions and the history.
//!
//! The header is the client's own text: good enough for its owner to recognise a session, never for a decision. Names
//! come from the tables here and versions are numbers, so nothing the client wrote reaches a page, a log or a message.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest header that is looked at, in bytes. The rest is ignored.
pub const MAX_BYTES: usize = 512;

/// A device as its browser describes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Device {
    /// `Chrome`, `Firefox`, `Safari`, `Edge`, `Opera`, `Yandex Browser`, `Samsung Internet`, `Huawei Browser`, `app`
    /// for a mobile application or a page inside one, or `unknown`.
    pub browser: String,
    /// The major version of that browser.
    pub version: Option<u16>,
    /// `Windows`, `macOS`, `Linux`, `Android`, `iOS`, `ChromeOS`, `HarmonyOS` or `unknown`.
    pub system: String,
    /// What one holds in the hand.
    pub kind: DeviceKind,
}

/// What one holds in the hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeviceKind {
    /// A computer.
    Desktop,
    /// A phone.
    Phone,
    /// A tablet, where it says so: an iPad that asks for desktop pages does not.
    Tablet,
    /// A program without a person: a script, a crawler.
    Program,
    /// Cannot be told.
    Unknown,
}

impl Device {
    /// A line for a list: `Chrome 156, Windows`; `unknown` when nothing is.
    pub fn summary(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.browser.as_str(), self.version, self.system.as_str()) {
            (UNKNOWN, _, system) => f.write_str(system),
            (browser, Some(version), UNKNOWN) => write!(f, "{browser} {version}"),
            (browser, None, UNKNOWN) => f.write_str(browser),
            (browser, Some(version), system) => write!(f, "{browser} {version}, {system}"),
            (browser, None, system) => write!(f, "{browser}, {system}"),
        }
    }
}

/// Reads a User-Agent header. Total: what is not understood is `unknown`.
pub fn parse(user_agent: &str) -> Device {
    let end = user_agent.floor_char_boundary(MAX_BYTES);
    // Every name and version that is looked for is ASCII; this drops control and bidi characters with the rest.
    let agent: String =
        user_agent.get(..end).unwrap_or_default().chars().filter(|c| matches!(c, ' '..='~')).collect();
    let system = system(&agent);
    let (browser, version) = browser(&agent, system);
    Device { browser: browser.to_owned(), version, system: system.to_owned(), kind: kind(&agent, system) }
}

fn browser(agent: &str, system: &str) -> (&'static str, Option<u16>) {
    if let Some((_, name)) = OTHERS.iter().find(|(mark, _)| agent.contains(mark)) {
        return (name, None);
    }
    // Android's WebView before it had a mark of its own.
    if system == "Android" && agent.contains("Version/4.0 ") && agent.contains("Chrome/") {
        return ("app", None);
    }
    // Opera before 2013 stopped counting at 9.80 and told the rest elsewhere.
    if let Some(version) = after(agent, "Opera/") {
        return ("Opera", after(agent, "Version/").unwrap_or(version));
    }
    for (mark, name) in BROWSERS {
        if let Some(version) = after(agent, mark) {
            return (name, version);
        }
    }
    // Safari has its version behind a product of its own; without it, WebKit on iOS is a page inside an application.
    if agent.contains("AppleWebKit/") && agent.contains("Safari") {
        return ("Safari", after(agent, "Version/").flatten());
    }
    if let Some(version) = after(agent, "Safari/").filter(|_| agent.contains("CFNetwork/")) {
        return ("Safari", version);
    }
    // What is left on a phone is no browser of its own.
    if matches!(system, "iOS" | "Android") { ("app", None) } else { (UNKNOWN, None) }
}

fn system(agent: &str) -> &'static str {
    if let Some((_, name)) = SYSTEMS.iter().find(|(mark, _)| agent.contains(mark)) {
        return name;
    }
    // Darwin is the kernel of both; a Mac names its processor.
    if agent.contains("Darwin/") {
        let mac = ["x86_64", "i386", "arm64", "64bit", "Power"].iter().any(|mark| agent.contains(mark));
        return if mac { "macOS" } else { "iOS" };
    }
    UNKNOWN
}

fn kind(agent: &str, system: &str) -> DeviceKind {
    if PROGRAMS.iter().any(|mark| agent.contains(mark)) {
        return DeviceKind::Program;
    }
    match system {
        "Windows" if agent.contains("Windows Phone") => DeviceKind::Phone,
        "Windows" | "macOS" | "Linux" | "ChromeOS" => DeviceKind::Desktop,
        _ if agent.contains("iPad") || agent.contains("Tablet") => DeviceKind::Tablet,
        // Android's own convention: a browser on a tablet leaves `Mobile` out.
        "Android" if agent.contains("Chrome/") && !agent.contains("Mobile") => DeviceKind::Tablet,
        "Android" | "iOS" | "HarmonyOS" => DeviceKind::Phone,
        _ => DeviceKind::Unknown,
    }
}

/// The number right behind `mark`; the outer `None` when the mark is not there.
fn after(agent: &str, mark: &str) -> Option<Option<u16>> {
    let (_, rest) = agent.split_once(mark)?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    Some(digits.parse().ok())
}

const UNKNOWN: &str = "unknown";

// Marks of what carries another browser's name without being it. Before BROWSERS: their words come later in the header.
const OTHERS: &[(&str, &str)] = &[
    ("FBAN/", "app"),
    ("FBAV/", "app"),
    ("Telegram-Android/", "app"),
    ("Instagram ", "app"),
    ("; wv)", "app"),
    ("okhttp/", "app"),
    ("Dalvik/", "app"),
    ("Googlebot", UNKNOWN),
    ("Google Web Preview", UNKNOWN),
    ("YandexBot", UNKNOWN),
    ("Vivaldi/", UNKNOWN),
    ("UCBrowser", UNKNOWN),
    ("UCMobile/", UNKNOWN),
    ("UBrowser/", UNKNOWN),
    ("UCWEB", UNKNOWN),
    ("MiuiBrowser/", UNKNOWN),
    ("Silk/", UNKNOWN),
    ("Ddg/", UNKNOWN),
    ("MRCHROME", UNKNOWN),
    ("PaleMoon/", UNKNOWN),
    ("baidu", UNKNOWN),
    ("MSIE ", UNKNOWN),
    ("Trident/", UNKNOWN),
    ("onqueror/", UNKNOWN),
    ("Web0S", UNKNOWN),
];

// The first mark found wins, so whoever adds a word to Chrome's header stands before Chrome.
const BROWSERS: &[(&str, &str)] = &[
    ("YaBrowser/", "Yandex Browser"),
    ("YaSearchBrowser/", "Yandex Browser"),
    ("HuaweiBrowser/", "Huawei Browser"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edg/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("OPiOS/", "Opera"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("HeadlessChrome", "Chrome"),
    ("Chrome/", "Chrome"),
];

const SYSTEMS: &[(&str, &str)] = &[
    ("HarmonyOS", "HarmonyOS"),
    ("OpenHarmony", "HarmonyOS"),
    ("Windows Phone", "Windows"),
    ("Windows Mobile", "Windows"),
    ("CrOS", "ChromeOS"),
    ("CitrixChromeApp", "ChromeOS"),
    // Chrome on iOS asks for desktop pages in a Mac's name.
    ("CriOS/", "iOS"),
    ("EdgiOS/", "iOS"),
    ("FxiOS/", "iOS"),
    ("OPiOS/", "iOS"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("iPod", "iOS"),
    ("iOS", "iOS"),
    ("Android", "Android"),
    ("android", "Android"),
    ("okhttp/", "Android"),
    ("Dalvik/", "Android"),
    ("FB4A", "Android"),
    // Amazon's system is Android, whatever the header says.
    ("Silk/", "Android"),
    ("Windows", "Windows"),
    ("Win 9x", "Windows"),
    ("Mac OS X", "macOS"),
    ("MacOS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Mac_PowerPC", "macOS"),
    ("macos", "macOS"),
    ("Web0S", UNKNOWN),
    ("Linux", "Linux"),
    ("linux", "Linux"),
    ("X11; Ubuntu", "Linux"),
];

const PROGRAMS: &[&str] = &[
    "bot/",
    "Bot/",
    "Googlebot",
    "Google Web Preview",
    "curl/",
    "python-requests/",
    "Python/",
    "Boto",
    "Wget/",
    "rusoto/",
];
