use std::collections::BTreeSet;

use super::{
    layout::Region,
    lines::Line,
    page::{Laid, Page, furniture},
};
use crate::{
    draft::{Block, BlockKind},
    text::{begins_with_conjunction, heading_level, marker},
};

/// Joins lines to paragraphs over columns and pages, without running heads and page numbers.
pub(super) fn blocks(pages: Vec<Page>) -> Vec<Block> {
    let furniture = furniture(&pages);
    let pages = pages.into_iter().map(|page| page.laid_out(&furniture));
    blocks_of(pages.collect())
}

fn blocks_of(pages: Vec<Laid>) -> Vec<Block> {
    let (body, body_is_bold) = body(&pages);
    let mut writer = Writer {
        body,
        hyphenated: hyphenated(&pages),
        done: Vec::new(),
        open: None,
        page: 0,
    };
    for page in pages {
        writer.page = page.number;
        for (index, region) in page.regions.into_iter().enumerate() {
            match region {
                Region::Text(lines) => writer.text(lines, index == 0),
                Region::Table(rows) => writer.table(rows),
            }
        }
    }
    writer.close();
    writer.blocks(body_is_bold)
}

/// The size of most letters, and whether most of them are bold.
fn body(pages: &[Laid]) -> (f64, bool) {
    let mut sizes: Vec<(f64, usize)> = Vec::new();
    let (mut bold, mut all) = (0, 0);
    for line in pages.iter().flat_map(Laid::lines) {
        let letters = line.text.chars().count();
        sizes.push((line.size, letters));
        all += letters;
        bold += if line.bold { letters } else { 0 };
    }
    sizes.sort_by(|one, two| one.0.total_cmp(&two.0));
    let mut seen = 0;
    let median = sizes.iter().find(|(_, letters)| {
        seen += letters;
        seen * 2 >= all
    });
    (median.map_or(10.0, |(size, _)| *size), bold * 2 > all)
}

/// Words with a hyphen inside of a line; at the end of a line it is kept in them.
fn hyphenated(pages: &[Laid]) -> BTreeSet<String> {
    pages
        .iter()
        .flat_map(Laid::lines)
        .flat_map(|line| line.text.split_whitespace())
        .filter(|word| word.trim_matches('-').contains('-'))
        .map(bare)
        .collect()
}

fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase()
}

/// A paragraph that is still growing, or done.
#[derive(Debug, Clone)]
struct Paragraph {
    text: String,
    pages: Vec<(usize, u32)>,
    kind: ParagraphKind,
    size: f64,
    bold: bool,
    lines: usize,
    /// Where its first line begins, and its last line ends.
    left: f64,
    last: Line,
    /// Whether the last line reaches the right edge, so that the next word did not fit.
    full: bool,
    nearly_full: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum ParagraphKind {
    Text,
    Cell { first: bool },
}

/// Whether a line reaches the right edge, or almost.
#[derive(Debug, Clone, Copy, Default)]
struct Fullness {
    full: bool,
    nearly: bool,
}

struct Writer {
    body: f64,
    hyphenated: BTreeSet<String>,
    done: Vec<Paragraph>,
    open: Option<Paragraph>,
    page: u32,
}

impl Writer {
    fn text(&mut self, lines: Vec<Line>, page_begins: bool) {
        let right = lines
            .iter()
            .map(|line| line.x1)
            .fold(f64::NEG_INFINITY, f64::max);
        let left = lines
            .iter()
            .map(|line| line.x0)
            .fold(f64::INFINITY, f64::min);
        let pitch = pitch(&lines);
        for (index, line) in lines.iter().enumerate() {
            if index == 0 && page_begins {
                self.reopen_over_footnotes(line);
            }
            let goes_on = self.open.as_ref().is_some_and(|open| {
                if index == 0 {
                    goes_on_elsewhere(open, line)
                } else {
                    goes_on(open, line, pitch, self.body)
                }
            });
            if !goes_on {
                self.close();
            }
            let next = lines.get(index + 1).unwrap_or(line);
            let full = Fullness {
                full: is_full(line, next, right),
                nearly: line.x1 - left > 0.75 * (right - left),
            };
            self.add(line.clone(), full);
        }
    }

