//! Name and birth date: given at a registration, by an import, by the application; looked for in a new password in every
//! form, wherever one is chosen. (Each form alone: `policy/password/tests`.)

use propusk::account::{BirthDate, BirthDateError, PersonalData};
use propusk::auth::import::{Import, Imported};

use super::*;

fn born(house: &House, text: &str) -> BirthDate {
    BirthDate::parse(text, house.auth.now()).unwrap()
}

/// Each breaks no other rule of the portal.
const OF_SERGEY: [&str; 5] = ["17.03.1985-Kq", "Cthutq-77xm", "Sergei-7kx2", "$erg3y-Km4v", "17 Марта 1985!"];

async fn all_refused(house: &House, flow: &Token, none_of: &[&str]) {
    for text in none_of {
        assert_eq!(house.unfit(flow, text).await, "context", "{text}");
    }
}

#[tokio::test]
async fn a_registration_knows_name_and_birth_date() {
    for over in BOTH {
        let house = House::new(over, one_factor());
        let sergey = PersonalData::from("Сергей Иванович").born(born(&house, "17.03.1985"));
        let next = pending(house.visit.sign_up(PHONE, sergey, "1").await.unwrap());
        let code = house.outbox.code(&house.auth).await;
        let next = pending(house.visit.answer(&next.flow, Code::typed(SMS, &code)).await.unwrap());
        all_refused(&house, &next.flow, &OF_SERGEY).await;
        let end = done(house.choose(&next.flow, WORD).await);
        let account = house.auth.account(end.session.account()).await.unwrap().unwrap();
        assert_eq!(account.name, "Сергей Иванович");
        assert_eq!(account.birth_date.unwrap().to_string(), "1985-03-17");

        // At a change.
        let next = pending(house.visit.change(&end.token, Password::NAME).await.unwrap());
        let next = pending(house.choose(&next.flow, WORD).await);
        all_refused(&house, &next.flow, &OF_SERGEY).await;
        // At the duty.
        house.days(90);
        let flow = house.at_duty(WORD, Due::Expired).await;
        all_refused(&house, &flow, &OF_SERGEY).await;
        done(house.choose(&flow, &word(1)).await);
    }
}

/// Without a birth date nobody's is looked for.
#[tokio::test]
async fn what_was_not_given_is_not_looked_for() {
    let house = House::new(Over::Memory, one_factor());
    let mine = house.person().await;
    assert!(house.auth.account(mine.session.account()).await.unwrap().unwrap().birth_date.is_none());
    done(house.change(&mine.token, WORD, "17.03.1985-Kq").await);
}

#[tokio::test]
async fn the_application_sets_them_and_takes_them_away() {
    for over in BOTH {
        let house = House::new(over, one_factor());
        let mine = house.person().await;
        let (account, desk) = (mine.session.account(), Client::unknown());
        let set = async |who: PersonalData<'_>| {
            house
                .auth
                .set_personal_data(account, who, &desk)
                .await
                .unwrap()
                .err()
                .map(|why| why.code.as_str())
        };
        assert_eq!(set(PersonalData::from("  ")).await, Some("name"));
        assert_eq!(set(PersonalData::from("Иван\u{202E}вор")).await, Some("name"));
        assert_eq!(set(PersonalData::from("Сергей").born(born(&house, "1985-03-17"))).await, None);
        let kept = house.auth.account(account).await.unwrap().unwrap();
        assert_eq!((kept.name.as_str(), kept.birth_date), ("Сергей", Some(born(&house, "1985-03-17"))));
        let next = pending(house.visit.change(&mine.token, Password::NAME).await.unwrap());
        let next = pending(house.choose(&next.flow, WORD).await);
        all_refused(&house, &next.flow, &OF_SERGEY).await;
        assert_eq!(set(PersonalData::from("Фёкла")).await, None);
        let set =
            house.history(account).await.into_iter().filter(|line| line == "personal-data-set done").count();
        assert_eq!(set, 2);
        assert_eq!(
            house.unfit(&next.flow, "Atrkf-77xm").await,
            "context",
            "the new name, on the other layout"
        );
        done(house.choose(&next.flow, "17.03.1985-Kq").await);
    }
}

#[tokio::test]
async fn an_import_brings_them_along() {
    for over in BOTH {
        let house = House::new(over, one_factor());
        let who = PersonalData::from("Сергей").born(born(&house, "1985-03-17"));
        let import = Import::new(who).unwrap().verified_contact(PHONE).unwrap();
        let Imported::Made(account) = house.auth.import(&import, &Client::unknown()).await.unwrap() else {
            panic!("taken");
        };
        let given = house.issue(account).await;
        let flow = house.at_duty(&given, Due::Temporary).await;
        all_refused(&house, &flow, &OF_SERGEY).await;
        done(house.choose(&flow, WORD).await);
    }
}

/// A policy looks at 64 words: those of the person come before twenty login names and what the site adds.
#[tokio::test]
async fn the_person_comes_before_many_names() {
    let house = House::new(Over::Memory, one_factor());
    let who = PersonalData::from("Сергей").born(born(&house, "1985-03-17"));
    let mut import = Import::new(who).unwrap().verified_contact(PHONE).unwrap();
    for number in 0..19 {
        let name = format!("first.second.third.fourth{number}@example{number}.org");
        import = import.verified_contact(&name).unwrap();
    }
    let Imported::Made(account) = house.auth.import(&import, &Client::unknown()).await.unwrap() else {
        panic!("taken");
    };
    let given = house.issue(account).await;
    let flow = house.at_duty(&given, Due::Temporary).await;
    all_refused(&house, &flow, &OF_SERGEY).await;
}

#[tokio::test]
async fn a_day_that_was_none_is_refused() {
    let house = House::new(Over::Memory, one_factor());
    for text in ["31.02.1985", "1985", "", "01.01.2999", "01.01.1899"] {
        assert_eq!(BirthDate::parse(text, house.auth.now()), Err(BirthDateError), "{text}");
    }
}
