//! Keyboard walks of our own making, and passphrases that are none.

use super::*;

const ROWS: [[&str; 3]; 2] =
    [["qwertyuiop", "asdfghjkl", "zxcvbnm"], ["йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"]];
const COLUMNS: [[&str; 9]; 2] = [
    ["1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,", "9ol."],
    ["1йфя", "2цыч", "3увс", "4кам", "5епи", "6нрт", "7гоь", "8шлб", "9щдю"],
];
/// The other way down: `zse4`.
const SLANTS: [[&str; 5]; 2] =
    [["4esz", "5rdx", "6tfc", "7ygv", "8uhb"], ["4уыя", "5квч", "6еас", "7нпм", "8гри"]];

fn back(walk: &str) -> String {
    walk.chars().rev().collect()
}

/// Straight, there and back, zigzag, double, by columns and slants, in both layouts and across them.
fn walks() -> BTreeSet<String> {
    let mut walks = BTreeSet::new();
    let mut add = |walk: String| {
        walks.insert(back(&walk));
        walks.insert(walk);
    };
    for row in ROWS.iter().flatten().chain(&["1234567890", "!@#$%^&*()", "!\"№;%:?*()"]) {
        let signs: Vec<char> = row.chars().collect();
        for size in [6, 7, 8] {
            signs.windows(size).for_each(|run| add(run.iter().collect()));
        }
        add(format!("{}{}", row, back(row)));
        add(signs.iter().flat_map(|sign| [*sign, *sign]).collect());
    }
    // The same keys by turns on either layout.
    for (latin, russian) in ROWS[0].iter().zip(ROWS[1]) {
        add(latin
            .chars()
            .zip(russian.chars())
            .enumerate()
            .map(|(n, (l, r))| if n % 2 == 0 { l } else { r })
            .collect());
        add(latin
            .chars()
            .zip(russian.chars())
            .enumerate()
            .map(|(n, (l, r))| if n < 4 { l } else { r })
            .collect());
    }
    for groups in COLUMNS.map(|group| group.to_vec()).into_iter().chain(SLANTS.map(|group| group.to_vec())) {
        for pair in groups.windows(2) {
            add(pair.concat());
            add(format!("{}{}", pair[0], back(pair[1])));
            // Without the digits: `qazwsx`.
            add(pair.iter().map(|column| &column[1..]).collect());
        }
        add(groups.iter().step_by(2).copied().collect());
    }
    for (row, digits) in [(ROWS[0][0], "1234567890"), (ROWS[1][0], "1234567890")] {
        for (size, from) in [(4, 0), (5, 0), (4, 3), (5, 4)] {
            let part = |text: &str| text.chars().skip(from).take(size).collect::<Vec<_>>();
            let pairs: Vec<_> = part(digits).into_iter().zip(part(row)).collect();
            add(pairs.iter().flat_map(|(digit, letter)| [*digit, *letter]).collect());
            add(pairs.iter().flat_map(|(digit, letter)| [*letter, *digit]).collect());
        }
        add(format!("{}123", row.chars().take(3).collect::<String>()));
        add(format!("123{}", row.chars().take(3).collect::<String>()));
    }
    for rows in ROWS {
        for size in [3, 4, 5] {
            add(rows.iter().map(|row| row.chars().take(size).collect::<String>()).collect());
        }
    }
    for pad in ["147258369", "963852741", "789456123", "1236547", "159357", "7894561230"] {
        add(pad.to_owned());
    }
    walks
}

#[test]
fn three_hundred_keyboard_walks_are_refused() {
    let walks = walks();
    let portal = PasswordRules::public_portal();
    let refused = |text: &str| codes(&portal, text, &[]).contains(&"keyboard".to_owned());
    let mut dressed = 0;
    for walk in &walks {
        println!("{walk}");
        assert!(refused(walk), "{walk}");
        // With what the other rules want.
        let upper: String =
            walk.chars().take(1).flat_map(char::to_uppercase).chain(walk.chars().skip(1)).collect();
        for text in [format!("{upper}-Z"), format!("{upper}7"), format!("Я_{walk}")] {
            assert!(refused(&text), "{text}");
            dressed += 1;
        }
    }
    assert!(walks.len() >= 300, "{}", walks.len());
    println!("counted: keyboard walks refused, seed -, count {}", walks.len());
    println!("counted: keyboard walks with other signs refused, seed -, count {dressed}");
}

/// Words with short runs in them are none.
#[test]
fn words_are_no_walks() {
    for word in [
        "property",
        "liberty",
        "desert",
        "deserted",
        "redressed",
        "assessed",
        "flower power",
        "запрос",
        "пролог",
        "кормить",
        "кенгуру",
        "экономить",
        "королевство",
        "understudy",
        "кинопроба",
        "1985",
        "2026",
        "911",
    ] {
        let signs: Vec<char> = word.chars().collect();
        assert!(
            !runs::on_keyboard(&signs, 5) && !runs::in_order(&signs, 5) && !runs::repeats(&signs, 3),
            "{word}"
        );
    }
    let refused: Vec<_> = common::ENGLISH
        .lines()
        .chain(common::RUSSIAN.lines())
        .filter(|word| {
            let signs: Vec<char> = word.chars().collect();
            runs::on_keyboard(&signs, 5) || runs::in_order(&signs, 5)
        })
        .collect();
    // Six of its seven letters; with two more signs it is none.
    assert_eq!(refused, ["прожить"]);
}

/// Words of both languages, three to five, in every fashion of writing them.
#[test]
fn a_thousand_random_passphrases_are_accepted() {
    let mut draw = Draw(SEED);
    let english: Vec<_> = common::ENGLISH.lines().collect();
    let russian: Vec<_> = common::RUSSIAN.lines().collect();
    let person =
        ["Gosportal", "ivan.petrov", "Иван", "Петров", "79161234567", "1985-03-17"].map(String::from);
    for number in 0..1000 {
        let list = if number % 2 == 0 { &english } else { &russian };
        let between = ["-", " ", "_", ".", ", ", "+"][draw.below(6)];
        let mut words: Vec<String> =
            (0..3 + draw.below(3)).map(|_| list[draw.below(list.len())].to_owned()).collect();
        let capital = draw.below(words.len());
        words[capital] = words[capital]
            .chars()
            .enumerate()
            .flat_map(|(n, sign)| if n == 0 { sign.to_uppercase().collect::<Vec<_>>() } else { vec![sign] })
            .collect();
        words.insert(draw.below(words.len() + 1), draw.below(1000).to_string());
        let text = words.join(between);
        let portal = codes(&PasswordRules::public_portal(), &text, &person);
        // Three equal digits may come by chance; they are what that rule is about.
        let digits = text.chars().filter(char::is_ascii_digit).collect::<Vec<_>>();
        if !(digits.len() == 3 && digits.iter().all(|digit| *digit == digits[0])) {
            assert!(portal.is_empty(), "seed {SEED}, number {number}: {text}: {portal:?}");
        }
        let nist = codes(&PasswordRules::nist_aal1(), &text, &person);
        assert!(
            nist.is_empty() || text.chars().count() < 15,
            "seed {SEED}, number {number}: {text}: {nist:?}"
        );
    }
    println!("counted: random passphrases accepted, seed {SEED}, count 1000");
}

/// Enough for tests: each number by splitmix64.
pub(super) struct Draw(pub(super) u64);

impl Draw {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

const SEED: u64 = 20_261_126;