    fn table(&mut self, rows: Vec<Vec<String>>) {
        self.close();
        for row in rows {
            for (index, cell) in row.into_iter().enumerate() {
                let line = Line {
                    text: cell,
                    x0: 0.0,
                    x1: 0.0,
                    y: 0.0,
                    size: self.body,
                    bold: false,
                    first_word: 0.0,
                };
                self.add(line, Fullness::default());
                if let Some(open) = &mut self.open {
                    open.kind = ParagraphKind::Cell { first: index == 0 };
                }
                self.close();
            }
        }
    }

    fn add(&mut self, line: Line, fullness: Fullness) {
        let Some(open) = &mut self.open else {
            self.open = Some(Paragraph {
                text: line.text.clone(),
                pages: vec![(0, self.page)],
                kind: ParagraphKind::Text,
                size: line.size,
                bold: line.bold,
                lines: 1,
                left: line.x0,
                last: line,
                full: fullness.full,
                nearly_full: fullness.nearly,
            });
            return;
        };
        let text = std::mem::take(&mut open.text);
        open.text = join(text, &line.text, &self.hyphenated);
        if open.pages.last().is_none_or(|(_, page)| *page != self.page) {
            let start = open.text.len() - line.text.len();
            open.pages.push((start, self.page));
        }
        open.lines += 1;
        open.bold &= line.bold;
        open.last = line;
        open.full = fullness.full;
        open.nearly_full = fullness.nearly;
    }

    fn close(&mut self) {
        self.done.extend(self.open.take());
    }

    /// Where a page begins in the middle of a sentence, the footnotes of the page before stand
    /// between its halves; they are put before it.
    fn reopen_over_footnotes(&mut self, line: &Line) {
        let is_note = |p: &Paragraph| p.kind == ParagraphKind::Text && p.size < 0.93 * self.body;
        if !self.open.as_ref().is_some_and(is_note) || !line.text.starts_with(char::is_lowercase) {
            return;
        }
        let notes = self.done.iter().rev().take_while(|p| is_note(p)).count();
        let Some(index) = self.done.len().checked_sub(notes + 1) else {
            return;
        };
        if notes < 20 && goes_on_elsewhere(&self.done[index], line) {
            let unfinished = self.done.remove(index);
            self.close();
            self.open = Some(unfinished);
        }
    }

    fn blocks(self, body_is_bold: bool) -> Vec<Block> {
        let body = self.body;
        let looks: Vec<Option<Look>> = self
            .done
            .iter()
            .map(|paragraph| Look::of(paragraph, body, body_is_bold))
            .collect();
        let sizes: BTreeSet<i32> = looks
            .iter()
            .flatten()
            .filter_map(|look| look.size)
            .collect();
        let larger = u8::try_from(sizes.len().min(5)).unwrap_or(5);
        self.done
            .into_iter()
            .zip(looks)
            .map(|(paragraph, look)| {
                let kind = match (paragraph.kind, look) {
                    (ParagraphKind::Cell { first }, _) => BlockKind::Cell { first },
                    (ParagraphKind::Text, Some(look)) => BlockKind::Heading(match look.size {
                        Some(size) => {
                            let rank = sizes.iter().rev().position(|&other| other == size);
                            u8::try_from(rank.unwrap_or_default() + 1)
                                .unwrap_or(5)
                                .min(5)
                        }
                        None => larger + look.level,
                    }),
                    (ParagraphKind::Text, None) if marker(&paragraph.text).is_some() => {
                        BlockKind::Item
                    }
                    (ParagraphKind::Text, None) => BlockKind::Paragraph,
                };
                Block {
                    kind,
                    text: paragraph.text,
                    pages: paragraph.pages,
                }
            })
            .collect()
    }
}

/// How a heading looks: its size in half points where it is larger than the text, else the level
/// that its words say.
struct Look {
    size: Option<i32>,
    level: u8,
}

impl Look {
    fn of(paragraph: &Paragraph, body: f64, body_is_bold: bool) -> Option<Self> {
        let text = paragraph.text.trim();
        let words = text.split_whitespace().count();
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        if paragraph.kind != ParagraphKind::Text || paragraph.lines > 3 || words > 25 || letters < 2
        {
            return None;
        }
        let ends = text.ends_with([',', ';']);
        let by_words = heading_level(text);
        if paragraph.size > 1.12 * body && !ends {
            #[expect(clippy::cast_possible_truncation, reason = "a font size is small")]
            let size = (paragraph.size * 2.0).round() as i32;
            return Some(Self {
                size: Some(size),
                level: 1,
            });
        }
        let bold = paragraph.bold && !body_is_bold && !ends && !text.ends_with('.') && words <= 15;
        if bold || by_words.is_some() && paragraph.lines == 1 && paragraph.size > 0.95 * body {
            return Some(Self {
                size: None,
                level: by_words.unwrap_or(2),
            });
        }
        None
    }
}

/// The usual distance of lines.
fn pitch(lines: &[Line]) -> f64 {
    let mut steps: Vec<f64> = lines
        .windows(2)
        .map(|pair| (pair[1].y - pair[0].y) / pair[1].size)
        .filter(|step| (0.8..2.2).contains(step))
        .collect();
    steps.sort_by(f64::total_cmp);
    // Lines within a paragraph are closer than paragraphs are.
    steps.get(steps.len() * 2 / 5).copied().unwrap_or(1.3)
}

/// Whether a line is full: the first word of the next one would not have fitted behind it.
fn is_full(line: &Line, next: &Line, right: f64) -> bool {
    line.x1 + 0.25 * line.size + next.first_word > right - 0.2 * line.size
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['"', '”', '’', '»', ')', ']', '“'])
        .ends_with(['.', '!', '?', ':', ';', '؟', '。'])
}

