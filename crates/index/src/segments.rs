use std::collections::HashMap;

use konform_terms::{Document, Language, SegmentKind};
use tantivy::tokenizer::TextAnalyzer;

use crate::analysis;

const K1: f64 = 1.2;
const B: f64 = 0.75;
/// What a word of the headings above a segment counts, beside one of its own.
const HEADING: f64 = 0.3;
/// What a heading's own score counts: it announces, it rarely says.
const OWN_HEADING: f64 = 0.4;

/// A search over the segments of one document: BM25 after Robertson and Zaragoza, "The
/// Probabilistic Relevance Framework" (2009), with the inverse document frequency of Lucene.
#[derive(Debug)]
pub struct SegmentIndex {
    language: Language,
    /// The number of each term; it is looked up and never iterated.
    numbers: HashMap<String, usize>,
    /// For each term the segments that hold it, with its weighted frequency.
    postings: Vec<Vec<(usize, f64)>>,
    lengths: Vec<f64>,
    mean: f64,
    headings: Vec<bool>,
}

impl SegmentIndex {
    /// Indexes the segments of a document with the analyzer of a language.
    #[must_use]
    pub fn new(document: &Document, language: Language) -> Self {
        let mut vocabulary = Vocabulary::new(language);
        let mut postings: Vec<Vec<(usize, f64)>> = Vec::new();
        let mut lengths = Vec::with_capacity(document.segments.len());
        let mut headings = Vec::with_capacity(document.segments.len());
        let mut above: (&[String], Vec<usize>) = (&[], vec![]);
        let mut terms = Vec::new();
        for (at, segment) in document.segments.iter().enumerate() {
            let is_heading = segment.kind == SegmentKind::Heading;
            terms.clear();
            vocabulary.numbers(document.quote(segment), |term| terms.push((term, 1.0)));
            lengths.push(float(terms.len()));
            headings.push(is_heading);
            if !is_heading {
                if segment.heading_path != above.0 {
                    above = (&segment.heading_path, vec![]);
                    for heading in above.0 {
                        vocabulary.numbers(heading, |term| above.1.push(term));
                    }
                }
                terms.extend(above.1.iter().map(|&term| (term, HEADING)));
            }
            terms.sort_by_key(|(term, _)| *term);
            postings.resize_with(vocabulary.terms.len(), Vec::new);
            for same in terms.chunk_by(|a, b| a.0 == b.0) {
                let frequency = same.iter().map(|(_, weight)| weight).sum();
                postings[same[0].0].push((at, frequency));
            }
        }
        let mean = (lengths.iter().sum::<f64>() / float(lengths.len())).max(1.0);
        Self {
            language,
            numbers: vocabulary.terms,
            postings,
            lengths,
            mean,
            headings,
        }
    }

    /// Ranks segments for several queries that mean the same, best first, at most `limit`.
    ///
    /// The score is the sum over the distinct terms of all queries: a word that two queries share
    /// counts once, and a segment that uses the words of two of them is better than one that uses
    /// those of one. Segments without a term are left out; equal scores come in the order of the
    /// text.
    #[must_use]
    pub fn search(&self, queries: &[&str], limit: usize) -> Vec<(usize, f64)> {
        let terms = analysis::distinct_terms(&mut analysis::analyzer(self.language), queries);
        let mut scores = vec![0.0; self.lengths.len()];
        let found = terms.iter().filter_map(|term| self.numbers.get(term));
        for postings in found.map(|&number| &self.postings[number]) {
            let holding = float(postings.len());
            let weight = (1.0 + (float(scores.len()) - holding + 0.5) / (holding + 0.5)).ln();
            for &(segment, frequency) in postings {
                let norm = 1.0 - B + B * self.lengths[segment] / self.mean;
                let kind = if self.headings[segment] {
                    OWN_HEADING
                } else {
                    1.0
                };
                scores[segment] += kind * weight * frequency * (K1 + 1.0) / (frequency + K1 * norm);
            }
        }
        let mut ranked: Vec<(usize, f64)> = scores
            .into_iter()
            .enumerate()
            .filter(|(_, score)| *score > 0.0)
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(limit);
        ranked
    }
}

/// The terms of a document by number. A word is analysed once, however often it stands there:
/// stemming is what the time goes to. The maps are looked up and never iterated.
struct Vocabulary {
    words: TextAnalyzer,
    analyzer: TextAnalyzer,
    /// For each word as it stands in the text the terms it gives: one, or none for a stop word.
    seen: HashMap<String, Vec<usize>>,
    terms: HashMap<String, usize>,
}

