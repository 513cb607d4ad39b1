use konform_terms::Language;
use tantivy::tokenizer::{
    AsciiFoldingFilter, Language as Stemming, LowerCaser, RemoveLongFilter, SimpleTokenizer,
    Stemmer, StopWordFilter, TextAnalyzer, Token, TokenFilter, TokenStream, Tokenizer,
};

/// The version of the analysis; an index that was built with another is built anew.
pub const ANALYZER_VERSION: &str = "konform-analysis/1 tantivy-0.27";

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
        .filter(Elision);
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

/// The terms of a text, in their order.
pub(crate) fn terms(analyzer: &mut TextAnalyzer, text: &str) -> Vec<String> {
    let mut stream = analyzer.token_stream(text);
    let mut terms = Vec::new();
    while let Some(token) = stream.next() {
        terms.push(token.text.clone());
    }
    terms
}

/// Drops the single letters that French elision leaves: l'accord becomes l and accord.
#[derive(Clone)]
struct Elision;

impl TokenFilter for Elision {
    type Tokenizer<T: Tokenizer> = ElisionTokenizer<T>;

    fn transform<T: Tokenizer>(self, inner: T) -> ElisionTokenizer<T> {
        ElisionTokenizer { inner }
    }
}

#[derive(Clone)]
struct ElisionTokenizer<T> {
    inner: T,
}

impl<T: Tokenizer> Tokenizer for ElisionTokenizer<T> {
    type TokenStream<'a> = ElisionStream<T::TokenStream<'a>>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Self::TokenStream<'a> {
        ElisionStream {
            inner: self.inner.token_stream(text),
        }
    }
}

struct ElisionStream<T> {
    inner: T,
}

impl<T: TokenStream> TokenStream for ElisionStream<T> {
    fn advance(&mut self) -> bool {
        while self.inner.advance() {
            let text = &self.inner.token().text;
            let elided = matches!(
                text.as_str(),
                "l" | "d" | "s" | "n" | "c" | "j" | "m" | "t" | "qu" | "jusqu" | "lorsqu"
            );
            if !elided {
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

    #[track_caller]
    fn case(language: Language, one: &str, other: &str) {
        let mut analyzer = analyzer(language);
        assert_eq!(terms(&mut analyzer, one), terms(&mut analyzer, other));
    }

    #[test]
    fn inflection_accents_and_elision_do_not_matter() {
        case(Language::EN, "the processors notify", "processor notified");
        case(
            Language::FR,
            "l’accord des sous-traitants",
            "accord sous traitant",
        );
        case(Language::FR, "données protégées", "donnée protégée");
        case(Language::DE, "die Verpflichtungen", "Verpflichtung");
        case("it".parse().unwrap(), "Responsabilità", "responsabilita");
    }
}