/// Whether a line goes on with the paragraph above it in the same region.
fn goes_on(open: &Paragraph, line: &Line, pitch: f64, body: f64) -> bool {
    let last = &open.last;
    let same_size = (line.size / open.size - 1.0).abs() < 0.12;
    let step = line.y - last.y;
    if !same_size || step < 0.2 * line.size || step > 1.3 * pitch * line.size.max(last.size) {
        return false;
    }
    let low = line.text.starts_with(char::is_lowercase);
    let ended = ends_sentence(&last.text);
    if line.bold != last.bold && (ended || !low && open.lines == 1) {
        return false;
    }
    let moved = (line.x0 - last.x0).abs() > 3.0;
    if marker(&line.text).is_some()
        && !(low && !ended && !moved)
        && (moved
            || ended
            || !open.full
            || last.text.ends_with(',')
            || marker(&open.text).is_some())
    {
        return false;
    }
    // A line that is not full ends a paragraph, unless it only lacks a little and the sentence is not
    // over: lines are ragged, and in German any word may begin with a capital.
    let ragged = open.nearly_full && !ended && open.size < 1.12 * body && !line.bold;
    if !open.full && !low && !ragged && !last.text.ends_with('-') || !open.full && ended {
        return false;
    }
    let indented =
        line.x0 > last.x0 + line.size && !(open.lines == 1 && marker(&open.text).is_some());
    let outdented = marker(&open.text).is_some() && line.x0 < open.left - 3.0;
    !((indented || outdented) && ended)
}

/// Whether a line goes on with a paragraph in another column or on another page.
fn goes_on_elsewhere(open: &Paragraph, line: &Line) -> bool {
    let same = (line.size / open.size - 1.0).abs() < 0.06 && line.bold == open.last.bold;
    let low = line.text.starts_with(|c: char| c.is_lowercase());
    let divided = open.last.text.ends_with('-');
    open.kind == ParagraphKind::Text
        && same
        && !ends_sentence(&open.text)
        && (low
            || divided
            || (open.full || open.nearly_full) && marker(&line.text).is_none() && open.lines > 1)
}

