//! What provisions are called: by machines (addresses) and by lawyers (labels).

use konform_terms::Language;

/// A unit that is numbered through the whole instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unit {
    /// An article, with its number as printed: `4a`, in French `4 bis`.
    Article(String),
    /// An annex; the number is empty where there is only one.
    Annex(String),
    /// A recital.
    Recital(String),
}

/// A unit below an article or annex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// A numbered paragraph.
    Paragraph(String),
    /// A point of a list.
    Point(String),
    /// An unnumbered paragraph, by its place, that stands behind a list.
    Subparagraph(usize),
    /// The end of a sentence that a list interrupts.
    WrapUp(usize),
    /// A section of an annex.
    Section(String),
    /// A row of a table.
    Row(usize),
}

impl Unit {
    /// The address.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Article(number) => format!("art_{}", slug(number)),
            Self::Annex(number) if number.is_empty() => "anx".to_owned(),
            Self::Annex(number) => format!("anx_{}", slug(number).to_uppercase()),
            Self::Recital(number) => format!("rec_{}", slug(number)),
        }
    }
}

impl Part {
    /// The last part of the address.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Paragraph(number) => format!("para_{}", slug(number)),
            Self::Point(number) => format!("point_{}", slug(number)),
            Self::Subparagraph(place) => format!("subpara_{place}"),
            Self::WrapUp(1) => "wrapup".to_owned(),
            Self::WrapUp(place) => format!("wrapup_{place}"),
            Self::Section(number) => format!("sec_{}", slug(number).to_uppercase()),
            Self::Row(place) => format!("row_{place}"),
        }
    }
}

/// Writes the label of a provision as lawyers of its language do: `Art. 13(1)(a)`,
/// `art. 13, par. 1, point a)`, `Art. 13 Abs. 1 Buchst. a`. Other languages are written as English.
pub(crate) fn label(language: Language, unit: &Unit, parts: &[Part]) -> String {
    let mut label = match (language, unit) {
        (Language::FR, Unit::Article(number)) => format!("art. {number}"),
        (_, Unit::Article(number)) => format!("Art. {number}"),
        (Language::FR, Unit::Annex(number)) => format!("annexe {number}"),
        (Language::DE, Unit::Annex(number)) => format!("Anhang {number}"),
        (_, Unit::Annex(number)) => format!("Annex {number}"),
        (Language::FR, Unit::Recital(number)) => format!("considérant {number}"),
        (Language::DE, Unit::Recital(number)) => format!("Erwägungsgrund {number}"),
        (_, Unit::Recital(number)) => format!("Recital {number}"),
    };
    label.truncate(label.trim_end().len());
    let mut above = match unit {
        Unit::Annex(_) => Above::Words,
        Unit::Article(_) | Unit::Recital(_) => Above::Number,
    };
    for (at, part) in parts.iter().enumerate() {
        if let (Part::Point(number), Some(Part::Point(next))) = (part, parts.get(at + 1))
            && next
                .strip_prefix(number.as_str())
                .is_some_and(|rest| rest.starts_with('.'))
        {
            continue; // "3.1" names its point 3 itself.
        }
        label.push_str(&match language {
            Language::FR => french(part),
            Language::DE => german(part),
            _ => english(part, above),
        });
        above = match part {
            Part::Paragraph(_) | Part::Point(_) => Above::Number,
            _ => Above::Words,
        };
    }
    label
}

/// What stands before a part of an English label: `(a)` follows a number, `, point (a)` words.
#[derive(Debug, Clone, Copy)]
enum Above {
    Number,
    Words,
}

fn english(part: &Part, above: Above) -> String {
    match (part, above) {
        (Part::Point(number), Above::Words) if starts_with_digit(number) => {
            format!(", point {number}")
        }
        (Part::Point(number), Above::Words) => format!(", point ({number})"),
        (Part::Paragraph(number) | Part::Point(number), _) => format!("({number})"),
        (Part::Subparagraph(place), _) => format!(", subpara. {place}"),
        (Part::WrapUp(_), _) => ", closing words".to_owned(),
        (Part::Section(number), _) => format!(", Section {number}"),
        (Part::Row(place), _) => format!(", row {place}"),
    }
}

fn french(part: &Part) -> String {
    match part {
        Part::Paragraph(number) => format!(", par. {number}"),
        Part::Point(number) if starts_with_digit(number) => format!(", point {number}"),
        Part::Point(number) => format!(", point {number})"),
        Part::Subparagraph(place) => format!(", al. {place}"),
        Part::WrapUp(_) => ", phrase finale".to_owned(),
        Part::Section(number) => format!(", section {number}"),
        Part::Row(place) => format!(", ligne {place}"),
    }
}

