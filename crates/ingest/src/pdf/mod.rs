//! PDF: glyphs with positions ─▶ fragments ─▶ pages without running heads ─▶ regions (columns,
//! tables) ─▶ lines ─▶ paragraphs.
//!
//! The order in which a PDF draws its text is not relied upon, only the positions are: columns must
//! not interleave, and rows of a table must stay rows.

mod bidi;
mod damage;
mod glyphs;
mod layout;
mod lines;
mod page;
mod paragraphs;

use std::sync::Arc;

use hayro_interpret::{
    Context, InterpreterCache, InterpreterSettings, TransformExt, interpret_page, kurbo::Rect,
};
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use konform_terms::{Format, UnreadableReason, WarningKind};

use crate::{
    Limits,
    draft::{Block, Draft},
    error::Refusal,
};
use glyphs::Collector;
use page::Page;

/// Fewer letters on a page that is a picture are a stamp, not the text.
const STAMP_LETTERS: usize = 40;

/// Reads the text of a PDF.
pub(crate) fn read(bytes: Vec<u8>, limits: &Limits) -> Result<Draft, Refusal> {
    let bytes = Arc::new(bytes);
    let mut damage = damage::of_file(&bytes);
    let pdf = Pdf::new(Arc::clone(&bytes)).map_err(refusal)?;
    damage.extend(damage::of_pages(&pdf, limits)?);
    let mut state = State::default();
    let cache = InterpreterCache::new();
    let pages: Vec<Page> = pdf
        .pages()
        .iter()
        .zip(1..)
        .map(|(page, number)| {
            let (width, height) = page.render_dimensions();
            let (width, height) = (f64::from(width), f64::from(height));
            let mut collector = Collector::new(width, height);
            let mut context = Context::new(
                page.initial_transform(true).to_kurbo(),
                Rect::new(0.0, 0.0, width, height),
                &cache,
                pdf.xref(),
                InterpreterSettings::default(),
            );
            interpret_page(page, &mut context, &mut collector);
            state.note(number, &collector);
            Page::of(number, collector)
        })
        .collect();
    let letters = pages.iter().map(Page::letters).sum::<usize>();
    if letters == 0 || state.with_text.is_empty() {
        return Err(state.without_text(pages.len(), &damage));
    }
    let mut draft = Draft::new(Format::Pdf);
    draft.pages = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    draft.blocks = paragraphs::blocks(pages);
    let words = |block: &Block| block.text.chars().any(char::is_alphanumeric);
    if !damage.is_empty() && !draft.blocks.iter().any(words) {
        return Err(nothing_left(&damage));
    }
    if !damage.is_empty() {
        draft.warn(
            WarningKind::Damaged,
            format!(
                "the PDF is damaged and text may be lost: {}; get a fresh copy",
                damage.join("; ")
            ),
        );
    }
    state.warn(letters, &mut draft);
    Ok(draft)
}

fn refusal(error: LoadPdfError) -> Refusal {
    match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Refusal::new(
            UnreadableReason::Encrypted,
            "the PDF asks for a password; save a copy without one and check that",
        ),
        LoadPdfError::Decryption(_) => Refusal::new(
            UnreadableReason::Encrypted,
            "the PDF is encrypted in a way that is not known; save a copy without encryption and check that",
        ),
        LoadPdfError::Invalid => Refusal::new(
            UnreadableReason::Damaged,
            "the PDF is cut off or broken, and no page of it can be found; get a fresh copy",
        ),
    }
}

fn nothing_left(damage: &[String]) -> Refusal {
    let signs = damage.join("; ");
    Refusal::new(
        UnreadableReason::Damaged,
        format!("the PDF is damaged and nothing of its text is left: {signs}; get a fresh copy"),
    )
}

/// What the pages are made of.
#[derive(Default)]
struct State {
    with_text: Vec<u32>,
    pictures: Vec<u32>,
    drawings: Vec<u32>,
    recognised: Vec<u32>,
    /// Pages with letters that have no character code, and how many letters these are.
    unmapped: Vec<u32>,
    unmapped_letters: usize,
}

impl State {
    fn note(&mut self, number: u32, page: &Collector) {
        let letters = page.letters();
        let picture = page.picture_share > 0.5;
        if page.unmapped > 0 {
            self.unmapped.push(number);
            self.unmapped_letters += page.unmapped;
        }
        if letters > 0 && (!picture || letters >= STAMP_LETTERS) {
            self.with_text.push(number);
            if page.invisible * 2 > letters {
                self.recognised.push(number);
            }
        } else if page.pictures > 0 {
            self.pictures.push(number);
        } else if page.paths > 200 {
            self.drawings.push(number);
        }
    }

    /// Why there is no text at all.
    fn without_text(&self, pages: usize, damage: &[String]) -> Refusal {
        let count = plural(pages, "page");
        if self.unmapped_letters > 0 {
            Refusal::new(
                UnreadableReason::Scanned,
                format!(
                    "the fonts of the PDF do not say which letters they show ({count}); run text recognition (OCR) over it, or ask for another copy"
                ),
            )
        } else if !self.pictures.is_empty() || !self.drawings.is_empty() {
            Refusal::new(
                UnreadableReason::Scanned,
                format!(
                    "the PDF is pictures without text ({count}); run text recognition (OCR) over it and check the result"
                ),
            )
        } else if damage.is_empty() {
            Refusal::new(
                UnreadableReason::Empty,
                format!("the PDF holds no text ({count}); check that it is the right file"),
            )
        } else {
            nothing_left(damage)
        }
    }

    fn warn(&self, letters: usize, draft: &mut Draft) {
        let mut blank: Vec<u32> = [&self.pictures[..], &self.drawings].concat();
        blank.sort_unstable();
        if !blank.is_empty() {
            draft.warn(
                WarningKind::PagesWithoutText,
                format!(
                    "{} without text, as pictures are; run text recognition (OCR) over the file",
                    page_list(&blank)
                ),
            );
        }
        if self.unmapped_letters * 50 > letters {
            draft.warn(
                WarningKind::Damaged,
                format!(
                    "{} cannot be read, for the fonts do not say which they are, on {}; run text recognition (OCR) over the file",
                    plural(self.unmapped_letters, "letter"),
                    page_list(&self.unmapped)
                ),
            );
        }
        if !self.recognised.is_empty() {
            draft.warn(
                WarningKind::Note,
                format!(
                    "the text is an invisible layer, as text recognition leaves it, on {}; it may differ from the picture",
                    page_list(&self.recognised)
                ),
            );
        }
    }
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Names pages: `page 4`, `pages 1 to 3, 7`.
fn page_list(pages: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &page in pages {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == page => *last = page,
            _ => runs.push((page, page)),
        }
    }
    let names: Vec<String> = runs
        .into_iter()
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first}, {last}"),
            _ => format!("{first} to {last}"),
        })
        .collect();
    let noun = if pages.len() == 1 { "page" } else { "pages" };
    format!("{noun} {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_named_in_runs() {
        for (pages, want) in [
            (&[4][..], "page 4"),
            (&[1, 2], "pages 1, 2"),
            (&[1, 2, 3, 7], "pages 1 to 3, 7"),
        ] {
            assert_eq!(page_list(pages), want);
        }
    }
}
