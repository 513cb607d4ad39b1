use konform_terms::Language;

/// Writes the label of a provision as lawyers of its language do.
///
/// `number` is the article's (`4a`); `parts` are the numbers below it, `para` without, points with
/// their kind.
pub(crate) fn article(language: Language, number: &str, parts: &[Part]) -> String {
    let mut label = match language {
        Language::FR => format!("art. {number}"),
        _ => format!("Art. {number}"),
    };
    for part in parts {
        label.push_str(&match (language, part) {
            (Language::FR, Part::Paragraph(n)) => format!(", par. {n}"),
            (Language::FR, Part::Point(n)) => format!(", point {n})"),
            (Language::DE, Part::Paragraph(n)) => format!(" Abs. {n}"),
            (Language::DE, Part::Point(n)) if n.starts_with(|c: char| c.is_ascii_digit()) => {
                format!(" Nr. {n}")
            }
            (Language::DE, Part::Point(n)) => format!(" Buchst. {n}"),
            (_, Part::Paragraph(n) | Part::Point(n)) => format!("({n})"),
        });
    }
    label
}

/// A number below an article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// A numbered paragraph.
    Paragraph(String),
    /// A point of a list.
    Point(String),
}

impl Part {
    /// Its part of an address.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Paragraph(number) => format!("para_{}", slug(number)),
            Self::Point(number) => format!("point_{}", slug(number)),
        }
    }
}

/// What the law of the Union is called, by CELEX number: English, French, German.
const KNOWN: &[(&str, [&str; 3])] = &[
    ("32016R0679", ["GDPR", "RGPD", "DSGVO"]),
    ("32024R1689", ["AI Act", "règlement IA", "KI-VO"]),
    ("32022R2554", ["DORA", "DORA", "DORA"]),
    ("32022L2555", ["NIS 2", "SRI 2", "NIS 2"]),
    ("32019R2088", ["SFDR", "SFDR", "SFDR"]),
    ("32023R1114", ["MiCA", "MiCA", "MiCA"]),
    ("32022R2065", ["DSA", "DSA", "DSA"]),
];

/// The short title of an instrument: the known one, else the number.
pub(crate) fn short_title(id: &str, language: Language) -> String {
    let at = match language {
        Language::FR => 1,
        Language::DE => 2,
        _ => 0,
    };
    KNOWN
        .iter()
        .find(|(celex, _)| *celex == id)
        .map_or(id, |(_, names)| names[at])
        .to_owned()
}

/// A number as a part of an address: letters and digits in lower case, nothing else.
pub(crate) fn slug(number: &str) -> String {
    let kept: String = number.chars().filter(|c| c.is_alphanumeric()).collect();
    if kept.is_empty() {
        "x".to_owned()
    } else {
        kept.to_lowercase()
    }
}
