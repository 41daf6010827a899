//! Where to go after a sign-in.

/// A target on this site or on one of a list: anything that a browser could read as another place is refused
/// (ATTACKS 70), and nothing that is refused stops a sign-in (ATTACKS 71).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// Reads a target: a path of this site (`/inbox?page=2`), or a URL whose origin is one of `allowed`
    /// (`https://app.example`), each written as browsers write origins. At most 2,048 bytes.
    #[must_use]
    pub fn parse(target: &str, allowed: &[&str]) -> Option<Self> {
        if target.len() > MOST_BYTES {
            return None;
        }
        let listed = allowed
            .iter()
            .filter_map(|origin| target.strip_prefix(origin))
            .any(|path| path.is_empty() || is_path(path));
        (listed || is_path(target)).then(|| Self(target.to_owned()))
    }

    /// The target, for a `Location` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// A path with a query and a fragment, of the visible ASCII signs of RFC 3986 alone. Browsers drop tabs and line
// breaks, take a backslash for a slash, and read two slashes as the start of a host; so do some servers behind a
// redirect when the slashes are percent-encoded.
fn is_path(text: &str) -> bool {
    let visible =
        text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>'));
    let path = text.split(['?', '#']).next().unwrap_or(text);
    let plain = path.to_ascii_lowercase().replace("%2f", "/").replace("%5c", "/");
    visible && path.starts_with('/') && !plain.contains("//")
}

const MOST_BYTES: usize = 2048;
