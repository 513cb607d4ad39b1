use konform_terms::Language;
use whatlang::{Detector, Lang};

/// Below this many letters the statistics of a text say nothing.
const ENOUGH_LETTERS: usize = 200;
/// How much of a text is looked at.
const SAMPLE_BYTES: usize = 60_000;

const LANGUAGES: [(Lang, &str); 9] = [
    (Lang::Eng, "en"),
    (Lang::Fra, "fr"),
    (Lang::Deu, "de"),
    (Lang::Ara, "ar"),
    (Lang::Heb, "he"),
    (Lang::Ita, "it"),
    (Lang::Spa, "es"),
    (Lang::Nld, "nl"),
    (Lang::Por, "pt"),
];

/// Words that are frequent in one language and rare in its neighbours.
const STOP_WORDS: [(&str, &[&str]); 4] = [
    (
        "en",
        &[
            "the", "of", "and", "to", "is", "shall", "that", "with", "for", "are", "be", "this",
            "by", "which", "we", "you", "your", "our",
        ],
    ),
    (
        "fr",
        &[
            "le", "la", "les", "des", "du", "et", "est", "sont", "dans", "pour", "par", "une",
            "que", "aux", "vous", "nous", "vos", "ce", "sur",
        ],
    ),
    (
        "de",
        &[
            "der", "die", "das", "und", "den", "dem", "ist", "nicht", "mit", "von", "für",
            "werden", "wird", "eine", "einer", "zur", "oder", "wir", "sie", "ihre",
        ],
    ),
    (
        "lb",
        &[
            "dat", "an", "net", "vun", "fir", "ass", "déi", "eng", "mat", "op", "ginn", "sinn",
            "dës", "oder", "datt", "gëtt", "huet", "kënnen",
        ],
    ),
];

/// Finds the language of a text; nothing where it is uncertain.
///
/// Statistics of letters decide on a text that is long enough, frequent words on a shorter one.
/// Luxembourgish has no statistics and looks like German, so words decide there too.
pub(crate) fn detect(text: &str) -> Option<Language> {
    let sample = &text[..text.floor_char_boundary(SAMPLE_BYTES)];
    let letters = sample.chars().filter(|c| c.is_alphabetic()).count();
    let by_words = by_words(sample);
    if letters < ENOUGH_LETTERS {
        return by_words.or_else(|| by_script(sample, letters));
    }
    let by_letters = Detector::with_allowlist(LANGUAGES.map(|(lang, _)| lang).to_vec())
        .detect(sample)
        .and_then(|info| {
            let (_, code) = LANGUAGES.iter().find(|(lang, _)| *lang == info.lang())?;
            Some((code.parse().ok()?, info.is_reliable()))
        });
    match (by_letters, by_words) {
        (Some((Language::DE, _)), Some(words)) if words.code() == "lb" => Some(words),
        (Some((language, true)), _) => Some(language),
        (_, words) => words,
    }
}

/// Counts frequent words; one language must be clearly ahead.
fn by_words(text: &str) -> Option<Language> {
    let mut counts = STOP_WORDS.map(|(code, _)| (0_usize, code));
    for word in text.split(|c: char| !c.is_alphabetic()) {
        let word = word.to_lowercase();
        for ((count, _), (_, words)) in counts.iter_mut().zip(STOP_WORDS) {
            *count += usize::from(words.contains(&word.as_str()));
        }
    }
    counts.sort_unstable_by(|one, two| two.cmp(one));
    let [(first, code), (second, _), ..] = counts;
    (first >= 3 && first >= 2 * second)
        .then(|| code.parse().ok())
        .flatten()
}

/// Arabic and Hebrew need no statistics among the languages that are told apart here.
fn by_script(text: &str, letters: usize) -> Option<Language> {
    let share = |low: char, high: char| {
        letters >= 20
            && text.chars().filter(|c| (low..=high).contains(c)).count() * 10 > letters * 9
    };
    if share('\u{5d0}', '\u{5ea}') {
        return "he".parse().ok();
    }
    share('\u{620}', '\u{64a}').then_some(Language::AR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_apart_or_left_open() {
        for (text, want) in [
            (
                "The processor shall notify the controller of each breach.",
                "en",
            ),
            (
                "Le responsable et les sous-traitants sont dans le même cas, pour la durée du contrat.",
                "fr",
            ),
            (
                "Der Verantwortliche und die Auftragnehmer werden mit der Prüfung betraut.",
                "de",
            ),
            (
                "D'Donnéeë ginn net un Drëttpersoune weiderginn, dat ass fir eis kloer an dat gëllt.",
                "lb",
            ),
            (
                "يجب معالجة البيانات الشخصية بطريقة قانونية وعادلة وشفافة",
                "ar",
            ),
            ("ACME 2024", ""),
            ("", ""),
            ("12 34 56", ""),
        ] {
            let code = detect(text).map(|language| language.to_string());
            assert_eq!(code.unwrap_or_default(), want, "{text}");
        }
    }

    #[test]
    fn a_long_text_is_told_by_its_letters() {
        let text =
            "El responsable del tratamiento informará al interesado sobre la finalidad. ".repeat(8);
        assert_eq!(detect(&text).unwrap().code(), "es");
    }
}
