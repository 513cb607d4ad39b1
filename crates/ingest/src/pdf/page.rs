use std::collections::{BTreeMap, BTreeSet};

use super::{
    glyphs::{Collector, Rule},
    layout::{self, Region},
    lines::{self, Fragment, Line, fragments, rows},
};

/// Running heads and feet stand in this share of a page, at its top and at its bottom.
const EDGE: f64 = 0.18;

/// What a page shows, not yet laid out.
pub(super) struct Page {
    number: u32,
    height: f64,
    letters: usize,
    /// The rows of the direction that most letters run in.
    rows: Vec<Vec<Fragment>>,
    rules: Vec<Rule>,
    /// Letters that run in other directions, as in a margin or across the page.
    others: Vec<Vec<Fragment>>,
}

impl Page {
    pub(super) fn of(number: u32, mut collector: Collector) -> Self {
        let letters = collector.letters();
        let mut directions = std::mem::take(&mut collector.directions);
        directions.sort_by_key(|direction| std::cmp::Reverse(direction.glyphs.len()));
        let mut page = Self {
            number,
            height: collector.height,
            letters,
            rows: Vec::new(),
            rules: Vec::new(),
            others: Vec::new(),
        };
        for (index, direction) in directions.into_iter().enumerate() {
            let (down, height) = match direction.angle() {
                0 => (0.0, collector.height),
                90 => (collector.width, collector.width),
                180 => (collector.height, collector.height),
                _ => (0.0, collector.width),
            };
            if direction.angle() == 0 && index == 0 {
                page.rules = collector.take_rules();
            }
            let mut glyphs = direction.glyphs;
            for glyph in &mut glyphs {
                glyph.y += down;
            }
            let fragments = fragments(glyphs);
            if index == 0 {
                page.height = height;
                page.rows = rows(fragments);
            } else {
                page.others.push(fragments);
            }
        }
        page
    }

    pub(super) fn letters(&self) -> usize {
        self.letters
    }

    /// Lays the page out, without its running heads and feet.
    pub(super) fn laid_out(self, furniture: &BTreeSet<(u32, Key)>) -> Laid {
        let near_edge = |row: &[Fragment]| {
            let y = row.first().map_or(0.0, |fragment| fragment.y) / self.height.max(1.0);
            !(EDGE..=1.0 - EDGE).contains(&y)
        };
        let is_furniture = |row: &Vec<Fragment>| {
            near_edge(row)
                && lines::line(row.clone())
                    .is_some_and(|line| furniture.contains(&(self.number, key(&line, self.height))))
        };
        let kept = self
            .rows
            .into_iter()
            .filter(|row| !is_furniture(row))
            .flatten();
        let mut regions = layout::regions(kept.collect(), &self.rules);
        for fragments in self.others {
            regions.extend(layout::regions(fragments, &[]));
        }
        Laid {
            number: self.number,
            regions,
        }
    }
}

/// A page, laid out.
pub(super) struct Laid {
    pub(super) number: u32,
    pub(super) regions: Vec<Region>,
}

impl Laid {
    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.regions.iter().flat_map(|region| match region {
            Region::Text(lines) => lines.as_slice(),
            Region::Table(_) => &[],
        })
    }
}

/// What a line at the edge of a page says, with any number standing for any other, and its height.
pub(super) type Key = (String, i32);

fn key(line: &Line, height: f64) -> Key {
    let mut text = String::new();
    for c in line.text.chars() {
        let c = if c.is_ascii_digit() { '#' } else { c };
        if c != '#' || !text.ends_with('#') {
            text.push(c);
        }
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a share of a page in percent"
    )]
    let place = (line.y / height.max(1.0) * 100.0).round() as i32;
    (text, place)
}

/// Finds running heads, feet and page numbers: lines near the edge of a page, set off from the text,
/// that come again at the same height on other pages.
pub(super) fn furniture(pages: &[Page]) -> BTreeSet<(u32, Key)> {
    let mut places: BTreeMap<String, Vec<(u32, Key)>> = BTreeMap::new();
    for page in pages {
        for line in edge_lines(page) {
            let key = key(&line, page.height);
            places
                .entry(key.0.clone())
                .or_default()
                .push((page.number, key));
        }
    }
    let often = match pages.len() {
        0..=1 => usize::MAX,
        2..=4 => 2,
        _ => 3,
    };
    let mut found = BTreeSet::new();
    for (text, lines) in places {
        let level = |one: &Key| {
            lines
                .iter()
                .filter(|(_, two)| (one.1 - two.1).abs() <= 1)
                .count()
        };
        for (page, key) in &lines {
            if level(key) >= often || is_page_number(&text) {
                found.insert((*page, key.clone()));
            }
        }
    }
    found
}

/// The outermost lines of a page that are set off from the rest.
fn edge_lines(page: &Page) -> Vec<Line> {
    let top = EDGE * page.height;
    let bottom = (1.0 - EDGE) * page.height;
    let mut edge = edge_of(page.rows.iter(), |line| line.y < top);
    edge.extend(edge_of(page.rows.iter().rev(), |line| line.y > bottom));
    edge
}

fn edge_of<'r>(
    rows: impl Iterator<Item = &'r Vec<Fragment>>,
    near: impl Fn(&Line) -> bool,
) -> Vec<Line> {
    let mut edge: Vec<Line> = Vec::new();
    let mut held = 0;
    for line in rows.filter_map(|row| lines::line(row.clone())) {
        if let Some(last) = edge.last() {
            let gap = (line.y - last.y).abs();
            let resized = (line.size / last.size - 1.0).abs() > 0.1;
            if gap > 1.6 * line.size.max(last.size) || resized {
                held = edge.len();
            }
        }
        if !near(&line) || edge.len() >= 10 {
            break;
        }
        edge.push(line);
    }
    edge.truncate(held);
    edge
}

/// Whether a line is a page number and nothing else: `#`, `- # -`, `Page # of #`, `#/#`.
fn is_page_number(text: &str) -> bool {
    let words = text
        .split(|c: char| {
            c.is_whitespace() || matches!(c, '-' | '–' | '—' | '/' | '|' | '.' | ',' | ':')
        })
        .filter(|word| !word.is_empty());
    let mut numbers = 0;
    for word in words {
        match word.to_lowercase().as_str() {
            "#" => numbers += 1,
            "page" | "seite" | "of" | "von" | "sur" | "p" | "s" | "de" => {}
            _ => return false,
        }
    }
    (1..=2).contains(&numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_numbers_are_known_by_their_look() {
        for (text, want) in [
            ("#", true),
            ("- # -", true),
            ("Seite # von #", true),
            ("Art #", false),
            ("", false),
        ] {
            assert_eq!(is_page_number(text), want, "{text}");
        }
    }
}
