use std::{ffi::OsStr, io::Cursor, path::Path};

use crate::{Limits, docx};

/// What a file holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Pdf,
    Docx,
    Html,
    Markdown,
    Text,
    /// An office document under a password.
    Encrypted,
    /// Not what its name says; cause and remedy.
    Broken(String),
    /// A format that is not read, by its name.
    Other(String),
}

/// Tells what a file holds, by its bytes first and by its name where they leave it open.
pub(crate) fn content(bytes: &[u8], path: &Path, limits: &Limits) -> Content {
    let extension = path
        .extension()
        .and_then(OsStr::to_str)
        .unwrap_or_default()
        .to_lowercase();
    let head = &bytes[..bytes.len().min(1024)];
    if find(head, b"%PDF-").is_some() {
        return Content::Pdf;
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return zip(bytes, &extension, limits);
    }
    if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return compound_file(bytes);
    }
    match extension.as_str() {
        "pdf" => {
            return Content::Broken(
                "the file does not begin as a PDF does; get a fresh copy, or give it the name of what it is".into(),
            );
        }
        "docx" | "docm" | "dotx" => {
            return Content::Broken(
                "the file is no zip archive, as a DOCX is; get a fresh copy, or save it again as DOCX".into(),
            );
        }
        _ => {}
    }
    if is_binary(bytes) {
        return Content::Other(named(&extension, "binary data"));
    }
    if head.starts_with(b"{\\rtf") {
        return Content::Other("RTF".into());
    }
    let start = String::from_utf8_lossy(head)
        .replace('\0', "")
        .to_lowercase();
    let start =
        start.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{fffd}');
    let is_html = start.starts_with("<!doctype html")
        || start.starts_with("<html")
        || (start.starts_with("<?xml") || start.starts_with("<!--")) && start.contains("<html");
    match extension.as_str() {
        "html" | "htm" | "xhtml" | "xht" => Content::Html,
        _ if is_html => Content::Html,
        "md" | "markdown" | "mdown" | "mkd" => Content::Markdown,
        "txt" | "text" | "" => Content::Text,
        other => Content::Other(named(other, "")),
    }
}

fn named(extension: &str, otherwise: &str) -> String {
    if extension.is_empty() {
        otherwise.to_owned()
    } else {
        format!("`.{extension}`")
    }
}

fn zip(bytes: &[u8], extension: &str, limits: &Limits) -> Content {
    let is_docx = matches!(extension, "docx" | "docm" | "dotx");
    let opened = zip::ZipArchive::new(Cursor::new(bytes))
        .map(|mut archive| docx::main_part(&mut archive, limits).is_some());
    match opened {
        Ok(true) => Content::Docx,
        Ok(_) if is_docx => Content::Broken(
            "the archive holds no Word document; get a fresh copy, or save it again as DOCX".into(),
        ),
        Err(_) if is_docx => Content::Broken(
            "the DOCX is cut off or its archive is broken; get a fresh copy, or open it in a word processor and save it again".into(),
        ),
        _ => Content::Other(named(extension, "a zip archive")),
    }
}

/// Tells apart what comes in Microsoft's old container: documents under a password, and old formats.
fn compound_file(bytes: &[u8]) -> Content {
    let encrypted: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    if find(bytes, &encrypted).is_some() {
        Content::Encrypted
    } else {
        Content::Other("the old binary format of Office (`.doc`, `.xls`, `.msg`)".into())
    }
}

/// Whether the bytes are no text in any encoding that is read.
fn is_binary(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return false;
    }
    let head = &bytes[..bytes.len().min(8192)];
    let odd = head
        .iter()
        .filter(|&&byte| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
        .count();
    head.contains(&0) || odd * 50 > head.len()
}

/// The offset of the first occurrence of some bytes.
pub(crate) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_goes_before_name() {
        let other = |what: &str| Content::Other(what.into());
        for (bytes, name, want) in [
            (&b"%PDF-1.7 ..."[..], "a.txt", Content::Pdf),
            (b"junk\n%PDF-1.4", "a", Content::Pdf),
            (b"<!DOCTYPE html><p>", "a", Content::Html),
            (
                b"<?xml version='1.0'?>\n<html xmlns='x'>",
                "a.xml",
                Content::Html,
            ),
            (b"plain", "a.htm", Content::Html),
            (b"# a", "a.MD", Content::Markdown),
            (b"words", "README", Content::Text),
            (b"\xff\xfea\0b\0", "a.txt", Content::Text),
            (b"{}", "a.json", other("`.json`")),
            (b"\x89PNG\r\n\x1a\n\0\0", "a.png", other("`.png`")),
            (b"\x89PNG\r\n\x1a\n\0\0", "a.txt", other("`.txt`")),
            (b"{\\rtf1 a}", "a.txt", other("RTF")),
            (b"\0\x01\x02", "a", other("binary data")),
        ] {
            assert_eq!(
                content(bytes, Path::new(name), &Limits::default()),
                want,
                "{name}"
            );
        }
    }

    #[test]
    fn a_name_that_lies_is_a_broken_file() {
        for (bytes, name) in [
            (&b"hello"[..], "a.pdf"),
            (b"hello", "a.docx"),
            (b"PK\x03\x04 cut", "a.docx"),
        ] {
            let content = content(bytes, Path::new(name), &Limits::default());
            assert!(matches!(content, Content::Broken(_)), "{name}: {content:?}");
        }
    }

    #[test]
    fn a_password_on_an_office_document_shows_in_its_container() {
        let mut bytes = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
        assert!(matches!(compound_file(&bytes), Content::Other(_)));
        bytes.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(
            content(&bytes, Path::new("a.docx"), &Limits::default()),
            Content::Encrypted
        );
    }
}
