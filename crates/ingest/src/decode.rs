use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use konform_terms::{Warning, WarningKind};

use crate::sniff::find;

/// Bytes as text, and whether the encoding was a guess.
pub(crate) struct Decoded {
    pub(crate) text: String,
    note: Option<String>,
}

impl Decoded {
    pub(crate) fn warning(self) -> Option<Warning> {
        self.note.map(|message| Warning {
            kind: WarningKind::Note,
            message,
        })
    }
}

/// Decodes plain text: by byte order mark, as UTF-8, else as Windows-1252 with a warning.
pub(crate) fn plain(bytes: &[u8]) -> Decoded {
    decode(bytes, None)
}

/// Decodes HTML: by byte order mark, by what its head declares, as UTF-8, else as Windows-1252.
pub(crate) fn markup(bytes: &[u8]) -> Decoded {
    let head = &bytes[..bytes.len().min(2048)];
    decode(bytes, declared(head))
}

fn decode(bytes: &[u8], declared: Option<&'static Encoding>) -> Decoded {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        let (text, broken) = encoding.decode_with_bom_removal(bytes);
        return Decoded {
            text: text.into_owned(),
            note: broken
                .then(|| format!("some bytes are not {}; they were replaced", encoding.name())),
        };
    }
    if let Some(text) = UTF_8.decode_without_bom_handling_and_without_replacement(bytes) {
        return Decoded {
            text: text.into_owned(),
            note: None,
        };
    }
    let guess = declared.filter(|&encoding| encoding != UTF_8);
    let encoding = guess.unwrap_or(WINDOWS_1252);
    let (text, broken) = encoding.decode_without_bom_handling(bytes);
    let name = encoding.name();
    Decoded {
        text: text.into_owned(),
        note: if guess.is_none() {
            Some(format!(
                "the text is not UTF-8 and was read as {name}; if letters look wrong, save it as UTF-8"
            ))
        } else {
            broken.then(|| format!("some bytes are not {name}; they were replaced"))
        },
    }
}

/// The encoding that an HTML head or an XML declaration names.
fn declared(head: &[u8]) -> Option<&'static Encoding> {
    let lower = head.to_ascii_lowercase();
    [&b"charset"[..], b"encoding"].into_iter().find_map(|key| {
        let rest = &lower[find(&lower, key)? + key.len()..];
        let value: Vec<u8> = rest
            .iter()
            .copied()
            .skip_while(|byte| matches!(byte, b'=' | b'"' | b'\'' | b' '))
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            .collect();
        // A declaration that could be read as ASCII is not UTF-16, whatever it says.
        Encoding::for_label(&value).filter(|encoding| encoding.is_ascii_compatible())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_by_mark_by_declaration_or_by_guess() {
        let utf16: Vec<u8> = "\u{feff}é"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        for (bytes, want, guessed) in [
            (&b"\xc3\xa9"[..], "é", false),
            (b"\xef\xbb\xbf\xc3\xa9", "é", false),
            (&utf16, "é", false),
            (b"\xe9 \x80", "é €", true),
        ] {
            let decoded = plain(bytes);
            assert_eq!(
                (decoded.text.as_str(), decoded.note.is_some()),
                (want, guessed)
            );
        }
        let arabic = markup(b"<meta charset=\"windows-1256\">\xe3");
        assert!(arabic.text.ends_with('م'), "{}", arabic.text);
    }
}
