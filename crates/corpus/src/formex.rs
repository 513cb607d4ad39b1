//! Formex 4, the format of the Publications Office: consolidated acts (`CONS.ACT`) and acts of the
//! Official Journal (`ACT`).

mod body;
mod repealed;
mod words;

use std::path::Path;

use konform_terms::{Digest, Instrument, InstrumentId, Language, Nature};
use roxmltree::{Document, Node, ParsingOptions};

use self::words::words;
use crate::{error::CorpusError, labels, outline::Outline, text::Text};

/// How many elements a file may hold; the largest act of the Union has some 200,000.
const ELEMENTS: u32 = 4_000_000;
/// How deep elements may nest; real acts stay below 30.
const DEPTH: usize = 200;

/// Reads a file of which the root element is `CONS.ACT` or `ACT`.
pub(crate) fn read(
    path: &Path,
    text: &str,
    source: Digest,
) -> Result<(Text, Vec<String>), CorpusError> {
    let malformed = |line: usize, problem: String, remedy: &str| CorpusError::Malformed {
        path: path.to_owned(),
        line,
        problem,
        remedy: remedy.to_owned(),
    };
    let absent = |what: &str| {
        let remedy = "Import the file as the Publications Office gives it";
        malformed(1, what.to_owned(), remedy)
    };
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: ELEMENTS,
        ..ParsingOptions::default()
    };
    let text = repealed::without_repealed(text);
    let xml = Document::parse_with_options(&text, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => malformed(
            1,
            "it declares a document type, which konform does not read".to_owned(),
            "Remove the declaration `<!DOCTYPE …>`",
        ),
        error => {
            let line = error.pos().row as usize;
            malformed(
                line,
                format!("the XML is broken ({error})"),
                "Fetch the file again",
            )
        }
    })?;
    if let Some(node) = words::deeper_than(&xml, DEPTH) {
        let line = xml.text_pos_at(node.range().start).row as usize;
        let problem = format!("elements nest deeper than {DEPTH}");
        return Err(malformed(
            line,
            problem,
            "This is no text of law; fetch the file again",
        ));
    }
    let root = xml.root_element();
    let first = |name: &str| root.descendants().find(|node| node.has_tag_name(name));

    let language = first("LG.DOC")
        .or_else(|| first("LG.OJ"))
        .and_then(|node| node.text())
        .and_then(|code| code.trim().to_lowercase().parse::<Language>().ok())
        .ok_or_else(|| absent("no `LG.DOC` names the language"))?;
    let title = root
        .children()
        .flat_map(|node| std::iter::once(node).chain(node.children()))
        .find(|node| node.has_tag_name("TITLE"))
        .or_else(|| first("TITLE"))
        .map(words)
        .unwrap_or_default();
    let id = celex(root, &title).ok_or_else(|| absent("no number identifies the act"))?;
    let version = first("INFO.CONSLEG")
        .and_then(|node| node.attribute("START.DATE"))
        .or_else(|| first("DATE").and_then(|node| node.attribute("ISO")))
        .and_then(iso_date)
        .ok_or_else(|| absent("no date says which version this is"))?;

    let mut outline = Outline::new(language);
    body::read(root, &mut outline);
    if !outline.has_units() {
        return Err(absent("there is no article in it"));
    }
    let (provisions, warnings) = outline.finish();
    let instrument = Instrument {
        short_title: labels::short_title(&id, language),
        id: InstrumentId(id),
        language,
        version,
        title,
        nature: Nature::Official,
        format: "formex".to_owned(),
        source,
    };
    Ok((Text::new(instrument, provisions), warnings))
}

/// The CELEX number of the act: stated, or made of the number, year and kind of the act.
fn celex(root: Node<'_, '_>, title: &str) -> Option<String> {
    let stated = root
        .descendants()
        .find(|node| node.has_tag_name("NO.CELEX"));
    let stated = stated.and_then(|node| node.text()).map(str::trim);
    if let Some(number) = stated.filter(|number| is_name(number)) {
        return Some(number.to_owned());
    }
    let number = root
        .descendants()
        .find(|node| node.has_tag_name("NO.DOC"))?;
    let part = |name: &str| {
        let node = number.descendants().find(|node| node.has_tag_name(name))?;
        node.text().and_then(|text| text.trim().parse::<u32>().ok())
    };
    let title = title.to_lowercase();
    let begins = |kinds: &[&str]| kinds.iter().any(|kind| title.starts_with(kind));
    let kind = if begins(&["directive", "richtlinie"]) {
        'L'
    } else if begins(&["decision", "décision", "beschluss"]) {
        'D'
    } else {
        'R'
    };
    Some(format!(
        "3{:04}{kind}{:04}",
        part("YEAR")?,
        part("NO.CURRENT")?
    ))
}

/// Whether a text can be an identifier in addresses and file names.
fn is_name(text: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '(' | ')' | '-');
    !text.is_empty() && text.chars().all(fine)
}

fn iso_date(digits: &str) -> Option<String> {
    let fine = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    fine.then(|| format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]))
}

#[cfg(test)]
mod tests;
