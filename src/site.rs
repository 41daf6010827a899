use crate::account::PersonalData;
use crate::account::identifier::Identifier;
use crate::error::Broken;

/// The site that people sign in to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Site {
    /// Its name, as messages call it.
    pub name: String,
    /// Its origin: `https://host[:port]`, no path. Every link is built from it; no header is believed
    /// (CVE-2021-30185, CVE-2017-9303).
    pub origin: String,
    /// The path of the page at which an owner objects to what a notice tells of: `/objection` makes
    /// `https://host/objection?o=...`. Answer it with `no-store` and `Referrer-Policy: strict-origin`. `None`: notices
    /// carry no link, and name no way but the site itself.
    pub objections: Option<String>,
    /// Words that a password must not be built of: the service's names.
    pub words: Vec<String>,
}

impl Site {
    /// A site by its name and origin.
    pub fn new(name: impl Into<String>, origin: impl Into<String>) -> Self {
        let name = name.into();
        Self { words: vec![name.clone()], name, origin: origin.into(), objections: None }
    }

    /// With a page of the application's own for [`Self::objections`]: it asks whether to go on, and posts to
    /// [`Visit::object`](crate::Visit::object). The JSON routes have none: whoever follows a link sees what they answer.
    #[must_use]
    pub fn objections_at(mut self, path: impl Into<String>) -> Self {
        self.objections = Some(path.into());
        self
    }

    /// What a password of this person must not be built of: [`Self::words`], the parts of the person's name, the birth
    /// date, the pieces of every identifier and contact. Made for [`Candidate::words`](crate::policy::password::Candidate::words); the
    /// flows judge by these, so a page that shows rules while somebody types says what they will say.
    ///
    /// ```
    /// use propusk::Site;
    /// use propusk::account::identifier::Identifier;
    ///
    /// let phone = Identifier::parse("8 (916) 123-45-67")?;
    /// let words = Site::new("Cabinet", "https://cabinet.example").words_about(Some(&"Анна Смирнова".into()), [&phone]);
    /// for word in ["Cabinet", "смирнова", "9161234567"] {
    ///     assert!(words.contains(&word.to_owned()), "{words:?}");
    /// }
    /// # Ok::<(), propusk::account::identifier::IdentifierError>(())
    /// ```
    pub fn words_about<'a>(
        &self,
        who: Option<&PersonalData<'_>>,
        known_as: impl IntoIterator<Item = &'a Identifier>,
    ) -> Vec<String> {
        let mut words = who.map(PersonalData::words).unwrap_or_default();
        words.extend_from_slice(&self.words);
        words.extend(known_as.into_iter().flat_map(Identifier::words));
        words
    }

    /// Refuses an origin or a page's path that is none, so that no link is ever built on a typing error.
    pub(crate) fn checked(self) -> Result<Self, Broken> {
        let rest = self.origin.strip_prefix("https://").or_else(|| self.origin.strip_prefix("http://"));
        let host_only = rest.is_some_and(|rest| {
            !rest.is_empty()
                && rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'))
        });
        if !host_only {
            return Err(Broken::Misuse("the origin is https://host[:port], without a path"));
        }
        if self.objections.as_deref().is_some_and(|path| !is_path(path)) {
            return Err(Broken::Misuse("the page for objections is a path: /objection"));
        }
        Ok(self)
    }

    /// The host in the origin, without port: what an SMS binds its code to.
    pub fn host(&self) -> &str {
        let rest = self.origin.split_once("://").map_or(self.origin.as_str(), |(_, rest)| rest);
        rest.split([':', '/']).next().unwrap_or(rest)
    }
}

/// Whether this, put after an origin, is the address of a page there. `https://portal.example` and `link` make another
/// host, which would be sent every secret; a query or a fragment would swallow the secret that follows.
pub(crate) fn is_path(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\\".contains(&byte);
    text.starts_with('/') && !text.contains("//") && text.bytes().all(plain)
}
