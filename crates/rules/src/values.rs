//! Numbers and dates as documents write them.

use konform_terms::Language;

const EN: &[&str] = &[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const EN_TENS: &[&str] = &[
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const FR: &[&str] = &[
    "zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze",
    "douze", "treize", "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf",
];
const FR_TENS: &[&str] = &["vingt", "trente", "quarante", "cinquante", "soixante"];
const DE: &[&str] = &[
    "null",
    "eins",
    "zwei",
    "drei",
    "vier",
    "fünf",
    "sechs",
    "sieben",
    "acht",
    "neun",
    "zehn",
    "elf",
    "zwölf",
    "dreizehn",
    "vierzehn",
    "fünfzehn",
    "sechzehn",
    "siebzehn",
    "achtzehn",
    "neunzehn",
];
const DE_TENS: &[&str] = &[
    "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig",
];

/// Reads a number in digits, with the separators of its language, or as a word up to one hundred.
pub(crate) fn number(text: &str, language: Language) -> Option<f64> {
    let text = text.trim().to_lowercase();
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return digits(&text, language);
    }
    let value = match language {
        Language::FR => {
            (0..=100).find(|&n| french(n) == text || french(n).replace('-', " ") == text)
        }
        Language::DE => (0..=100).find(|&n| german(n) == text || (n == 1 && is_german_one(&text))),
        _ => (0..=100).find(|&n| english(n) == text || english(n).replace('-', " ") == text),
    };
    value.map(f64::from)
}

fn is_german_one(text: &str) -> bool {
    matches!(text, "ein" | "eine" | "einen" | "einem" | "einer" | "eines")
}

fn digits(text: &str, language: Language) -> Option<f64> {
    let (group, point): (&[char], char) = match language {
        Language::FR => (&[' ', '\u{a0}', '\u{202f}', '.'], ','),
        Language::DE => (&['.', ' ', '\u{a0}', '\''], ','),
        _ => (&[',', ' ', '\u{a0}'], '.'),
    };
    let plain: String = text
        .chars()
        .filter(|c| !group.contains(c))
        .map(|c| if c == point { '.' } else { c })
        .collect();
    plain.parse().ok().filter(|value: &f64| value.is_finite())
}

fn english(n: u32) -> String {
    match n {
        0..=19 => EN[n as usize].to_owned(),
        100 => "one hundred".to_owned(),
        _ => {
            let tens = EN_TENS[n as usize / 10 - 2];
            if n.is_multiple_of(10) {
                tens.to_owned()
            } else {
                format!("{tens}-{}", EN[n as usize % 10])
            }
        }
    }
}

fn german(n: u32) -> String {
    match n {
        0..=19 => DE[n as usize].to_owned(),
        100 => "hundert".to_owned(),
        _ => {
            let tens = DE_TENS[n as usize / 10 - 2];
            match n % 10 {
                0 => tens.to_owned(),
                1 => format!("einund{tens}"),
                unit => format!("{}und{tens}", DE[unit as usize]),
            }
        }
    }
}

fn french(n: u32) -> String {
    match n {
        0..=19 => FR[n as usize].to_owned(),
        80 => "quatre-vingts".to_owned(),
        81..=99 => format!("quatre-vingt-{}", FR[n as usize - 80]),
        100 => "cent".to_owned(),
        71 => "soixante-et-onze".to_owned(),
        70..=79 => format!("soixante-{}", FR[n as usize - 60]),
        _ => {
            let tens = FR_TENS[n as usize / 10 - 2];
            match n % 10 {
                0 => tens.to_owned(),
                1 => format!("{tens}-et-un"),
                unit => format!("{tens}-{}", FR[unit as usize]),
            }
        }
    }
}

const MONTHS: [(&str, &str, &str); 12] = [
    ("january", "janvier", "januar"),
    ("february", "février", "februar"),
    ("march", "mars", "märz"),
    ("april", "avril", "april"),
    ("may", "mai", "mai"),
    ("june", "juin", "juni"),
    ("july", "juillet", "juli"),
    ("august", "août", "august"),
    ("september", "septembre", "september"),
    ("october", "octobre", "oktober"),
    ("november", "novembre", "november"),
    ("december", "décembre", "dezember"),
];

/// Reads a date and writes it as `YYYY-MM-DD`: `2024-03-12`, `12.03.2024`, `12/03/2024` (the day
/// comes first), `12 March 2024`, `March 12, 2024`, `12 mars 2024`, `12. März 2024`.
pub(crate) fn date(text: &str, _: Language) -> Option<String> {
    let lower = text.trim().to_lowercase();
    let parts: Vec<&str> = lower
        .split(|c: char| c.is_whitespace() || matches!(c, '-' | '/' | '.' | ','))
        .filter(|part| !part.is_empty())
        .collect();
    let &[one, two, three] = parts.as_slice() else {
        return None;
    };
    let number = |part: &str| {
        part.trim_end_matches(|c: char| c.is_alphabetic())
            .parse::<u32>()
            .ok()
    };
    let month = |part: &str| {
        let at = MONTHS
            .iter()
            .position(|&(en, fr, de)| part == en || part == fr || part == de);
        at.and_then(|at| u32::try_from(at + 1).ok())
    };
    let (year, month, day) = if one.len() == 4 && one.bytes().all(|byte| byte.is_ascii_digit()) {
        (number(one)?, number(two)?, number(three)?)
    } else if let Some(month) = month(one) {
        (number(three)?, month, number(two)?)
    } else if let Some(month) = month(two) {
        (number(three)?, month, number(one)?)
    } else {
        (number(three)?, number(two)?, number(one)?)
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    ((1000..=9999).contains(&year) && (1..=days).contains(&day))
        .then(|| format!("{year:04}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_digits_and_words() {
        let cases = [
            ("72", Language::EN, 72.0),
            ("1,000.5", Language::EN, 1000.5),
            ("1.000,5", Language::DE, 1000.5),
            ("1 000,5", Language::FR, 1000.5),
            ("Seventy-two", Language::EN, 72.0),
            ("forty eight", Language::EN, 48.0),
            ("soixante-douze", Language::FR, 72.0),
            ("quatre-vingt-seize", Language::FR, 96.0),
            ("vingt-et-un", Language::FR, 21.0),
            ("zweiundsiebzig", Language::DE, 72.0),
            ("einem", Language::DE, 1.0),
        ];
        for (text, language, value) in cases {
            assert_eq!(number(text, language), Some(value), "{text}");
        }
        assert_eq!(number("several", Language::EN), None);
    }

    #[test]
    fn dates_are_read_with_the_day_first() {
        let cases = [
            "2024-03-12",
            "12.03.2024",
            "12/03/2024",
            "12 March 2024",
            "March 12, 2024",
            "12 mars 2024",
            "12. März 2024",
            "12th March 2024",
        ];
        for text in cases {
            assert_eq!(
                date(text, Language::EN).as_deref(),
                Some("2024-03-12"),
                "{text}"
            );
        }
        for text in [
            "30.02.2024",
            "2024-13-01",
            "31/04/2023",
            "soon",
            "29.02.2023",
        ] {
            assert_eq!(date(text, Language::EN), None, "{text}");
        }
    }
}
