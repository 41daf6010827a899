//! How a page asks for a factor: the one table of the portal that names factors. A new factor that a line of text can
//! answer is a line here and its words in `texts/`; one that needs more has a page of its own beside.

use propusk::id::FactorName;
use propusk::secret::Secret;
use propusk::{Answer, BackupCodes, Code, Hotp, Link, Passkey, Password, Totp};

use crate::view::{Field, Frame};

/// How a factor is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// What one knows by heart.
    Password,
    /// A code that has to be sent first.
    Message,
    /// A code that a device shows.
    App,
    /// A code that a token shows at the press of its button.
    Token,
    /// A code from a list on paper.
    Paper,
    /// A key in a device, which a script asks for.
    Key,
    /// A link that has to be sent first, and is followed elsewhere: there is nothing to type here.
    Link,
}

impl Ask {
    /// How a factor is asked for; `None`: on no page that this portal has.
    pub fn of(factor: &FactorName) -> Option<Self> {
        if *factor == Password::NAME {
            Some(Self::Password)
        } else if *factor == Totp::NAME {
            Some(Self::App)
        } else if *factor == Hotp::NAME {
            Some(Self::Token)
        } else if *factor == BackupCodes::NAME {
            Some(Self::Paper)
        } else if *factor == Passkey::NAME {
            Some(Self::Key)
        } else if *factor == Link::NAME {
            Some(Self::Link)
        } else if [Code::sms(), Code::email()].iter().any(|code| propusk::Factor::name(code) == *factor) {
            Some(Self::Message)
        } else {
            None
        }
    }

    /// Whether a challenge has to be begun before there is anything to answer.
    pub const fn begins(self) -> bool {
        matches!(self, Self::Message | Self::Key | Self::Link)
    }

    /// Whether its challenge is a message on its way.
    pub const fn sends(self) -> bool {
        matches!(self, Self::Message | Self::Link)
    }

    /// The name of its field; also what refusals belong to.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Message => "code",
            Self::App => "app_code",
            Self::Token => "token_code",
            Self::Paper => "backup_code",
            Self::Key => "key",
            Self::Link => "link",
        }
    }

    /// The field that asks for it; the cursor goes there where nothing has to be looked at first.
    pub fn input(self, frame: &Frame, first: bool) -> Field {
        let asked = frame.t.asked(self);
        let field = match self {
            Self::Password => Field::password(self.field(), asked.label, "current-password"),
            Self::Message | Self::App | Self::Token => Field::code(self.field(), asked.label),
            Self::Paper | Self::Key | Self::Link => Field::text(self.field(), asked.label, "off").latin(),
        };
        field.hint(asked.hint).within(frame, first)
    }

    /// A second field, where a token that has run ahead can be found again by the code after that.
    pub fn next(self, frame: &Frame) -> Option<Field> {
        let (label, hint) = (frame.t.ways.next_code, frame.t.ways.next_code_hint);
        let field = Field::code("next_code", label).hint(hint).optional().within(frame, false);
        (self == Self::Token).then_some(field)
    }

    /// The answer that was typed into it.
    pub fn answer(self, factor: &FactorName, typed: &Secret) -> Answer {
        let typed = typed.expose_str().unwrap_or_default();
        match self {
            Self::Password => Password::word(typed),
            Self::Message => Code::typed(factor.clone(), typed),
            Self::App => Totp::code(typed),
            Self::Token => Hotp::code(typed),
            Self::Paper => BackupCodes::code(typed),
            // As the browser wrote it; the library reads it.
            Self::Key => Answer::wire(Passkey::NAME, typed),
            Self::Link => Link::poll(),
        }
    }
}