impl Vocabulary {
    fn new(language: Language) -> Self {
        Self {
            words: analysis::words(),
            analyzer: analysis::analyzer(language),
            seen: HashMap::new(),
            terms: HashMap::new(),
        }
    }

    /// Hands the numbers of the terms of a text on, in their order.
    fn numbers(&mut self, text: &str, mut take: impl FnMut(usize)) {
        let Self {
            words,
            analyzer,
            seen,
            terms,
        } = self;
        analysis::each_term(words, text, |word| {
            if let Some(numbers) = seen.get(word) {
                numbers.iter().for_each(|&number| take(number));
                return;
            }
            let mut numbers = Vec::new();
            analysis::each_term(analyzer, word, |term| {
                let next = terms.len();
                numbers.push(*terms.entry(term.to_owned()).or_insert(next));
            });
            numbers.iter().for_each(|&number| take(number));
            seen.insert(word.to_owned(), numbers);
        });
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a document has few words and segments"
)]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use konform_terms::{Digest, Format, Segment, Span};

    use super::*;

    fn document(sentences: &[(&str, &str)]) -> Document {
        let mut text = String::new();
        let mut segments = Vec::new();
        for (heading, sentence) in sentences {
            let start = text.len();
            text.push_str(sentence);
            segments.push(Segment {
                span: Span::new(start, text.len()),
                kind: SegmentKind::Sentence,
                page: None,
                heading_path: vec![(*heading).to_owned()],
            });
            text.push('\n');
        }
        Document {
            path: "a.txt".into(),
            format: Format::Text,
            digest: Digest::of(&text),
            language: None,
            text,
            pages: vec![],
            segments,
            warnings: vec![],
        }
    }

    #[track_caller]
    fn best(language: Language, sentences: &[(&str, &str)], query: &str) -> usize {
        SegmentIndex::new(&document(sentences), language).search(&[query], 1)[0].0
    }

    #[test]
    fn the_sentence_that_shares_stems_is_found() {
        let en = [
            ("", "Invoices are paid."),
            ("", "Breaches are notified to the controller."),
        ];
        assert_eq!(best(Language::EN, &en, "notify a breach"), 1);
        let fr = [
            ("", "Les factures sont payées."),
            ("", "Toute violation est notifiée."),
        ];
        assert_eq!(best(Language::FR, &fr, "notifier une violation"), 1);
        let de = [
            ("", "Rechnungen werden bezahlt."),
            ("", "Verletzungen sind zu melden."),
        ];
        assert_eq!(best(Language::DE, &de, "Meldung einer Verletzung"), 1);
    }

    #[test]
    fn a_heading_ranks_below_the_sentence_it_announces() {
        let mut document = document(&[
            ("", "Security measures"),
            ("", "Security measures are reviewed yearly."),
        ]);
        document.segments[0].kind = SegmentKind::Heading;
        let ranked = SegmentIndex::new(&document, Language::EN).search(&["security measures"], 9);
        let order: Vec<usize> = ranked.iter().map(|(segment, _)| *segment).collect();
        assert_eq!(order, [1, 0]);
    }

    #[test]
    fn the_score_is_that_of_the_formula() {
        // Two segments of two words, one holds the term once: ln(1 + 1.5 / 1.5) * 2.2 / 2.2.
        let index = SegmentIndex::new(
            &document(&[("", "green kite"), ("", "red string")]),
            Language::EN,
        );
        let found = index.search(&["kites", "the kite"], 9);
        assert_eq!(found.len(), 1);
        assert!((found[0].1 - 2.0_f64.ln()).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn a_document_without_segments_has_nothing_to_find() {
        assert_eq!(
            SegmentIndex::new(&document(&[]), Language::FR).search(&["mot"], 3),
            vec![]
        );
    }

    #[test]
    fn a_heading_helps_what_stands_under_it() {
        let texts = [
            ("Fees", "It lasts ten years."),
            ("Confidentiality", "It lasts ten years."),
        ];
        assert_eq!(best(Language::EN, &texts, "confidentiality lasts"), 1);
    }

    #[test]
    fn equal_scores_come_in_the_order_of_the_text() {
        let index = SegmentIndex::new(
            &document(&[
                ("", "Same words."),
                ("", "Same words."),
                ("", "Same words."),
            ]),
            Language::EN,
        );
        let order: Vec<usize> = index
            .search(&["same words"], 9)
            .into_iter()
            .map(|(segment, _)| segment)
            .collect();
        assert_eq!(order, [0, 1, 2]);
        assert_eq!(index.search(&["nothing"], 9), vec![]);
    }
}
