//! Identifiers with check digits.

use konform_terms::Identifier;

/// What is known of something that looks like an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    /// Its check digits are right.
    Valid,
    /// It has the right form; no check digits are public for it.
    FormOnly,
    /// Its form or its check digits are wrong.
    Wrong,
}

/// The pattern that finds candidates of an identifier.
pub(crate) fn pattern(identifier: Identifier) -> &'static str {
    match identifier {
        Identifier::Lei => r"\b[0-9]{4}[0-9A-Za-z]{14}[0-9]{2}\b",
        Identifier::Iban => r"\b[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]){11,30}\b",
        Identifier::Vat => {
            r"\b(?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK)[ -]?[0-9A-Z](?:[ .-]?[0-9A-Z]){6,12}\b"
        }
    }
}

/// Checks a candidate.
pub(crate) fn check(identifier: Identifier, text: &str) -> Validity {
    let plain: String = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_uppercase();
    let valid = |valid: bool| {
        if valid {
            Validity::Valid
        } else {
            Validity::Wrong
        }
    };
    match identifier {
        Identifier::Lei => valid(plain.len() == 20 && mod_97(&plain) == 1),
        Identifier::Iban => valid(is_iban(&plain)),
        Identifier::Vat => vat(&plain),
    }
}

/// The remainder by 97 of a text whose letters count 10 to 35 (ISO 7064).
fn mod_97(text: &str) -> u32 {
    text.chars()
        .filter_map(|c| c.to_digit(36))
        .fold(0, |rest, value| {
            if value < 10 {
                (rest * 10 + value) % 97
            } else {
                (rest * 100 + value) % 97
            }
        })
}

/// The lengths of account numbers (ISO 13616 registry).
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AT", 20),
    ("BE", 16),
    ("BG", 22),
    ("CH", 21),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("EE", 20),
    ("ES", 24),
    ("FI", 18),
    ("FR", 27),
    ("GB", 22),
    ("GR", 27),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IS", 26),
    ("IT", 27),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("PT", 25),
    ("RO", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
];

fn is_iban(plain: &str) -> bool {
    let Some((country, _)) = plain.split_at_checked(2) else {
        return false;
    };
    let length = IBAN_LENGTHS
        .iter()
        .find(|(code, _)| *code == country)
        .map(|(_, length)| *length);
    length == Some(plain.len()) && mod_97(&format!("{}{}", &plain[4..], &plain[..4])) == 1
}

/// Checks a value added tax number: check digits where the state publishes how, else the length.
fn vat(plain: &str) -> Validity {
    let Some((country, rest)) = plain.split_at_checked(2) else {
        return Validity::Wrong;
    };
    let digits: Vec<u32> = rest.chars().filter_map(|c| c.to_digit(10)).collect();
    let all_digits = digits.len() == rest.len();
    let number = |from: usize, to: usize| digits[from..to].iter().fold(0, |n, d| n * 10 + d);
    let valid = |valid: bool| {
        if valid {
            Validity::Valid
        } else {
            Validity::Wrong
        }
    };
    match (country, rest.len()) {
        ("LU", 8) if all_digits => valid(number(0, 6) % 89 == number(6, 8)),
        ("BE", 10) if all_digits => valid(97 - number(0, 8) % 97 == number(8, 10)),
        ("FR", 11) if digits.len() == 11 => {
            valid((12 + 3 * (number(2, 11) % 97)) % 97 == number(0, 2))
        }
        ("DE", 9) if all_digits => valid(iso_7064_11_10(&digits)),
        ("IT", 11) if all_digits => valid(luhn(&digits)),
        ("AT", 9) if rest.starts_with('U') && digits.len() == 8 => {
            let sum: u32 = digits[..7]
                .iter()
                .enumerate()
                .map(|(at, d)| {
                    if at % 2 == 1 {
                        d / 5 + (2 * d) % 10
                    } else {
                        *d
                    }
                })
                .sum();
            valid((10 - (sum + 4) % 10) % 10 == digits[7])
        }
        ("FR", 11) | ("NL", 12) | ("ES" | "PT" | "EE" | "EL" | "AT", 9) => Validity::FormOnly,
        ("LU" | "BE" | "DE" | "IT", _) => Validity::Wrong,
        (_, 8..=12) => Validity::FormOnly,
        _ => Validity::Wrong,
    }
}

fn iso_7064_11_10(digits: &[u32]) -> bool {
    let product = digits[..8].iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        2 * (if sum == 0 { 10 } else { sum }) % 11
    });
    (11 - product) % 10 == digits[8]
}

fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, d)| {
            if at % 2 == 1 {
                d * 2 / 10 + d * 2 % 10
            } else {
                *d
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made_iban(account: &str) -> String {
        let check = 98 - mod_97(&format!("{account}LU00"));
        format!("LU{check:02}{account}")
    }

    #[test]
    fn vat_numbers_of_made_up_firms() {
        for (text, validity) in [
            ("LU 10000016", Validity::Wrong),
            ("LU 10000053", Validity::Valid),
            ("BE 0100.000.069", Validity::Wrong),
            ("FR 12 345678901", Validity::Wrong),
            ("DE 100000007", Validity::Wrong),
            ("PL 1234567890", Validity::FormOnly),
            ("DE 12", Validity::Wrong),
        ] {
            let found = check(Identifier::Vat, text);
            if validity == Validity::Valid {
                assert_eq!(100_000 % 89, 53, "the rule itself");
            }
            assert_eq!(found, validity, "{text}");
        }
    }

    proptest! {
        #[test]
        fn one_changed_digit_makes_an_iban_wrong(account in "[0-9]{16}", at in 2usize..20, add in 1u32..10) {
            let iban = made_iban(&account);
            prop_assert_eq!(check(Identifier::Iban, &iban), Validity::Valid);
            let changed: String = iban.chars().enumerate().map(|(index, c)| match c.to_digit(10) {
                Some(digit) if index == at => char::from_digit((digit + add) % 10, 10).unwrap(),
                _ => c,
            }).collect();
            prop_assert_eq!(check(Identifier::Iban, &changed), Validity::Wrong);
        }

        #[test]
        fn one_changed_digit_makes_an_lei_wrong(stem in "[0-9]{4}[0-9A-Z]{14}", at in 0usize..4, add in 1u32..10) {
            let lei = format!("{stem}{:02}", 98 - mod_97(&format!("{stem}00")));
            prop_assert_eq!(check(Identifier::Lei, &lei), Validity::Valid);
            let changed: String = lei.chars().enumerate().map(|(index, c)| match c.to_digit(10) {
                Some(digit) if index == at => char::from_digit((digit + add) % 10, 10).unwrap(),
                _ => c,
            }).collect();
            prop_assert_eq!(check(Identifier::Lei, &changed), Validity::Wrong);
        }

        #[test]
        fn any_text_is_checked(text in ".{0,40}") {
            for identifier in [Identifier::Lei, Identifier::Iban, Identifier::Vat] {
                let _ = check(identifier, &text);
            }
        }
    }
}
