use crate::draft::{BlockKind, Draft};

/// Reads plain text: paragraphs by blank lines and by how full the lines are.
pub(crate) fn read(text: &str, draft: &mut Draft) {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{c}'], "\n");
    let lines: Vec<&str> = text.lines().collect();
    let width = wrap_width(&lines);
    for paragraph in lines.split(|line| line.trim().is_empty()) {
        let mut open: Vec<&str> = Vec::new();
        for (index, line) in paragraph.iter().enumerate() {
            let begins = index == 0
                || marker(line).is_some()
                || !wraps(paragraph[index - 1], line, width)
                || heading_level(paragraph[index - 1]).is_some() && open.len() == 1;
            if begins {
                close(&mut open, draft);
            }
            open.push(line.trim());
        }
        close(&mut open, draft);
    }
}

/// The width at which the lines of a text were wrapped by hand; nothing where they were not.
fn wrap_width(lines: &[&str]) -> Option<usize> {
    let mut lengths: Vec<usize> = lines
        .iter()
        .map(|line| line.trim_end().chars().count())
        .filter(|&length| length > 0)
        .collect();
    lengths.sort_unstable();
    let width = *lengths.get(lengths.len() * 9 / 10)?;
    (40..=130).contains(&width).then_some(width)
}

/// Whether a line goes on in the next one.
fn wraps(line: &str, next: &str, width: Option<usize>) -> bool {
    let next_begins_low = next.trim_start().starts_with(char::is_lowercase);
    let Some(width) = width else {
        return next_begins_low && !line.trim_end().ends_with(['.', ':', ';']);
    };
    let first_word = next.split_whitespace().next().unwrap_or_default();
    // It is full when the next word would not have fitted.
    let length = line.trim_end().chars().count();
    next_begins_low || length + 1 + first_word.chars().count() > width * 9 / 10
}

fn close(open: &mut Vec<&str>, draft: &mut Draft) {
    let text = open
        .iter()
        .fold(String::new(), |text, line| join(text, line));
    let kind = match (heading_level(&text), marker(&text)) {
        (Some(level), _) => BlockKind::Heading(level),
        (None, Some(_)) => BlockKind::Item,
        (None, None) => BlockKind::Paragraph,
    };
    draft.push(kind, &text);
    open.clear();
}

/// Joins a line to a paragraph; a word that was divided at the line's end is made whole.
pub(crate) fn join(mut text: String, line: &str) -> String {
    if text.is_empty() {
        return line.to_owned();
    }
    let before = text.trim_end_matches(['-', '\u{2010}', '\u{ad}']);
    let divided = before.len() < text.len() && before.ends_with(char::is_alphabetic);
    if !divided {
        text.push(' ');
    } else if line.starts_with(char::is_lowercase) {
        if begins_with_conjunction(line) {
            text.push(' ');
        } else {
            text.truncate(before.len());
        }
    }
    text.push_str(line);
    text
}

/// Whether a hyphen before these words stands for a part that is left out: `Auf- und Abbau`.
pub(crate) fn begins_with_conjunction(line: &str) -> bool {
    let word = line
        .split(|c: char| !c.is_alphabetic())
        .next()
        .unwrap_or_default();
    matches!(
        word,
        "und" | "oder" | "bzw" | "sowie" | "and" | "or" | "et" | "ou" | "to"
    )
}

/// The mark with which an item of a list begins, if the line has one.
pub(crate) fn marker(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let (mark, rest) = line.split_once(char::is_whitespace)?;
    if rest.trim().is_empty() {
        return None;
    }
    let bullet = matches!(
        mark,
        "-" | "–" | "—" | "•" | "*" | "o" | "·" | "▪" | "‣" | "◦" | "" | "➢" | "■" | "●"
    );
    let inner = mark.trim_matches(['(', ')', '.', '[', ']']);
    let closed = mark.ends_with([')', '.', ']']) && !inner.is_empty();
    let counted = closed
        && (inner.len() <= 3 && inner.chars().all(|c| c.is_ascii_digit())
            || inner.chars().all(|c| "ivxIVX".contains(c)) && inner.len() <= 5
            || inner.chars().count() == 1 && inner.chars().all(char::is_alphabetic));
    let depth = inner.split('.').count();
    let numbered = depth > 1
        && depth <= 5
        && inner.split('.').all(|part| {
            !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit())
        });
    (bullet || counted || numbered).then_some(mark)
}

