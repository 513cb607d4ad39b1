use super::{bidi, glyphs::Glyph};
use crate::draft::tidy;

/// A gap that is wider than this share of the font size is a space.
const SPACE: f64 = 0.16;

/// A gap that is wider than this may lie between two columns.
const APART: f64 = 0.6;

/// Letters that were drawn one behind the other.
#[derive(Debug, Clone)]
pub(super) struct Fragment {
    pub(super) glyphs: Vec<Glyph>,
    pub(super) x0: f64,
    pub(super) x1: f64,
    pub(super) y: f64,
    pub(super) size: f64,
}

impl Fragment {
    fn new(glyph: Glyph) -> Self {
        Self {
            x0: glyph.x0,
            x1: glyph.x1,
            y: glyph.y,
            size: glyph.size,
            glyphs: vec![glyph],
        }
    }

    /// Whether a glyph goes on where the fragment ends.
    fn takes(&self, glyph: &Glyph) -> bool {
        let Some(last) = self.glyphs.last() else {
            return false;
        };
        let size = self.size.max(glyph.size);
        let rise = (glyph.y - last.y).abs().min((glyph.y - self.y).abs());
        let gap = glyph.x0 - last.x1;
        let gap_left = last.x0 - glyph.x1;
        let raised = (glyph.size / self.size - 1.0).abs() > 0.15 && rise < 0.6 * size;
        if rise < 0.1 * size {
            (-0.3 * size..=APART * size).contains(&gap)
                || (-0.3 * size..=APART * size).contains(&gap_left)
                    && bidi::has_right_to_left(&glyph.text)
        } else {
            raised && (-0.3 * size..=0.3 * size).contains(&gap)
        }
    }

    fn add(&mut self, glyph: Glyph) {
        let again = self.glyphs.last().is_some_and(|last| {
            last.text == glyph.text
                && (last.x0 - glyph.x0).abs() < 0.15 * glyph.size
                && (last.y - glyph.y).abs() < 0.15 * glyph.size
        });
        // Bold is often made by drawing a letter twice.
        if again {
            return;
        }
        self.x0 = self.x0.min(glyph.x0);
        self.x1 = self.x1.max(glyph.x1);
        if glyph.size > 1.05 * self.size {
            self.size = glyph.size;
            self.y = glyph.y;
        }
        self.glyphs.push(glyph);
    }

    pub(super) fn letters(&self) -> usize {
        self.glyphs.len()
    }
}

/// Joins glyphs to fragments, in the order in which they were drawn.
pub(super) fn fragments(glyphs: Vec<Glyph>) -> Vec<Fragment> {
    let mut fragments: Vec<Fragment> = Vec::new();
    for glyph in glyphs {
        match fragments.last_mut() {
            Some(last) if last.takes(&glyph) || is_again(last, &glyph) => last.add(glyph),
            _ => fragments.push(Fragment::new(glyph)),
        }
    }
    fragments
}

fn is_again(fragment: &Fragment, glyph: &Glyph) -> bool {
    fragment.glyphs.last().is_some_and(|last| {
        last.text == glyph.text
            && (last.x0 - glyph.x0).abs() < 0.15 * glyph.size
            && (last.y - glyph.y).abs() < 0.15 * glyph.size
    })
}

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// The words, tidied; a hyphen at the end may divide a word.
    pub(super) text: String,
    pub(super) x0: f64,
    pub(super) x1: f64,
    pub(super) y: f64,
    pub(super) size: f64,
    pub(super) bold: bool,
    /// The width of the first word, which tells whether it would have fitted on the line above.
    pub(super) first_word: f64,
}

/// Sorts fragments into lines, from top to bottom and from left to right.
pub(super) fn rows(mut fragments: Vec<Fragment>) -> Vec<Vec<Fragment>> {
    fragments.sort_by(|one, two| one.y.total_cmp(&two.y));
    let mut rows: Vec<(f64, f64, Vec<Fragment>)> = Vec::new();
    for fragment in fragments {
        match rows.last_mut() {
            Some((y, size, row)) if fragment.y - *y <= 0.4 * fragment.size.max(*size) => {
                if fragment.size > *size {
                    (*y, *size) = (fragment.y, fragment.size);
                }
                row.push(fragment);
            }
            _ => rows.push((fragment.y, fragment.size, vec![fragment])),
        }
    }
    rows.into_iter()
        .map(|(_, _, mut row)| {
            row.sort_by(|one, two| one.x0.total_cmp(&two.x0));
            row.dedup_by(|later, earlier| is_copy(earlier, later));
            row
        })
        .collect()
}

/// Whether a fragment was drawn a second time, for a shadow or to look bold.
fn is_copy(one: &Fragment, two: &Fragment) -> bool {
    (one.x0 - two.x0).abs() < 0.15 * one.size
        && one.glyphs.len() == two.glyphs.len()
        && one
            .glyphs
            .iter()
            .zip(&two.glyphs)
            .all(|(one, two)| one.text == two.text)
}

