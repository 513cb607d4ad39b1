use std::ops::Range;

use konform_terms::Language;

/// The longest segment, in bytes; a longer sentence is cut where it hurts least.
pub(crate) const LONGEST: usize = 600;

/// Abbreviations of legal writing behind which no sentence ends, without their full stop.
///
/// They are kept in one list, for a French contract cites German law and the other way round.
const ABBREVIATIONS: [&str; 92] = [
    "abs", "abschn", "acc", "al", "anh", "anl", "app", "approx", "arg", "arr", "art", "artt",
    "aufl", "az", "beschl", "bspw", "bull", "bzw", "ca", "cap", "cass", "cf", "ch", "chap", "cl",
    "consid", "corp", "d.h", "dipl", "dr", "e.g", "ed", "eq", "erwgr", "etc.)", "evtl", "exh",
    "ff", "fig", "fn", "gem", "ggf", "hrsg", "i.d.f", "i.d.r", "i.e", "i.s.d", "i.v.m", "inkl",
    "insb", "jur", "kap", "let", "lit", "lt", "m", "me", "mlle", "mm", "mme", "mr", "mrs", "ms",
    "n", "no", "nos", "nr", "nrn", "o.g", "p", "p. ex", "par", "para", "paras", "pp", "prof", "pt",
    "rdnr", "reg", "resp", "rev", "rn", "rz", "s", "sec", "sog", "st", "u.a", "usw.)", "v", "vgl",
    "z.b",
];

/// More of them, which end a sentence more often than the others and so need a number or a
/// lower-case letter behind them.
const SOMETIMES: [&str; 14] = [
    "bd", "co", "etc", "gmbh", "inc", "ltd", "s.a", "s.à r.l", "sàrl", "sched", "u.s", "usw",
    "vol", "z",
];

const MONTHS: [&str; 24] = [
    "januar",
    "februar",
    "märz",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "dezember",
    "jänner",
    "kalendertag",
    "kalendertage",
    "werktag",
    "tag",
    "quartal",
    "halbjahr",
    "jahrhundert",
    "abschnitt",
    "kapitel",
    "lebensjahr",
    "lebensjahres",
];

/// Cuts the text of a block into sentences; the ranges are in order, trimmed and not empty.
pub(crate) fn split(text: &str, language: Option<Language>) -> Vec<Range<usize>> {
    let code = language.map_or("en".to_owned(), |language| language.to_string());
    let mut sentences: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    for boundary in sentencex::get_sentence_boundaries(&code, text) {
        let range = boundary.start_byte..boundary.end_byte;
        let Some(piece) = text.get(range.clone()) else {
            continue;
        };
        match sentences.last_mut() {
            Some(last) if open => last.end = range.end,
            _ => sentences.push(range.clone()),
        }
        let sentence = sentences.last().map_or(piece, |last| &text[last.clone()]);
        open = goes_on(sentence, &text[range.end..]);
    }
    sentences
        .into_iter()
        .flat_map(|range| split_again(text, range))
        .map(|range| trim(text, range))
        .flat_map(|range| cut(text, range))
        .filter(|range| text[range.clone()].chars().any(char::is_alphanumeric))
        .collect()
}

/// Splits where a plain word, a full stop and a capital letter leave no doubt; behind an opening such
/// as `(1)` no boundary is found otherwise.
fn split_again(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = range.start;
    let mut depth = 0_i32;
    for (at, c) in text[range.clone()].char_indices() {
        let at = range.start + at;
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = (depth - 1).max(0),
            '.' | '!' | '?' if depth == 0 => {
                let rest = &text[at + 1..range.end];
                let word: String = text[start..at]
                    .chars()
                    .rev()
                    .take_while(|c| c.is_alphabetic())
                    .collect();
                let length = word.chars().count();
                let plain = length >= 4 && word.chars().all(char::is_lowercase)
                    || length >= 3 && word.chars().all(char::is_uppercase);
                let next = rest.trim_start();
                let begins = next.len() < rest.len()
                    && next
                        .trim_start_matches(['„', '“', '«', '"'])
                        .starts_with(char::is_uppercase);
                if plain && begins && !goes_on(&text[start..=at], rest) {
                    pieces.push(start..at + 1);
                    start = at + 1;
                }
            }
            _ => {}
        }
    }
    pieces.push(start..range.end);
    pieces
}

/// Whether a piece that was taken for a sentence goes on behind its end.
fn goes_on(piece: &str, rest: &str) -> bool {
    let piece = piece.trim();
    let rest = rest.trim_start();
    let Some(next) = rest.chars().next() else {
        return false;
    };
    if is_marker(piece) || next.is_lowercase() {
        return true;
    }
    let Some(stem) = piece.strip_suffix('.') else {
        return false;
    };
    let word = stem
        .rsplit(|c: char| {
            c.is_whitespace() || matches!(c, '(' | '[' | '„' | '«' | '"' | '“' | '/' | '\'' | '’')
        })
        .next()
        .unwrap_or_default();
    let lower = word.to_lowercase();
    if ABBREVIATIONS.contains(&lower.as_str()) || stem.to_lowercase().ends_with(" p. ex") {
        return true;
    }
    if SOMETIMES.contains(&lower.as_str()) && next.is_ascii_digit() {
        return true;
    }
    // Ordinals of German: the 5th of May, the 1st section.
    if !word.is_empty() && word.len() <= 2 && word.bytes().all(|byte| byte.is_ascii_digit()) {
        let follows: String = rest.chars().take_while(|c| c.is_alphabetic()).collect();
        return MONTHS.contains(&follows.to_lowercase().as_str());
    }
    // Initials and pairs such as `z. B.`.
    let mut letters = word.chars();
    matches!((letters.next(), letters.next()), (Some(letter), None) if letter.is_alphabetic() && letter != 'I')
}

