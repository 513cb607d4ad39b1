use std::collections::BTreeSet;

use konform_terms::Language;
use tantivy::tokenizer::{
    AsciiFoldingFilter, Language as Stemming, LowerCaser, RemoveLongFilter, SimpleTokenizer,
    Stemmer, StopWordFilter, TextAnalyzer, Token, TokenFilter, TokenStream, Tokenizer,
};

/// The version of the analysis; an index that was built with another is built anew.
pub const ANALYZER_VERSION: &str = "konform-analysis/2 tantivy-0.27";

/// The languages that have stemmers of their own here.
pub(crate) const STEMMED: [(Language, Stemming); 4] = [
    (Language::EN, Stemming::English),
    (Language::FR, Stemming::French),
    (Language::DE, Stemming::German),
    (Language::AR, Stemming::Arabic),
];

/// Makes the analyzer of a language: words, lower case, no stop words, stems, then no accents.
/// Stems come before accents go, because the stemmers know the accents.
pub(crate) fn analyzer(language: Language) -> TextAnalyzer {
    let words = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(80))
        .filter(LowerCaser)
        .filter(Elision(elided(language)));
    let stemming = STEMMED
        .iter()
        .find(|(own, _)| *own == language)
        .map(|(_, stemming)| *stemming);
    match stemming {
        Some(stemming) => {
            let stop = StopWordFilter::new(stemming)
                .unwrap_or_else(|| StopWordFilter::remove(Vec::<String>::new()));
            words
                .filter(stop)
                .filter(Stemmer::new(stemming))
                .filter(AsciiFoldingFilter)
                .build()
        }
        None => words.filter(AsciiFoldingFilter).build(),
    }
}

/// The name of the analyzer, and of the fields, of a language.
pub(crate) fn name(language: Language) -> &'static str {
    match language {
        Language::EN => "en",
        Language::FR => "fr",
        Language::DE => "de",
        Language::AR => "ar",
        _ => "other",
    }
}

/// Splits a text into the words that [`analyzer`] makes its terms of, one by one.
pub(crate) fn words() -> TextAnalyzer {
    TextAnalyzer::from(SimpleTokenizer::default())
}

/// Hands the terms of a text on, in their order.
pub(crate) fn each_term(analyzer: &mut TextAnalyzer, text: &str, mut take: impl FnMut(&str)) {
    let mut stream = analyzer.token_stream(text);
    while let Some(token) = stream.next() {
        take(&token.text);
    }
}

/// The distinct terms of some texts, sorted.
pub(crate) fn distinct_terms(analyzer: &mut TextAnalyzer, texts: &[&str]) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for text in texts {
        each_term(analyzer, text, |term| {
            terms.insert(term.to_owned());
        });
    }
    terms
}

/// What a language leaves before or behind an apostrophe: l'accord is l and accord, the party's is
/// party and s.
fn elided(language: Language) -> &'static [&'static str] {
    match language {
        Language::FR => &[
            "l", "d", "s", "n", "c", "j", "m", "t", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu",
        ],
        Language::EN => &["s", "t"],
        _ => &[],
    }
}

/// Drops the pieces of words that an apostrophe leaves.
#[derive(Clone)]
struct Elision(&'static [&'static str]);

impl TokenFilter for Elision {
    type Tokenizer<T: Tokenizer> = ElisionTokenizer<T>;

    fn transform<T: Tokenizer>(self, inner: T) -> ElisionTokenizer<T> {
        ElisionTokenizer {
            elided: self.0,
            inner,
        }
    }
}

#[derive(Clone)]
struct ElisionTokenizer<T> {
    elided: &'static [&'static str],
    inner: T,
}

impl<T: Tokenizer> Tokenizer for ElisionTokenizer<T> {
    type TokenStream<'a> = ElisionStream<T::TokenStream<'a>>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Self::TokenStream<'a> {
        ElisionStream {
            elided: self.elided,
            inner: self.inner.token_stream(text),
        }
    }
}

struct ElisionStream<T> {
    elided: &'static [&'static str],
    inner: T,
}

impl<T: TokenStream> TokenStream for ElisionStream<T> {
    fn advance(&mut self) -> bool {
        while self.inner.advance() {
            if !self.elided.contains(&self.inner.token().text.as_str()) {
                return true;
            }
        }
        false
    }

    fn token(&self) -> &Token {
        self.inner.token()
    }

    fn token_mut(&mut self) -> &mut Token {
        self.inner.token_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(analyzer: &mut TextAnalyzer, text: &str) -> Vec<String> {
        let mut terms = vec![];
        each_term(analyzer, text, |term| terms.push(term.to_owned()));
        terms
    }

    #[track_caller]
    fn case(language: Language, one: &str, other: &str) {
        let mut analyzer = analyzer(language);
        assert_eq!(terms(&mut analyzer, one), terms(&mut analyzer, other));
    }

    #[test]
    fn the_terms_of_a_text_are_those_of_its_words() {
        let text = "L’İstanbul d'été; the Party's non-compliance (Art. 5), البيانات — Straße 7.1";
        let text_with_long_word = format!("{text} {}", "long".repeat(30));
        for language in [Language::EN, Language::FR, Language::DE, Language::AR] {
            let mut whole = analyzer(language);
            let expected = terms(&mut whole, &text_with_long_word);
            let mut one_by_one = vec![];
            each_term(&mut words(), &text_with_long_word, |word| {
                one_by_one.extend(terms(&mut whole, word));
            });
            assert_eq!(one_by_one, expected, "{language}");
        }
    }

    #[test]
    fn letters_that_name_points_are_kept() {
        let mut english = analyzer(Language::EN);
        assert_eq!(
            terms(&mut english, "Art. 13(1)(c)"),
            ["art", "13", "1", "c"]
        );
    }

    #[test]
    fn inflection_accents_and_elision_do_not_matter() {
        case(Language::EN, "the processors notify", "processor notified");
        case(
            Language::FR,
            "l’accord des sous-traitants",
            "accord sous traitant",
        );
        case(Language::FR, "jusqu'à l'avis", "à avis");
        case(Language::EN, "the party’s duties", "party duty");
        case(Language::AR, "المعالجة الشخصية", "معالجة شخصية");
        case(Language::FR, "données protégées", "donnée protégée");
        case(Language::DE, "die Verpflichtungen", "Verpflichtung");
        case("it".parse().unwrap(), "Responsabilità", "responsabilita");
    }
}