/// Makes the fragments of one row a line; nothing where no character can be seen.
pub(super) fn line(row: Vec<Fragment>) -> Option<Line> {
    let x0 = row.iter().map(|fragment| fragment.x0).reduce(f64::min)?;
    let x1 = row.iter().map(|fragment| fragment.x1).reduce(f64::max)?;
    let largest = row
        .iter()
        .max_by(|one, two| one.letters().cmp(&two.letters()))?;
    let (y, size) = (largest.y, median_size(largest));
    let letters: usize = row.iter().map(Fragment::letters).sum();
    let bold = row
        .iter()
        .flat_map(|fragment| &fragment.glyphs)
        .filter(|glyph| glyph.bold)
        .count();
    let mut glyphs: Vec<Glyph> = Vec::with_capacity(letters);
    for fragment in row {
        let first = glyphs.len();
        glyphs.extend(fragment.glyphs);
        if first > 0 && glyphs[first - 1].x1 < glyphs[first].x0 - SPACE * size {
            glyphs[first].spaced = true;
        }
    }
    let right_to_left = glyphs
        .iter()
        .any(|glyph| bidi::has_right_to_left(&glyph.text));
    if right_to_left {
        glyphs.sort_by(|one, two| one.x0.total_cmp(&two.x0));
        let mut end = f64::INFINITY;
        for glyph in &mut glyphs {
            glyph.spaced = glyph.x0 - end > SPACE * glyph.size;
            end = glyph.x1;
        }
        glyphs = bidi::reading_order(glyphs);
    }
    let mut text = String::with_capacity(letters + letters / 4);
    let mut end = f64::INFINITY;
    let mut first_word = None;
    for glyph in &glyphs {
        let gap = !right_to_left && glyph.x0 - end > SPACE * glyph.size;
        if (glyph.spaced || gap) && !text.is_empty() {
            text.push(' ');
            first_word.get_or_insert((end - glyphs[0].x0).abs());
        }
        text.push_str(&glyph.text);
        end = glyph.x1;
    }
    // A soft hyphen at the end of a line is one that is seen.
    if text.ends_with('\u{ad}') {
        text.pop();
        text.push('-');
    }
    let text = tidy(&text);
    (!text.is_empty()).then_some(Line {
        text,
        x0,
        x1,
        y,
        size,
        bold: bold * 10 > letters * 6,
        first_word: first_word.unwrap_or(x1 - x0),
    })
}

fn median_size(fragment: &Fragment) -> f64 {
    let mut sizes: Vec<f64> = fragment.glyphs.iter().map(|glyph| glyph.size).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or(fragment.size)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets words on a line, each letter half an em wide.
    fn set(words: &[(&str, f64, f64)]) -> Vec<Glyph> {
        let mut glyphs = Vec::new();
        for &(word, mut x, y) in words {
            for c in word.chars() {
                glyphs.push(Glyph {
                    text: c.into(),
                    x0: x,
                    x1: x + 5.0,
                    y,
                    size: 10.0,
                    bold: false,
                    spaced: false,
                });
                x += 5.0;
            }
        }
        glyphs
    }

    fn texts(glyphs: Vec<Glyph>) -> Vec<String> {
        rows(fragments(glyphs))
            .into_iter()
            .filter_map(line)
            .map(|line| line.text)
            .collect()
    }

    #[test]
    fn words_are_told_by_gaps_and_lines_by_baselines() {
        let glyphs = set(&[
            ("two", 0.0, 20.0),
            ("one", 18.0, 8.0),
            ("zero", -5.0, 8.0),
            ("x", 50.0, 20.0),
        ]);
        assert_eq!(texts(glyphs), ["zero one", "two x"]);
    }

    #[test]
    fn what_is_drawn_twice_is_read_once() {
        let mut glyphs = set(&[("bold", 0.0, 0.0)]);
        glyphs.extend(set(&[("bold", 0.3, 0.1)]));
        assert_eq!(texts(glyphs), ["bold"]);
        let twice = set(&[
            ("l", 0.0, 0.0),
            ("l", 0.2, 0.0),
            ("a", 5.0, 0.0),
            ("a", 5.2, 0.0),
        ]);
        assert_eq!(texts(twice), ["la"]);
    }

    #[test]
    fn a_raised_number_stays_in_its_line() {
        let mut glyphs = set(&[("law", 0.0, 20.0)]);
        glyphs.push(Glyph {
            size: 6.0,
            y: 16.5,
            ..set(&[("1", 15.0, 0.0)])[0].clone()
        });
        glyphs.extend(set(&[("is", 23.0, 20.0)]));
        assert_eq!(texts(glyphs), ["law1 is"]);
    }
}