/// Whether a piece is a number or letter that marks a clause: `1.`, `(a)`, `IV.`, `2.3.1`, `§ 5.`
fn is_marker(piece: &str) -> bool {
    let inner = piece.trim_matches(|c: char| matches!(c, '(' | ')' | '.' | '[' | ']' | '§' | ' '));
    let number = inner.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let lettered =
        inner.len() - number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit());
    !inner.is_empty()
        && inner.len() <= 8
        && (inner.chars().all(|c| c.is_ascii_digit() || c == '.')
            || inner.chars().all(|c| "ivxIVX".contains(c))
            || inner.chars().count() == 1
            || lettered)
}

fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let piece = &text[range.clone()];
    let start = range.start + (piece.len() - piece.trim_start().len());
    let end = start + piece.trim().len();
    start..end
}

/// Cuts a sentence that is too long at a semicolon, else a comma or conjunction, else a space.
fn cut(text: &str, mut range: Range<usize>) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    while range.len() > LONGEST {
        let window = &text[range.start..text.floor_char_boundary(range.start + LONGEST)];
        let at = cut_point(window).max(1);
        let at = text.ceil_char_boundary(range.start + at);
        pieces.push(trim(text, range.start..at));
        range = trim(text, at..range.end);
    }
    if !range.is_empty() {
        pieces.push(range);
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn cut_point(window: &str) -> usize {
    const BEHIND: [&[&str]; 2] = [&["; ", "؛ "], &[", ", "، "]];
    const BEFORE: [&str; 6] = [" and ", " or ", " und ", " oder ", " et ", " ou "];
    let earliest = window.len() / 4;
    let behind = |marks: &[&str]| {
        let ends = marks
            .iter()
            .filter_map(|mark| Some(window.rfind(mark)? + mark.len()));
        ends.max().filter(|&at| at > earliest)
    };
    behind(BEHIND[0])
        .or_else(|| {
            let conjunction = BEFORE.iter().filter_map(|mark| window.rfind(mark)).max();
            behind(BEHIND[1]).max(conjunction.filter(|&at| at > earliest))
        })
        .or_else(|| window.rfind(' ').filter(|&at| at > 0))
        .unwrap_or(window.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pieces<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
        split(text, language.parse().ok())
            .into_iter()
            .map(|range| &text[range])
            .collect()
    }

    #[test]
    fn sentences_do_not_end_behind_legal_abbreviations() {
        for (language, sentences) in [
            (
                "en",
                &["See Art. 9 para. 2 and No. 5 of the Act.", "The next one."][..],
            ),
            (
                "en",
                &[
                    "The Parties, e.g. Acme Inc. and others, agree.",
                    "They sign.",
                ],
            ),
            (
                "en",
                &["1. The processor shall help.", "It acts without delay."],
            ),
            (
                "fr",
                &[
                    "Voir l'art. 5, al. 2, p. ex. M. Dupont et n° 4.",
                    "La suite.",
                ],
            ),
            (
                "de",
                &[
                    "Gemäß Art. 6 Abs. 1 Nr. 2 bzw. § 5 gilt dies.",
                    "Der Rest folgt.",
                ],
            ),
            (
                "de",
                &[
                    "Das gilt z.B. am 5. Mai 2024 i.V.m. Satz 2.",
                    "Es endet danach.",
                ],
            ),
            ("de", &["Das gilt ab dem 1. Januar.", "Mehr nicht."]),
            (
                "de",
                &[
                    "(1) Er darf nichts löschen oder einschränken.",
                    "Soweit eine Person sich meldet, gilt es.",
                ],
            ),
            (
                "en",
                &["(b) Data (e.g. mail. Never more) are kept.", "They end."],
            ),
        ] {
            assert_eq!(pieces(&sentences.join(" "), language), sentences);
        }
    }

    #[test]
    fn a_long_sentence_is_cut_at_its_joints() {
        let clause = "the processor keeps a record of every transfer; ";
        let text = clause.repeat(40);
        let pieces = pieces(&text, "en");
        assert!(pieces.len() > 2);
        for piece in &pieces {
            assert!(piece.len() <= LONGEST);
            assert!(piece.ends_with(';'), "{piece}");
        }
        assert_eq!(pieces.join(" "), text.trim());
    }

    #[test]
    fn what_has_no_joint_is_cut_all_the_same() {
        let text = "é".repeat(1000);
        let pieces = pieces(&text, "fr");
        assert_eq!(pieces.concat(), text);
    }

    proptest! {
        #[test]
        fn sentences_lie_in_the_text_in_order(
            text in "([A-Za-zéß§؛ .,;()0-9\u{5d0}\u{62a}]{0,40}(Art\\. |No\\. |\\. |; )?){0,30}",
            language in "en|fr|de|ar|he|xx",
        ) {
            let mut end = 0;
            for range in split(&text, language.parse().ok()) {
                prop_assert!(range.start >= end && range.end > range.start);
                prop_assert!(range.len() <= LONGEST);
                let piece = text.get(range.clone());
                prop_assert_eq!(piece.map(str::trim), piece);
                end = range.end;
            }
        }
    }
}
