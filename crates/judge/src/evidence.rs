use konform_index::SegmentIndex;
use konform_terms::{Document, Evidence, Language, Link, Requirement, SegmentKind, Span};

/// A segment that may bear on a requirement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    /// The segment's index in the document.
    pub(crate) segment: usize,
    /// How it was found.
    pub(crate) link: Link,
}

/// The segments that share bytes with spans that a check found, in the order of the text.
pub(crate) fn of_hits(document: &Document, hits: &[Span]) -> Vec<Candidate> {
    document
        .segments
        .iter()
        .enumerate()
        .filter(|(_, segment)| hits.iter().any(|hit| hit.overlaps(&segment.span)))
        .map(|(segment, _)| Candidate {
            segment,
            link: Link::Check,
        })
        .collect()
}

/// Ranks the segments of a document for a requirement: those that a check pointed at first, then
/// by the search for statement and queries.
pub(crate) fn search(
    document: &Document,
    index: &SegmentIndex,
    requirement: &Requirement,
    language: Language,
    hits: &[Span],
    limit: usize,
) -> Vec<Candidate> {
    let mut queries: Vec<&str> = requirement.statement(language).into_iter().collect();
    if let Some(own) = requirement.queries.get(&language) {
        queries.extend(own.iter().map(String::as_str));
    }
    let mut candidates = of_hits(document, hits);
    candidates.truncate(limit / 2);
    for (segment, score) in index.search(&queries, 2 * limit) {
        // A heading announces and does not say; its words stand before those below it.
        let is_heading = document.segments[segment].kind == SegmentKind::Heading;
        let is_known = candidates.iter().any(|one| one.segment == segment);
        if !is_heading && !is_known {
            candidates.push(Candidate {
                segment,
                link: Link::Search(score),
            });
        }
    }
    candidates.truncate(limit);
    candidates
}

/// Quotes a candidate under a number.
pub(crate) fn quote(document: &Document, candidate: &Candidate, number: usize) -> Evidence {
    let segment = &document.segments[candidate.segment];
    Evidence {
        id: format!("E{number}"),
        page: segment.page,
        heading_path: segment.heading_path.clone(),
        span: segment.span,
        quote: document.quote(segment).to_owned(),
        link: candidate.link,
        moves: None,
    }
}