fn german(part: &Part) -> String {
    match part {
        Part::Paragraph(number) => format!(" Abs. {number}"),
        Part::Point(number) if starts_with_digit(number) => format!(" Nr. {number}"),
        Part::Point(number) if is_roman(number) => format!(" Ziff. {number}"),
        Part::Point(number) => format!(" Buchst. {number}"),
        Part::Subparagraph(place) => format!(" UAbs. {place}"),
        Part::WrapUp(_) => " Schlussteil".to_owned(),
        Part::Section(number) => format!(" Abschnitt {number}"),
        Part::Row(place) => format!(" Zeile {place}"),
    }
}

fn starts_with_digit(number: &str) -> bool {
    number.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a number is a lower-case Roman one of more than one letter, or `i`: `c` is a letter.
fn is_roman(number: &str) -> bool {
    number == "i" || (number.len() > 1 && number.chars().all(|c| matches!(c, 'i' | 'v' | 'x')))
}

/// The Latin words with which French numbers what was inserted, in the order of English letters.
const INSERTED: [&str; 9] = [
    "bis",
    "ter",
    "quater",
    "quinquies",
    "sexies",
    "septies",
    "octies",
    "nonies",
    "decies",
];

/// A number as a part of an address: letters and digits in lower case, `-` for a dot between them.
/// What French calls `4 bis` is `4a`, as in all other languages, so that addresses agree.
pub(crate) fn slug(number: &str) -> String {
    let lower = number.to_lowercase();
    let mut words: Vec<&str> = lower.split_whitespace().collect();
    let mut inserted = String::new();
    if let Some(last) = words.last()
        && words.len() > 1
        && let Some(letter) = (b'a'..).zip(INSERTED).find(|(_, word)| word == last)
    {
        inserted.push(char::from(letter.0));
        words.pop();
    }
    let plain = words.concat();
    let plain = plain
        .trim_matches(|c: char| !c.is_alphanumeric())
        .replace('.', "-");
    let kept: String = plain
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '-')
        .collect();
    if kept.is_empty() {
        "x".to_owned()
    } else {
        kept + &inserted
    }
}

/// The kinds of divisions, by the words that announce them in English, French and German.
const DIVISIONS: [(&str, &[&str]); 6] = [
    ("part", &["part", "partie", "teil"]),
    ("title", &["title", "titre", "titel"]),
    ("chp", &["chapter", "chapitre", "kapitel"]),
    ("sec", &["section", "abschnitt"]),
    (
        "subsec",
        &[
            "subsection",
            "sub-section",
            "sous-section",
            "unterabschnitt",
        ],
    ),
    ("book", &["book", "livre", "buch"]),
];

/// Splits the title of a division into the kind, the number and what comes behind them:
/// `Section A. List` is `sec`, `A` and `List`.
pub(crate) fn division(title: &str) -> Option<(&'static str, String, &str)> {
    let (word, rest) = title.trim().split_once(char::is_whitespace)?;
    let word = word.to_lowercase();
    let (kind, _) = DIVISIONS
        .iter()
        .find(|(_, words)| words.contains(&word.as_str()))?;
    let rest = rest.trim_start();
    let (number, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let number = number.trim_matches(|c: char| !c.is_alphanumeric());
    let number = match number.to_lowercase().as_str() {
        "premier" | "première" => "I",
        _ => number,
    };
    let is_number = (1..=6).contains(&number.len())
        && (starts_with_digit(number) || number.bytes().all(|byte| byte.is_ascii_uppercase()));
    let rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '(');
    is_number.then(|| (*kind, number.to_owned(), rest))
}

/// What the law of the Union is called, by CELEX number: English, French, German.
const KNOWN: &[(&str, [&str; 3])] = &[
    ("32016R0679", ["GDPR", "RGPD", "DSGVO"]),
    ("32024R1689", ["AI Act", "règlement sur l’IA", "KI-VO"]),
    ("32022R2554", ["DORA", "DORA", "DORA"]),
    ("32022L2555", ["NIS 2", "SRI 2", "NIS-2"]),
    ("32019R2088", ["SFDR", "SFDR", "SFDR"]),
    (
        "32020R0852",
        ["Taxonomy Regulation", "règlement taxinomie", "Taxonomie-VO"],
    ),
    ("32023R1114", ["MiCA", "MiCA", "MiCAR"]),
    ("32022R2065", ["DSA", "DSA", "DSA"]),
    ("32022R1925", ["DMA", "DMA", "DMA"]),
    (
        "32023R2854",
        ["Data Act", "règlement sur les données", "Datenverordnung"],
    ),
    ("32022L2464", ["CSRD", "CSRD", "CSRD"]),
    ("32014L0065", ["MiFID II", "MiFID II", "MiFID II"]),
    (
        "32002L0058",
        [
            "ePrivacy Directive",
            "directive ePrivacy",
            "ePrivacy-Richtlinie",
        ],
    ),
];

