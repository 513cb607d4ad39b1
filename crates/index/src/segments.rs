use std::collections::BTreeMap;

use konform_terms::{Document, Language, SegmentKind};

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
    /// For each term the segments that hold it, with its weighted frequency.
    postings: BTreeMap<String, Vec<(usize, f64)>>,
    lengths: Vec<f64>,
    mean: f64,
    headings: Vec<bool>,
}

impl SegmentIndex {
    /// Indexes the segments of a document with the analyzer of a language.
    #[must_use]
    pub fn new(document: &Document, language: Language) -> Self {
        let mut analyzer = analysis::analyzer(language);
        let mut postings: BTreeMap<String, Vec<(usize, f64)>> = BTreeMap::new();
        let mut lengths = Vec::with_capacity(document.segments.len());
        let mut headings = Vec::with_capacity(document.segments.len());
        let mut path: (Vec<String>, Vec<String>) = Default::default();
        for (index, segment) in document.segments.iter().enumerate() {
            let own = analysis::terms(&mut analyzer, document.quote(segment));
            if segment.heading_path != path.0 {
                path.1 = analysis::terms(&mut analyzer, &segment.heading_path.join(" "));
                path.0.clone_from(&segment.heading_path);
            }
            #[expect(clippy::cast_precision_loss, reason = "a segment has few words")]
            lengths.push(own.len() as f64);
            headings.push(segment.kind == SegmentKind::Heading);
            let mut frequencies: BTreeMap<&str, f64> = BTreeMap::new();
            for term in &own {
                *frequencies.entry(term).or_default() += 1.0;
            }
            if segment.kind != SegmentKind::Heading {
                for term in &path.1 {
                    *frequencies.entry(term).or_default() += HEADING;
                }
            }
            for (term, frequency) in frequencies {
                if let Some(list) = postings.get_mut(term) {
                    list.push((index, frequency));
                } else {
                    postings.insert(term.to_owned(), vec![(index, frequency)]);
                }
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a document has few segments")]
        let mean = (lengths.iter().sum::<f64>() / lengths.len().max(1) as f64).max(1.0);
        Self {
            language,
            postings,
            lengths,
            mean,
            headings,
        }
    }

    /// Ranks segments for several queries that mean the same, best first, at most `limit`; the
    /// score is the sum over the distinct terms of all queries. Segments without a term are left
    /// out; equal scores come in the order of the text.
    #[must_use]
    pub fn search(&self, queries: &[&str], limit: usize) -> Vec<(usize, f64)> {
        let mut analyzer = analysis::analyzer(self.language);
        let mut terms: Vec<String> = queries
            .iter()
            .flat_map(|query| analysis::terms(&mut analyzer, query))
            .collect();
        terms.sort_unstable();
        terms.dedup();
        let mut scores: BTreeMap<usize, f64> = BTreeMap::new();
        #[expect(clippy::cast_precision_loss, reason = "a document has few segments")]
        let count = self.lengths.len() as f64;
        for postings in terms.iter().filter_map(|term| self.postings.get(term)) {
            #[expect(clippy::cast_precision_loss, reason = "a document has few segments")]
            let holding = postings.len() as f64;
            let weight = (1.0 + (count - holding + 0.5) / (holding + 0.5)).ln();
            for &(segment, frequency) in postings {
                let norm = 1.0 - B + B * self.lengths[segment] / self.mean;
                let kind = if self.headings[segment] {
                    OWN_HEADING
                } else {
                    1.0
                };
                *scores.entry(segment).or_default() +=
                    kind * weight * frequency * (K1 + 1.0) / (frequency + K1 * norm);
            }
        }
        let mut ranked: Vec<(usize, f64)> = scores.into_iter().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(limit);
        ranked
    }
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