/// Joins a line to a paragraph; a word that was divided at the line's end is made whole.
fn join(mut text: String, line: &str, hyphenated: &BTreeSet<String>) -> String {
    let before = text.trim_end_matches(['-', '\u{2010}']);
    let divided = before.len() < text.len() && before.ends_with(char::is_alphanumeric);
    if !divided || begins_with_conjunction(line) {
        text.push(' ');
    } else if line.starts_with(char::is_lowercase) && before.ends_with(char::is_alphabetic) {
        let left = text.split_whitespace().next_back().unwrap_or_default();
        let right = line.split_whitespace().next().unwrap_or_default();
        if !hyphenated.contains(&bare(&format!("{left}{right}"))) {
            text.truncate(before.len());
        }
    }
    text.push_str(line);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf::glyphs::{Collector, Glyph};

    fn line(text: &str, y: f64) -> Line {
        #[expect(clippy::cast_precision_loss, reason = "lines are short")]
        let width = text.chars().count() as f64 * 5.0;
        Line {
            text: text.into(),
            x0: 50.0,
            x1: 50.0 + width,
            y,
            size: 10.0,
            bold: false,
            first_word: 5.0
                * text
                    .split(' ')
                    .next()
                    .map_or(0.0, |word| f64::from(u8::try_from(word.len()).unwrap())),
        }
    }

    fn texts(lines: Vec<Line>) -> Vec<String> {
        let page = Laid {
            number: 1,
            regions: vec![Region::Text(lines)],
        };
        blocks_of(vec![page])
            .into_iter()
            .map(|block| block.text)
            .collect()
    }

    /// A page with lines of text at heights, each letter half an em wide.
    fn page(number: u32, lines: &[(String, f64)]) -> Page {
        let mut collector = Collector::new(600.0, 800.0);
        for (text, y) in lines {
            let mut x = 50.0;
            for word in text.split(' ') {
                for c in word.chars() {
                    collector.place(
                        0,
                        Glyph {
                            text: c.into(),
                            x0: x,
                            x1: x + 5.0,
                            y: *y,
                            size: 10.0,
                            bold: false,
                            spaced: false,
                        },
                    );
                    x += 5.0;
                }
                x += 5.0;
            }
        }
        Page::of(number, collector)
    }

    #[test]
    fn a_sentence_crosses_a_page_and_running_heads_do_not_break_it() {
        let words = ["alpha", "beta", "gamma", "delta"];
        let pages = words.iter().zip(1..).map(|(word, number)| {
            page(
                number,
                &[
                    ("Agreement of the Parties".into(), 40.0),
                    (
                        format!("{word} goes on for the whole width of the page, as a line of te-"),
                        80.0,
                    ),
                    (
                        format!("xt does, and it ends where the page ends, in the middle {word}"),
                        92.0,
                    ),
                    (format!("Page {number} of 4"), 780.0),
                ],
            )
        });
        let blocks = blocks(pages.collect());
        let texts: Vec<&str> = blocks.iter().map(|block| block.text.as_str()).collect();
        assert_eq!(texts.len(), 1, "{texts:?}");
        assert_eq!(texts[0].matches("line of text does").count(), 4);
        assert!(!texts[0].contains("Parties") && !texts[0].contains("Page"));
        let starts: Vec<&str> = blocks[0]
            .pages
            .iter()
            .map(|&(at, _)| &texts[0][at..at + 4])
            .collect();
        assert_eq!(starts, ["alph", "beta", "gamm", "delt"]);
    }

    #[test]
    fn repeated_text_that_is_no_running_head_stays() {
        let lines: Vec<(String, f64)> = (0..50)
            .map(|row| {
                (
                    "the same words on each line and page".into(),
                    60.0 + 14.0 * f64::from(row),
                )
            })
            .collect();
        let pages = (1..=4).map(|number| page(number, &lines));
        let texts: String = blocks(pages.collect())
            .into_iter()
            .map(|block| block.text)
            .collect();
        assert_eq!(texts.matches("same words").count(), 200);
    }

    #[test]
    fn a_hyphen_that_belongs_to_a_word_is_kept() {
        let lines = vec![
            line(
                "the well-known case of a word that has a hyphen in it, well-",
                80.0,
            ),
            line(
                "known to all; and Auftrags-, EU- and other parts of words, In-",
                92.0,
            ),
            line("formation and the Auftrags-", 104.0),
            line("und Datenverarbeitung", 116.0),
        ];
        let text = texts(lines).join(" | ");
        for part in ["it, well-known to all", "Information", "Auftrags- und"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
