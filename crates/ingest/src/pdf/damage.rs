//! Signs that a PDF was cut off or changed. A reader repairs such a file in silence and gives a
//! shorter text, so the signs are looked for before anything is read.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;
use hayro_syntax::{
    Filter, Pdf,
    object::{Array, Dict, Stream},
};
use konform_terms::UnreadableReason;

use crate::{Limits, error::Refusal, limits::megabytes, sniff::find};

/// Signs in the bytes of the file: its end, and the table of its objects.
pub(super) fn of_file(bytes: &[u8]) -> Vec<String> {
    let tail = &bytes[bytes.len().saturating_sub(2048)..];
    if find(tail, b"%%EOF").is_none() {
        return vec!["its end is missing".into()];
    }
    let Some(table) = table_offset(tail) else {
        return vec!["it does not say where the table of its objects is".into()];
    };
    // Offsets count from the header, which may stand behind other bytes.
    let header = find(&bytes[..bytes.len().min(1024)], b"%PDF-").unwrap_or_default();
    let at = [table, table + header]
        .into_iter()
        .filter_map(|at| bytes.get(at..))
        .map(<[u8]>::trim_ascii_start)
        .find(|rest| rest.starts_with(b"xref") || is_object(rest));
    match at {
        None => vec!["the table of its objects is not where the file says".into()],
        Some(rest) if rest.starts_with(b"xref") => {
            let misplaced = misplaced_objects(bytes, header, rest);
            if misplaced > 0 {
                vec![format!(
                    "{misplaced} of its objects are not where its table says"
                )]
            } else {
                Vec::new()
            }
        }
        Some(_) => Vec::new(),
    }
}

fn table_offset(tail: &[u8]) -> Option<usize> {
    let at = tail.windows(9).rposition(|window| window == b"startxref")?;
    number(tail[at + 9..].trim_ascii_start()).map(|(offset, _)| offset)
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let digits = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let number = std::str::from_utf8(&bytes[..digits]).ok()?.parse().ok()?;
    Some((number, bytes[digits..].trim_ascii_start()))
}

/// Whether bytes begin as an object does: `12 0 obj`.
fn is_object(bytes: &[u8]) -> bool {
    number(bytes)
        .and_then(|(_, rest)| number(rest))
        .is_some_and(|(_, rest)| rest.starts_with(b"obj"))
}

/// Counts the entries of a classical table that do not lead to an object.
fn misplaced_objects(bytes: &[u8], header: usize, table: &[u8]) -> usize {
    let mut rest = table[4..].trim_ascii_start();
    let mut misplaced = 0;
    while let Some((_, after)) = number(rest) {
        let Some((count, mut entries)) = number(after) else {
            break;
        };
        for _ in 0..count {
            let Some((offset, after)) = number(entries) else {
                return misplaced + 1;
            };
            let Some((_, after)) = number(after) else {
                return misplaced + 1;
            };
            let in_use = after.first() == Some(&b'n');
            let found = |at: usize| {
                let rest = bytes.get(at..).map(<[u8]>::trim_ascii_start);
                rest.is_some_and(is_object)
            };
            if in_use && offset > 0 && !found(offset) && !found(offset + header) {
                misplaced += 1;
            }
            entries = after.get(1..).unwrap_or_default().trim_ascii_start();
        }
        rest = entries;
    }
    misplaced
}

/// Signs in the pages: fewer than are promised, or content that does not unpack to its end. Refuses
/// content that unpacks to more than the limit, before it takes the memory.
pub(super) fn of_pages(pdf: &Pdf, limits: &Limits) -> Result<Vec<String>, Refusal> {
    let mut signs = Vec::new();
    let found = pdf.pages().len();
    let promised = pdf
        .xref()
        .get::<Dict<'_>>(pdf.xref().root_id())
        .and_then(|root| root.get::<Dict<'_>>(b"Pages"))
        .and_then(|pages| pages.get::<i32>(b"Count"));
    match promised {
        Some(promised) if usize::try_from(promised).ok() != Some(found) => {
            signs.push(format!("{found} of {promised} pages were found"));
        }
        None => signs.push("it does not say how many pages it has".into()),
        Some(_) => {}
    }
    let mut broken = Vec::new();
    for (page, number) in pdf.pages().iter().zip(1_u32..) {
        let raw = page.raw();
        let streams: Vec<Stream<'_>> = match raw.get::<Array<'_>>(b"Contents") {
            Some(array) => array.iter::<Stream<'_>>().collect(),
            None => raw.get::<Stream<'_>>(b"Contents").into_iter().collect(),
        };
        let lost = streams.is_empty()
            && raw.contains_key(b"Contents")
            && raw
                .get::<Array<'_>>(b"Contents")
                .is_none_or(|array| array.raw_iter().next().is_some());
        let mut whole = !lost;
        for stream in &streams {
            whole &= is_whole(stream, number, limits)?;
        }
        if !whole {
            broken.push(number);
        }
    }
    if !broken.is_empty() {
        signs.push(format!(
            "the content of {} is incomplete",
            super::page_list(&broken)
        ));
    }
    Ok(signs)
}

/// Whether a stream unpacks to its end, as far as that can be told without keeping it.
fn is_whole(stream: &Stream<'_>, page: u32, limits: &Limits) -> Result<bool, Refusal> {
    let filters = stream.filters();
    if filters.as_slice() != [Filter::FlateDecode] {
        return Ok(filters.is_empty() || stream.decoded_data().is_ok());
    }
    let raw = stream.raw_data();
    let mut unpacked = ZlibDecoder::new(raw.as_ref()).take(limits.unpacked_bytes + 1);
    match io::copy(&mut unpacked, &mut io::sink()) {
        Ok(length) if length > limits.unpacked_bytes => Err(Refusal::new(
            UnreadableReason::TooLarge,
            format!(
                "the content of page {page} unfolds to more than the limit of {}; print the document to a new PDF, or raise the limit",
                megabytes(limits.unpacked_bytes)
            ),
        )),
        Ok(_) => Ok(true),
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_its_end_is_damaged() {
        let whole = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\nxref\n0 2\n0000000000 65535 f \n0000000009 00000 n \n\
            trailer\n<<>>\nstartxref\n29\n%%EOF\n";
        assert_eq!(of_file(whole), [""; 0]);
        assert_eq!(of_file(&whole[..whole.len() - 8]).len(), 1);
        let moved = [b"%PDF-1.4\nxxxx", &whole[9..]].concat();
        assert_eq!(of_file(&moved).len(), 1);
        let junk_before = [b"mail header\n", &whole[..]].concat();
        assert_eq!(of_file(&junk_before), [""; 0]);
        let wrong = String::from_utf8(whole.to_vec())
            .unwrap()
            .replace("000009 ", "000019 ");
        assert_eq!(
            of_file(wrong.as_bytes()),
            ["1 of its objects are not where its table says"]
        );
    }
}