/// The level of a line that reads like a heading: short, no full stop, and numbered, in capitals, or
/// begun with the word for a division of a law or contract.
pub(crate) fn heading_level(line: &str) -> Option<u8> {
    const DIVISIONS: [(&str, u8); 26] = [
        ("annex", 1),
        ("anhang", 1),
        ("anlage", 1),
        ("annexe", 1),
        ("appendix", 1),
        ("schedule", 1),
        ("part", 1),
        ("teil", 1),
        ("partie", 1),
        ("title", 1),
        ("titel", 1),
        ("titre", 1),
        ("chapter", 1),
        ("kapitel", 1),
        ("chapitre", 1),
        ("section", 2),
        ("abschnitt", 2),
        ("exhibit", 1),
        ("article", 2),
        ("artikel", 2),
        ("art", 2),
        ("§", 2),
        ("clause", 2),
        ("ziffer", 2),
        ("module", 1),
        ("recitals", 1),
    ];
    let line = line.trim();
    let length = line.chars().count();
    if !(3..=90).contains(&length) || line.ends_with(['.', ';', ',', ':', '?', '!']) {
        return None;
    }
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    if letters * 2 < length && !line.starts_with('§') {
        return None;
    }
    let lower = line.to_lowercase();
    let first = lower.split([' ', '.']).next().unwrap_or_default();
    let second = lower
        .split([' ', '.'])
        .find(|word| !word.is_empty() && *word != first);
    if let Some((_, level)) = DIVISIONS.iter().find(|(word, _)| *word == first) {
        let counted = second.is_some_and(|word| {
            word.starts_with(|c: char| c.is_ascii_digit())
                || word.len() <= 4 && word.chars().all(|c| "ivxlc".contains(c))
                || word.chars().count() == 1
        });
        // "Section 5 applies to" is the middle of a sentence; "Section 5 Liability" is a heading.
        let rest: Vec<&str> = line.split_whitespace().skip(2).collect();
        let title = rest
            .first()
            .is_none_or(|word| !word.starts_with(char::is_lowercase));
        if counted && title && rest.len() <= 10 {
            return Some(*level);
        }
    }
    let capitals = line.chars().all(|c| !c.is_lowercase());
    if capitals && letters >= 4 {
        return Some(1);
    }
    let mark = marker(line)?;
    let title = &line[mark.len()..].trim_start();
    let inner = mark.trim_matches(['(', ')', '.']);
    let numbered = inner
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let words = title.split_whitespace().count();
    let depth = u8::try_from(inner.split('.').count()).unwrap_or(1);
    (numbered && !mark.starts_with('(') && words <= 8 && title.starts_with(char::is_uppercase))
        .then_some(depth.min(5) + 1)
}

#[cfg(test)]
mod tests {
    use konform_terms::Format;

    use super::*;

    fn blocks(text: &str) -> String {
        let mut draft = Draft::new(Format::Text);
        read(text, &mut draft);
        let lines = draft
            .blocks
            .iter()
            .map(|block| format!("{:?}: {}", block.kind, block.text));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn wrapped_lines_are_joined_and_headings_found() {
        let text = "PRIVACY NOTICE\r\n\r\n\
            1. Who we are\r\n\
            We are a company that makes instruments for laboratories, and we are the con-\r\n\
            troller of the data that you give to us when you order something on our site.\r\n\
            Short end.\r\n\
            (a) an item of a list that is so long that it has to be wrapped once, at least at\r\n\
            this width of lines\r\n\
            (b) another\r\n";
        insta::assert_snapshot!(blocks(text), @r#"
        Heading(1): PRIVACY NOTICE
        Heading(2): 1. Who we are
        Paragraph: We are a company that makes instruments for laboratories, and we are the controller of the data that you give to us when you order something on our site. Short end.
        Item: (a) an item of a list that is so long that it has to be wrapped once, at least at this width of lines
        Item: (b) another
        "#);
    }

    #[test]
    fn lines_that_are_not_wrapped_are_paragraphs() {
        let long =
            "We do not sell personal information to third parties for their marketing. ".repeat(4);
        let text = format!("{long}\nWe collect information.\n{long}");
        assert_eq!(blocks(&text).lines().count(), 3);
    }

    #[test]
    fn headings_are_told_from_sentences() {
        for (line, want) in [
            ("PRIVACY NOTICE", Some(1)),
            ("Article 12 Record-keeping", Some(2)),
            ("Section 5 applies to", None),
            ("§ 5 Haftung", Some(2)),
            ("2.1 Liability", Some(3)),
            ("1. The processor shall help.", None),
            ("We are here", None),
            ("ANNEX II", Some(1)),
            ("2024", None),
        ] {
            assert_eq!(heading_level(line), want, "{line}");
        }
    }

    #[test]
    fn divided_words_are_made_whole() {
        for (text, line, want) in [
            ("Verarbei-", "tung", "Verarbeitung"),
            ("EU-", "Kommission", "EU-Kommission"),
            ("Auf-", "und Abbau", "Auf- und Abbau"),
            ("word –", "next", "word – next"),
            ("one", "two", "one two"),
            ("", "two", "two"),
        ] {
            assert_eq!(join(text.to_owned(), line), want);
        }
    }
}
