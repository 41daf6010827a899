//! What the generator makes.

use std::sync::Mutex;

use super::walks::Draw;
use super::*;
use crate::clock::Entropy;
use crate::error::Broken;

#[derive(Debug)]
struct Seeded(Mutex<u64>);

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Broken> {
        let mut seed = self.0.lock().unwrap();
        for byte in bytes {
            let mut draw = Draw(*seed);
            *byte = (draw.next() >> 32) as u8;
            *seed = draw.0;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Nothing;

impl Entropy for Nothing {
    fn fill(&self, _: &mut [u8]) -> Result<(), Broken> {
        Err(Broken::Entropy)
    }
}

#[test]
fn ten_thousand_for_each_profile_pass_its_rules() {
    let profiles = [
        ("nist_aal1", PasswordRules::nist_aal1()),
        ("nist_aal2", PasswordRules::nist_aal2()),
        ("nist_aal3", PasswordRules::nist_aal3()),
        ("asvs_l1", PasswordRules::asvs_l1()),
        ("asvs_l2", PasswordRules::asvs_l2()),
        ("asvs_l3", PasswordRules::asvs_l3()),
        ("public_portal", PasswordRules::public_portal()),
    ];
    let recipes = [Recipe::words(Locale::En), Recipe::words(Locale::Ru), Recipe::signs()];
    let words = ["Gosportal", "ivan.petrov", "Иван", "79161234567", "1985-03-17"].map(String::from);
    let entropy = Seeded(Mutex::new(SEED));
    for (name, rules) in profiles {
        let mut seen = BTreeSet::new();
        for number in 0..10_000 {
            let made = recipes[number % 3].make(&rules, &words, &entropy).unwrap();
            let text = made.expose_str().unwrap();
            assert_eq!(
                codes_of(&rules.judge(&Candidate { secret: &made, words: &words })),
                Vec::<String>::new(),
                "{text}"
            );
            assert_eq!(normalise(&made).unwrap().expose(), made.expose(), "as it is hashed: {text}");
            assert!(seen.insert(text.to_owned()), "twice: {text}");
        }
        println!("counted: generated passwords that pass {name}, seed {SEED}, count {}", seen.len());
    }
}

#[test]
fn the_recipe_says_what_comes_out() {
    let rules = PasswordRules::public_portal();
    let made =
        |recipe: Recipe| recipe.make(&rules, &[], &SystemEntropy).unwrap().expose_str().unwrap().to_owned();
    let parts = made(Recipe::words(Locale::Ru));
    let parts: Vec<_> = parts.split('-').collect();
    assert_eq!(parts.len(), 6);
    assert!(parts[..5].iter().all(|word| word.chars().all(|sign| matches!(sign, 'А'..='я'))));
    assert_eq!(made(Recipe::signs()).chars().count(), 16);
    assert_eq!(made(Recipe::Signs { count: 0 }).chars().count(), 12, "never below what is safe");
    assert_eq!(made(Recipe::Words { locale: Locale::En, count: 1 }).split('-').count(), 5);
}

/// Every sign about as often as any other: no modulo bias.
#[test]
fn signs_are_drawn_evenly() {
    let entropy = Seeded(Mutex::new(SEED));
    let mut rules = PasswordRules::nist_aal1();
    (rules.common, rules.context) = (false, false);
    let mut counts = BTreeMap::new();
    for _ in 0..1000 {
        let made = Recipe::Signs { count: 64 }.make(&rules, &[], &entropy).unwrap();
        made.expose_str().unwrap().chars().for_each(|sign| *counts.entry(sign).or_insert(0) += 1);
    }
    let (least, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
    let even = 64_000 / counts.len();
    assert!(*least > even * 85 / 100 && *most < even * 115 / 100, "{least} {even} {most}");
}

/// The signs of `Recipe::signs` would hardly be refused: rules that take nothing must end, not hang.
#[test]
fn what_cannot_be_made_is_an_error() {
    let rules = PasswordRules { least: 2000, ..PasswordRules::nist_aal1() };
    assert!(matches!(Recipe::signs().make(&rules, &[], &SystemEntropy), Err(Broken::Misuse(_))));
    assert!(matches!(Recipe::signs().make(&rules, &[], &Nothing), Err(Broken::Entropy)));
}

const SEED: u64 = 20_261_126;
