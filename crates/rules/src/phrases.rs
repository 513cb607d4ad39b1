use regex::{Regex, RegexBuilder};

/// The memory that one compiled pattern may take, in bytes.
const SIZE: usize = 4 << 20;

/// Compiles a pattern as packs mean it: case and line breaks disregarded.
pub(crate) fn pattern(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .dot_matches_new_line(true)
        .size_limit(SIZE)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let last = text
                .lines()
                .rfind(|line| !line.trim().is_empty())
                .unwrap_or(&text);
            format!(
                "the pattern `{pattern}` cannot be compiled: {}",
                last.trim()
            )
        })
}

/// Compiles a phrase: whole words, any white space between them, typographic and plain quotes and
/// hyphens alike; `*` at an end allows a longer word.
pub(crate) fn phrase(phrase: &str) -> Result<Regex, String> {
    let (open_start, rest) = match phrase.trim().strip_prefix('*') {
        Some(rest) => (true, rest),
        None => (false, phrase.trim()),
    };
    let (open_end, words) = match rest.strip_suffix('*') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    if words.trim().is_empty() {
        return Err("an empty phrase would be found everywhere".to_owned());
    }
    let mut source = String::new();
    let word_edge = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    if open_start {
        source.push_str(r"\w*");
    } else if word_edge(words.chars().next()) {
        source.push_str(r"\b");
    }
    let mut white = false;
    for character in words.chars() {
        if character.is_whitespace() {
            white = true;
            continue;
        }
        if std::mem::take(&mut white) {
            source.push_str(r"\s+");
        }
        match character {
            '*' => source.push_str(r"\w*"),
            '\'' | '’' | '‘' => source.push_str("['’‘]"),
            '"' | '“' | '”' | '„' | '«' | '»' => source.push_str("[\"“”„«»]"),
            '-' | '‐' | '‑' | '–' => source.push_str("[-‐‑–]"),
            other => source.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    if open_end {
        source.push_str(r"\w*");
    } else if word_edge(words.chars().next_back()) {
        source.push_str(r"\b");
    }
    pattern(&source)
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn case(phrase: &str, text: &str, found: Option<&str>) {
        let regex = super::phrase(phrase).unwrap();
        assert_eq!(regex.find(text).map(|hit| hit.as_str()), found, "{phrase}");
    }

    #[test]
    fn phrases_are_whole_words_over_any_white_space() {
        case("tax", "the taxi", None);
        case("tax", "the Tax.", Some("Tax"));
        case(
            "supervisory authority",
            "the Supervisory\n\u{a0}Authority",
            Some("Supervisory\n\u{a0}Authority"),
        );
        case("l'accord", "de l’accord", Some("l’accord"));
        case(
            "sub-processor*",
            "its sub‑processors",
            Some("sub‑processors"),
        );
        case("löschung*", "Die Löschungsfrist", Some("Löschungsfrist"));
        case(
            "*aufsichtsbehörde",
            "Landesaufsichtsbehörde",
            Some("Landesaufsichtsbehörde"),
        );
        case(
            "délégué* à la protection",
            "Déléguée à la protection",
            Some("Déléguée à la protection"),
        );
        assert!(super::phrase(" * ").is_err());
    }
}
