//! The demo accounts. One is registered as anybody would: a code to its mailbox, then a password. The second is an
//! organisation's, brought in by the operator with a temporary password that must be changed at the first sign-in. The
//! third comes from an old system that knew no second step.

use std::error::Error;
use std::fs;
use std::time::Duration;

use propusk::auth::import::{Import, Imported};
use propusk::factor::password::due::Issued;
use propusk::flow::Next;
use propusk::hash::StoredHash;
use propusk::human::{HumanFor, HumanWay, Puzzle, solve};
use propusk::{Auth, Client, Code, Password, Step};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::outbox::Outbox;

/// What one signs in with.
#[derive(Debug, Serialize, Deserialize)]
pub struct DemoAccount {
    pub identifier: String,
    pub password: String,
    /// The other account, and its temporary password as long as that is one.
    #[serde(default)]
    pub office: Option<(String, String)>,
    /// One that came from an old system with nothing but a password: it adds a second step at its first sign-in.
    #[serde(default)]
    pub bare: Option<(String, String)>,
}

/// Registers the demo account at the first start; later only tells of it.
pub async fn account(auth: &Auth, outbox: &Outbox, config: &Config) -> Result<DemoAccount, Box<dyn Error>> {
    if let Ok(kept) = fs::read_to_string(&config.demo) {
        return Ok(serde_json::from_str(&kept)?);
    }
    let account = DemoAccount {
        identifier: "demo@example.org".to_owned(),
        password: PASSWORD.to_owned(),
        office: office(auth).await?,
        bare: bare(auth).await?,
    };
    // This program solves its puzzle as a browser does.
    let client = Client::unknown();
    let Puzzle::Posed(puzzle) = auth.visit(client.clone()).puzzle(HumanFor::SignUp, HumanWay::Script).await?
    else {
        return Err("no puzzle is posed".into());
    };
    let visit = auth.visit(client.human(solve(puzzle.as_json()).ok_or("an unknown kind of puzzle")?));
    let next = pending(visit.sign_up(&account.identifier, "Demo", "2026-11").await?)?;
    let (factor, _) = next.begun.as_ref().ok_or("a registration begins with a code")?;
    // The message is written in the same commit as the step, and sent by whoever tends the outbox.
    let _ = auth.tend(100).await?;
    let letter = outbox.letters().into_iter().find(|letter| letter.to == account.identifier);
    let letter = letter.ok_or("the code did not arrive")?;
    let code = letter.body.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 6);
    let code = code.ok_or("there is a demo account in this database already, but demo.json is gone")?;
    let next = pending(visit.answer(&next.flow, Code::typed(factor.clone(), code)).await?)?;
    match visit.answer(&next.flow, Password::word(&account.password)).await? {
        Step::Done(done) => visit.sign_out(&done.token).await?,
        Step::Refused(why) => return Err(why.into()),
        _ => return Err("registration wants more than the demo knows".into()),
    }
    fs::write(&config.demo, serde_json::to_string(&account)?)?;
    Ok(account)
}

/// An organisation's account. A service desk would hand the password over; here it is printed.
async fn office(auth: &Auth) -> Result<Option<(String, String)>, Box<dyn Error>> {
    const NAME: &str = "office@example.org";
    let (desk, week) = (Client::unknown(), Duration::from_secs(7 * 24 * 3600));
    let Imported::Made(id) = auth.import(&Import::new("Romashka")?.verified_contact(NAME)?, &desk).await?
    else {
        return Ok(None);
    };
    Ok(match Password::issue_temporary(auth, id, week, &desk).await? {
        Issued::Password(made) => made.expose_str().map(|made| (NAME.to_owned(), made.to_owned())),
        _ => None,
    })
}

/// Somebody from an old system: a name, and the hash of a password.
async fn bare(auth: &Auth) -> Result<Option<(String, String)>, Box<dyn Error>> {
    const NAME: &str = "old-timer";
    let hash = Password::imported(StoredHash::parse(HASH)?)?;
    let old = Import::new("Old-timer")?.identifier(NAME)?.credential(hash)?;
    Ok(match auth.import(&old, &Client::unknown()).await? {
        Imported::Made(_) => Some((NAME.to_owned(), PASSWORD.to_owned())),
        _ => None,
    })
}

fn pending(step: Step) -> Result<Box<Next>, Box<dyn Error>> {
    match step {
        Step::Pending(next) => Ok(next),
        Step::Refused(why) => Err(why.into()),
        _ => Err("registration ended too early".into()),
    }
}

const PASSWORD: &str = "Quiet harbour 42";
/// The same, as that system kept it.
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$1x7BArVtwwgvC95dbISXAQ$KZ+xCVjHfSIlcDGtlsRAitSirXQEDyG3XrM+cJ1fAGs";
