use std::{fs, io::Read, path::Path};

use konform_terms::{Digest, Document, Format, Unreadable, UnreadableReason};

use crate::{
    FORMATS, Limits, compose, decode, docx,
    draft::Draft,
    error::Refusal,
    html,
    limits::megabytes,
    markdown, pdf,
    sniff::{self, Content},
    text,
};

/// Reads one file in this process.
///
/// `shown` is the path as it stands in findings. The content decides on the format, the name only
/// where the content leaves it open.
///
/// # Errors
/// An [`Unreadable`] with the reason and the remedy, for everything that keeps a file from being
/// read; that includes a file system that refuses.
pub fn read(path: &Path, shown: &str, limits: &Limits) -> Result<Document, Unreadable> {
    let mut digest = None;
    read_bytes(path, limits)
        .and_then(|bytes| {
            let of_bytes = Digest::of(&bytes);
            digest = Some(of_bytes);
            let draft = draft(bytes, path, limits)?;
            compose::compose(draft, shown, of_bytes)
        })
        .map_err(|refusal| Unreadable {
            path: shown.to_owned(),
            digest,
            reason: refusal.reason,
            detail: refusal.detail,
        })
}

/// Reads the bytes of a file, and no more than the limit.
pub(crate) fn read_bytes(path: &Path, limits: &Limits) -> Result<Vec<u8>, Refusal> {
    let io = |error: std::io::Error| {
        Refusal::new(
            UnreadableReason::Io,
            format!(
                "the file cannot be opened ({error}); check that it exists and that you may read it"
            ),
        )
    };
    let too_large = || {
        Refusal::new(
            UnreadableReason::TooLarge,
            format!(
                "the file is larger than the limit of {}; split it, or raise the limit",
                megabytes(limits.file_bytes)
            ),
        )
    };
    let metadata = fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        return Err(Refusal::new(
            UnreadableReason::Unsupported,
            "this is not a regular file; name a file",
        ));
    }
    if metadata.len() > limits.file_bytes {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(io)?;
    file.take(limits.file_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > limits.file_bytes {
        return Err(too_large());
    }
    Ok(bytes)
}

fn draft(bytes: Vec<u8>, path: &Path, limits: &Limits) -> Result<Draft, Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::new(
            UnreadableReason::Empty,
            "the file holds no bytes; get a fresh copy",
        ));
    }
    match sniff::content(&bytes, path, limits) {
        Content::Pdf => pdf::read(bytes, limits),
        Content::Docx => docx::read(&bytes, limits),
        Content::Html => {
            let decoded = decode::markup(&bytes);
            let mut draft = html::read(&decoded.text, limits)?;
            draft.warnings.extend(decoded.warning());
            Ok(draft)
        }
        Content::Markdown => {
            let decoded = decode::plain(&bytes);
            let mut draft = markdown::read(&decoded.text, limits);
            draft.warnings.extend(decoded.warning());
            Ok(draft)
        }
        Content::Text => {
            let decoded = decode::plain(&bytes);
            let mut draft = Draft::new(Format::Text);
            text::read(&decoded.text, &mut draft);
            draft.warnings.extend(decoded.warning());
            Ok(draft)
        }
        Content::Encrypted => Err(Refusal::new(
            UnreadableReason::Encrypted,
            "the document asks for a password; save a copy without one and check that",
        )),
        Content::Broken(detail) => Err(Refusal::new(UnreadableReason::Damaged, detail)),
        Content::Other(what) => Err(Refusal::new(
            UnreadableReason::Unsupported,
            format!(
                "{what} is not a format that is read; {FORMATS} are: save the document as one of these"
            ),
        )),
    }
}
