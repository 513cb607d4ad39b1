//! From the order in which letters stand on the line to the order in which they are read.

use unicode_bidi::{BidiClass, bidi_class};

use super::glyphs::Glyph;

/// Whether a text holds letters that run from right to left.
pub(super) fn has_right_to_left(text: &str) -> bool {
    text.chars()
        .any(|c| c >= '\u{590}' && matches!(bidi_class(c), BidiClass::R | BidiClass::AL))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Right,
    Left,
    Number,
    Neutral,
}

fn class(glyph: &Glyph) -> Class {
    let classes = glyph.text.chars().map(bidi_class);
    classes
        .map(|class| match class {
            BidiClass::R | BidiClass::AL => Class::Right,
            BidiClass::L => Class::Left,
            BidiClass::EN | BidiClass::AN => Class::Number,
            _ => Class::Neutral,
        })
        .find(|&class| class != Class::Neutral)
        .unwrap_or(Class::Neutral)
}

/// Puts the glyphs of a line, sorted from left to right, into reading order.
///
/// The gap to the glyph on the left stands in `spaced`; it is handed on to the glyph that comes
/// later in reading order.
pub(super) fn reading_order(glyphs: Vec<Glyph>) -> Vec<Glyph> {
    let classes: Vec<Class> = glyphs.iter().map(class).collect();
    let count = |class| classes.iter().filter(|&&c| c == class).count();
    let rightward = count(Class::Left) > count(Class::Right);
    let runs = runs(&classes, rightward);
    let gap_before = |index: usize| glyphs.get(index).is_some_and(|glyph| glyph.spaced);
    let in_order: Box<dyn Iterator<Item = _>> = if rightward {
        Box::new(runs.into_iter())
    } else {
        Box::new(runs.into_iter().rev())
    };
    // Each index with whether a gap comes before it in reading order.
    let mut order: Vec<(usize, bool)> = Vec::with_capacity(glyphs.len());
    let mut last_run: Option<usize> = None;
    for (range, right) in in_order {
        let gap = match last_run {
            None => false,
            Some(_) if rightward => gap_before(range.start),
            Some(last_start) => gap_before(last_start),
        };
        last_run = Some(range.start);
        if right {
            let inner = range
                .clone()
                .rev()
                .skip(1)
                .map(|index| (index, gap_before(index + 1)));
            order.push((range.end - 1, gap));
            order.extend(inner);
        } else {
            order.push((range.start, gap));
            order.extend(range.skip(1).map(|index| (index, gap_before(index))));
        }
    }
    let mut glyphs: Vec<Option<Glyph>> = glyphs.into_iter().map(Some).collect();
    order
        .into_iter()
        .filter_map(|(index, spaced)| {
            let mut glyph = glyphs.get_mut(index)?.take()?;
            glyph.spaced = spaced;
            Some(glyph)
        })
        .collect()
}

/// Cuts a line into runs of one direction; neutral letters between letters of one direction go with
/// them, others with the line. Numbers run to the right within themselves.
fn runs(classes: &[Class], rightward: bool) -> Vec<(std::ops::Range<usize>, bool)> {
    let line_right = !rightward;
    let mut resolved: Vec<bool> = Vec::with_capacity(classes.len());
    for (index, &class) in classes.iter().enumerate() {
        let right = match class {
            Class::Right => true,
            Class::Left | Class::Number => false,
            Class::Neutral => {
                let before = classes[..index]
                    .iter()
                    .rev()
                    .find(|&&c| c != Class::Neutral);
                let after = classes[index..].iter().find(|&&c| c != Class::Neutral);
                match (before, after) {
                    (Some(Class::Right), Some(Class::Right)) => true,
                    (Some(Class::Left), Some(Class::Left | Class::Number))
                    | (Some(Class::Number), Some(Class::Left)) => false,
                    // `1.5` and `12/2024` are one number, when nothing but the mark is between.
                    (Some(Class::Number), Some(Class::Number))
                        if index > 0
                            && classes[index - 1] == Class::Number
                            && classes.get(index + 1) == Some(&Class::Number) =>
                    {
                        false
                    }
                    _ => line_right,
                }
            }
        };
        resolved.push(right);
    }
    let mut runs: Vec<(std::ops::Range<usize>, bool)> = Vec::new();
    for (index, right) in resolved.into_iter().enumerate() {
        match runs.last_mut() {
            Some((range, same)) if *same == right => range.end = index + 1,
            _ => runs.push((index..index + 1, right)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(visual: &str) -> String {
        let mut space = false;
        let mut glyphs = Vec::new();
        for c in visual.chars() {
            if c == ' ' {
                space = true;
                continue;
            }
            glyphs.push(Glyph {
                text: c.into(),
                x0: 0.0,
                x1: 0.0,
                y: 0.0,
                size: 1.0,
                bold: false,
                spaced: std::mem::take(&mut space),
            });
        }
        let mut text = String::new();
        for glyph in reading_order(glyphs) {
            if glyph.spaced {
                text.push(' ');
            }
            text.push_str(&glyph.text);
        }
        text
    }

    #[test]
    fn a_line_is_read_in_its_own_direction() {
        for (visual, want) in [
            ("abc 12", "abc 12"),
            ("םלוע םולש", "שלום עולם"),
            (".2024 תנשב GDPR קוח", "חוק GDPR בשנת 2024."),
            ("see םולש now", "see שלום now"),
            ("5.12 ףיעס", "סעיף 5.12"),
        ] {
            assert_eq!(read(visual), want, "{visual}");
        }
    }
}