/// The short title of an instrument: the known one, else kind and number, else the identifier.
pub(crate) fn short_title(id: &str, language: Language) -> String {
    let at = match language {
        Language::FR => 1,
        Language::DE => 2,
        _ => 0,
    };
    if let Some((_, names)) = KNOWN.iter().find(|(celex, _)| *celex == id) {
        return names[at].to_owned();
    }
    let kinds = match id.as_bytes().get(5) {
        Some(b'R') => ["Regulation", "règlement", "Verordnung"],
        Some(b'L') => ["Directive", "directive", "Richtlinie"],
        Some(b'D') => ["Decision", "décision", "Beschluss"],
        _ => return id.to_owned(),
    };
    let (Some(year), Some(Ok(number))) = (id.get(1..5), id.get(6..).map(str::parse::<u32>)) else {
        return id.to_owned();
    };
    format!("{} {year}/{number}", kinds[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_those_of_the_language() {
        use Part::{Paragraph, Point, Row, Section, Subparagraph, WrapUp};
        let n = str::to_owned;
        let cases = [
            (
                Unit::Article(n("13")),
                vec![Paragraph(n("1")), Point(n("a"))],
            ),
            (Unit::Article(n("6")), vec![Point(n("b")), Point(n("ii"))]),
            (
                Unit::Article(n("6")),
                vec![Paragraph(n("1")), Subparagraph(2)],
            ),
            (
                Unit::Article(n("6")),
                vec![Paragraph(n("1")), Subparagraph(2), Point(n("a"))],
            ),
            (Unit::Article(n("5")), vec![Paragraph(n("1")), WrapUp(1)]),
            (
                Unit::Annex(n("VII")),
                vec![Point(n("3")), Point(n("3.1")), Point(n("a"))],
            ),
            (Unit::Annex(n("I")), vec![Section(n("A")), Point(n("1"))]),
            (Unit::Annex(n("")), vec![Row(3)]),
            (Unit::Recital(n("39")), vec![]),
        ];
        let table: String = cases
            .iter()
            .map(|(unit, parts)| {
                let all = [Language::EN, Language::FR, Language::DE];
                all.map(|language| label(language, unit, parts)).join(" | ") + "\n"
            })
            .collect();
        insta::assert_snapshot!(table, @"
    Art. 13(1)(a) | art. 13, par. 1, point a) | Art. 13 Abs. 1 Buchst. a
    Art. 6(b)(ii) | art. 6, point b), point ii) | Art. 6 Buchst. b Ziff. ii
    Art. 6(1), subpara. 2 | art. 6, par. 1, al. 2 | Art. 6 Abs. 1 UAbs. 2
    Art. 6(1), subpara. 2, point (a) | art. 6, par. 1, al. 2, point a) | Art. 6 Abs. 1 UAbs. 2 Buchst. a
    Art. 5(1), closing words | art. 5, par. 1, phrase finale | Art. 5 Abs. 1 Schlussteil
    Annex VII, point 3.1(a) | annexe VII, point 3.1, point a) | Anhang VII Nr. 3.1 Buchst. a
    Annex I, Section A, point 1 | annexe I, section A, point 1 | Anhang I Abschnitt A Nr. 1
    Annex, row 3 | annexe, ligne 3 | Anhang Zeile 3
    Recital 39 | considérant 39 | Erwägungsgrund 39
    ");
    }

    #[test]
    fn numbers_give_the_same_address_in_every_language() {
        let cases = [
            ("4a", "4a"),
            ("4 bis", "4a"),
            ("1\u{a0}quinquies", "1d"),
            ("b ter", "bb"),
            ("3.1.", "3-1"),
            ("(IV)", "iv"),
            ("–", "x"),
        ];
        for (number, expected) in cases {
            assert_eq!(slug(number), expected, "{number}");
        }
    }

    #[test]
    fn a_division_is_known_by_its_first_word() {
        let cases = [
            ("CHAPTER III", Some(("chp", "III", ""))),
            ("CHAPITRE PREMIER", Some(("chp", "I", ""))),
            (
                "Section A — Information (all)",
                Some(("sec", "A", "Information (all)")),
            ),
            ("Abschnitt 2", Some(("sec", "2", ""))),
            ("General", None),
            ("Chapter about everything", None),
        ];
        for (title, expected) in cases {
            let found = division(title);
            let found = found
                .as_ref()
                .map(|(kind, number, rest)| (*kind, number.as_str(), *rest));
            assert_eq!(found, expected, "{title}");
        }
    }

    #[test]
    fn an_act_without_a_familiar_name_is_called_by_its_number() {
        assert_eq!(short_title("32016R0679", Language::DE), "DSGVO");
        assert_eq!(
            short_title("32018L1972", Language::FR),
            "directive 2018/1972"
        );
        assert_eq!(
            short_title("BGBl-2017-I-2097", Language::DE),
            "BGBl-2017-I-2097"
        );
        assert_eq!(short_title("32é16R1", Language::EN), "32é16R1");
    }
}
