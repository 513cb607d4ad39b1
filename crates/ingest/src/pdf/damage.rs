//! Signs that a PDF was cut off or changed. A reader repairs such a file in silence and gives a
//! shorter text, so the signs are looked for before anything is read.

use std::{
    collections::BTreeSet,
    io::{self, Read},
};

use flate2::read::ZlibDecoder;
use hayro_syntax::{
    Filter, Pdf,
    object::{Array, Dict, Name, Object, Stream},
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
    let mut seen = BTreeSet::new();
    for (page, number) in pdf.pages().iter().zip(1_u32..) {
        let raw = page.raw();
        let streams: Vec<Stream<'_>> = match raw.get::<Array<'_>>(b"Contents") {
            Some(array) => array.iter::<Stream<'_>>().collect(),
            None => raw.get::<Stream<'_>>(b"Contents").into_iter().collect(),
        };
        let is_empty = |array: Array<'_>| array.raw_iter().next().is_none();
        let lost = streams.is_empty()
            && raw.contains_key(b"Contents")
            && !raw.get::<Array<'_>>(b"Contents").is_some_and(is_empty);
        let mut whole = !lost;
        for stream in &streams {
            if seen.insert(key(stream)) {
                whole &= is_whole(stream, &format!("the content of page {number}"), limits)?;
            }
        }
        if !whole {
            broken.push(number);
        }
    }
    if !broken.is_empty() {
        let pages = super::page_list(&broken);
        signs.push(format!("the content of {pages} is incomplete"));
    }
    let mut others = 0_usize;
    for stream in pdf.objects().into_iter().filter_map(Object::into_stream) {
        // A picture that is broken costs no text.
        let picture = stream.dict().get::<Name<'_>>(b"Subtype");
        let is_picture = picture.is_some_and(|name| *name == *b"Image");
        if !is_picture
            && seen.insert(key(&stream))
            && !is_whole(&stream, "a part of the PDF", limits)?
        {
            others += 1;
        }
    }
    if others > 0 {
        signs.push(format!(
            "{} incomplete",
            super::plural(others, "other part")
        ));
    }
    Ok(signs)
}

fn key(stream: &Stream<'_>) -> (u32, i32) {
    let id = stream.obj_id();
    (id.obj_number, id.gen_number)
}

/// Whether a stream unpacks to its end. The reader is lenient and gives what it has until then, so
/// the checksum is looked at here.
fn is_whole(stream: &Stream<'_>, place: &str, limits: &Limits) -> Result<bool, Refusal> {
    let raw = stream.raw_data();
    let data = match stream.filters().as_slice() {
        [] => return Ok(true),
        [Filter::FlateDecode] => raw,
        [Filter::Ascii85Decode, Filter::FlateDecode] => match ascii_85(&raw) {
            Some(data) => data.into(),
            None => return Ok(false),
        },
        [Filter::AsciiHexDecode, Filter::FlateDecode] => match ascii_hex(&raw) {
            Some(data) => data.into(),
            None => return Ok(false),
        },
        _ => return Ok(stream.decoded_data().is_ok()),
    };
    let mut unpacked = ZlibDecoder::new(data.as_ref()).take(limits.unpacked_bytes + 1);
    match io::copy(&mut unpacked, &mut io::sink()) {
        Ok(length) if length > limits.unpacked_bytes => Err(Refusal::new(
            UnreadableReason::TooLarge,
            format!(
                "{place} unfolds to more than the limit of {}; print the document to a new PDF, or raise the limit",
                megabytes(limits.unpacked_bytes)
            ),
        )),
        Ok(_) => Ok(true),
        Err(_) => Ok(false),
    }
}

/// Decodes base 85; nothing where a character or the end mark is wrong.
fn ascii_85(data: &[u8]) -> Option<Vec<u8>> {
    let end = find(data, b"~>")?;
    let mut bytes = Vec::with_capacity(end * 4 / 5);
    let mut group: Vec<u32> = Vec::with_capacity(5);
    let mut close = |group: &mut Vec<u32>, length: usize| {
        group.resize(5, 84);
        let value = group.iter().try_fold(0_u32, |value, digit| {
            value.checked_mul(85)?.checked_add(*digit)
        })?;
        bytes.extend_from_slice(&value.to_be_bytes()[..length]);
        group.clear();
        Some(())
    };
    for &byte in &data[..end] {
        match byte {
            b'z' if group.is_empty() => {
                group.resize(5, 0);
                close(&mut group, 4)?;
            }
            b'!'..=b'u' => {
                group.push(u32::from(byte - b'!'));
                if group.len() == 5 {
                    close(&mut group, 4)?;
                }
            }
            byte if byte.is_ascii_whitespace() || byte == 0 => {}
            _ => return None,
        }
    }
    match group.len() {
        0 => {}
        1 => return None,
        digits => close(&mut group, digits - 1)?,
    }
    Some(bytes)
}

/// Decodes hexadecimal digits; nothing where a character or the end mark is wrong.
fn ascii_hex(data: &[u8]) -> Option<Vec<u8>> {
    let end = find(data, b">")?;
    let digits: Vec<u8> = data[..end]
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|&byte| {
            char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect::<Option<_>>()?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or_default())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_encodings_of_bytes_are_read_strictly() {
        assert_eq!(
            ascii_85(b"87cURD]i,\"Ebo80~>").as_deref(),
            Some(&b"Hello World!"[..])
        );
        assert_eq!(ascii_85(b"87cUR\nDZ~>").as_deref(), Some(&b"Hello"[..]));
        assert_eq!(ascii_85(b"z~>").as_deref(), Some(&[0; 4][..]));
        for wrong in [&b"87cUR"[..], b"87c\x7f~>", b"8~>", b"uuuuu~>"] {
            assert_eq!(ascii_85(wrong), None, "{wrong:?}");
        }
        assert_eq!(ascii_hex(b"48 6>").as_deref(), Some(&b"H`"[..]));
        assert_eq!(ascii_hex(b"48"), None);
    }

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
