//! A mailbox that is answered by whoever holds its address: a link that was sent to the person.
//!
//! The address is the secret, and it travels where programs read along. So looking changes nothing (ATTACKS 72); and an
//! answer signs in only the browser that asked, at once where it was given there, else when that browser asks for it.

use super::mailbox::{MOST_ADDRESS, MOST_LETTER, Mail};
use super::state::Run;
use super::stop::Going;
use super::{Code, Followed, Looked, Visit};
use crate::auth::Inner;
use crate::event::{self, Outcome, Sealed};
use crate::factor::{Answer, Claimant};
use crate::id::Version;
use crate::secret::{Token, TokenHash, same};
use crate::store::{Committed, Write};

/// An open mailbox, and the challenge that waits for its letter.
struct Waits<'a> {
    mail: Mail,
    row: (TokenHash, Version),
    run: Run<'a>,
    here: bool,
}

impl Inner {
    pub(crate) async fn look_in(&self, visit: &Visit, address: &str) -> Going<Looked> {
        let Waits { mail, here, .. } = self.waits(visit, address).await?;
        if mail.letter.is_some() && !(here && mail.here) {
            return Err(Code::Mailbox.into());
        }
        Ok(Looked::Open { asking: Box::new(mail.asking), here })
    }

    pub(crate) async fn follow(&self, visit: &Visit, address: &str, letter: &str) -> Going<Followed> {
        self.slow_down(visit, None).await?;
        let Waits { mut mail, row: (key, version), run, here } = self.waits(visit, address).await?;
        let factor = mail.asking.factor.clone();
        match &mail.letter {
            // The same word again where the flow goes on: its step may have been lost with the reply. That it is accepted
            // once is the flow's to see to.
            Some((_, before)) if here && mail.here && before == letter => {}
            Some(_) => return Err(Code::Mailbox.into()),
            None if letter.len() > MOST_LETTER => return Err(Code::Mailbox.into()),
            None => {
                (mail.letter, mail.here) = (Some((run.now, letter.to_owned())), here);
                let next = self.mail_row(key, version.next(), &mail)?;
                let mut batch = vec![Write::SwapFlow { row: next, expect: version }];
                if !here {
                    let person = self.person(&run.state).await?;
                    let content = Sealed::by(&factor, visit.client.origin());
                    batch.push(self.line(&person, event::name::LETTER, Outcome::Done, &content)?.1);
                }
                if self.commit(batch).await? != Committed::Won {
                    return Err(Code::Mailbox.into());
                }
            }
        }
        match here {
            // As if the page that waits had asked: who has the letter needs no other answer.
            true => self.step(run, Answer::wire(factor, *b"{}"), None).await.map(Followed::Step),
            false => Ok(Followed::Left),
        }
    }

    // One answer for all that is wrong with an address: nobody's, used, too old, of an earlier challenge of its flow
    // (ATTACKS 54: each new one kills the older), another factor's kind of mailbox (ATTACKS 37).
    async fn waits<'a>(&self, visit: &'a Visit, address: &str) -> Going<Waits<'a>> {
        self.ready().await?;
        if address.is_empty() || address.len() > MOST_ADDRESS {
            return Err(Code::Mailbox.into());
        }
        let key = self.mailbox_key(address);
        let row = self.store.find_flow(key, self.clock.now()).await?.ok_or(Code::Mailbox)?;
        let mail = self.mail(&row)?;
        if self.takes(&mail)? != Claimant::Bearer {
            return Err(Code::Mailbox.into());
        }
        let flow = mail.flow.as_ref().and_then(|flow| Token::parse(flow)).ok_or(Code::Mailbox)?;
        let run = self.load_anywhere(visit, &flow).await?.ok_or(Code::Mailbox)?;
        let now = run.state.mailbox(self, &mail.asking.factor, false);
        if !same(now.as_bytes(), address.as_bytes()) {
            return Err(Code::Mailbox.into());
        }
        let here = run.is_here(self) && !self.left(&run).await?;
        Ok(Waits { mail, row: (key, row.version), run, here })
    }
}
