use super::{
    glyphs::Rule,
    lines::{self, Fragment, Line, rows},
};
use crate::text::{join, marker};

/// A gutter is at least as wide as this share of the font size.
const NARROWEST_GUTTER: f64 = 0.6;

/// Regions within regions, at most.
const DEEPEST: usize = 16;

/// A part of a page that is read to its end before the next one begins.
#[derive(Debug)]
pub(super) enum Region {
    /// Lines from top to bottom.
    Text(Vec<Line>),
    /// Rows of cells.
    Table(Vec<Vec<String>>),
}

/// Puts the fragments of a page into regions, in reading order.
pub(super) fn regions(fragments: Vec<Fragment>, rules: &[Rule]) -> Vec<Region> {
    let mut regions = Vec::new();
    order(fragments, rules, 0, &mut regions);
    regions
}

/// Cuts an area where columns or a table stand in it: what is above, the columns, what is below.
fn order(fragments: Vec<Fragment>, rules: &[Rule], depth: usize, regions: &mut Vec<Region>) {
    if fragments.is_empty() {
        return;
    }
    let cut = (depth < DEEPEST)
        .then(|| best_cut(&fragments, rules))
        .flatten();
    let Some(cut) = cut else {
        let lines: Vec<Line> = rows(fragments)
            .into_iter()
            .filter_map(lines::line)
            .collect();
        if !lines.is_empty() {
            regions.push(Region::Text(lines));
        }
        return;
    };
    let (above, rest): (Vec<_>, Vec<_>) = fragments.into_iter().partition(|f| f.y < cut.top);
    let (band, below): (Vec<_>, Vec<_>) = rest.into_iter().partition(|f| f.y <= cut.bottom);
    order(above, rules, depth + 1, regions);
    match cut.kind {
        Kind::Columns => {
            let (left, right): (Vec<_>, Vec<_>) = band.into_iter().partition(|f| is_left(f, cut.x));
            let right_first = is_right_to_left(&left) && is_right_to_left(&right);
            let (first, second) = if right_first {
                (right, left)
            } else {
                (left, right)
            };
            order(first, rules, depth + 1, regions);
            order(second, rules, depth + 1, regions);
        }
        Kind::Table => regions.push(Region::Table(table(band, rules))),
    }
    order(below, rules, depth + 1, regions);
}

fn is_left(fragment: &Fragment, x: f64) -> bool {
    fragment.x0 < x - 2.0
}

fn is_right_to_left(fragments: &[Fragment]) -> bool {
    let right = fragments
        .iter()
        .flat_map(|fragment| &fragment.glyphs)
        .filter(|glyph| super::bidi::has_right_to_left(&glyph.text))
        .count();
    right * 2 > fragments.iter().map(Fragment::letters).sum::<usize>()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Columns,
    Table,
}

/// A gutter: the area from `top` to `bottom` falls into what is left and right of `x`.
#[derive(Debug)]
struct Cut {
    x: f64,
    top: f64,
    bottom: f64,
    kind: Kind,
    lines: usize,
    gutter: f64,
}

/// Finds the gutter that most lines respect.
fn best_cut(fragments: &[Fragment], rules: &[Rule]) -> Option<Cut> {
    let mut sorted: Vec<&Fragment> = fragments.iter().collect();
    sorted.sort_by(|one, two| one.y.total_cmp(&two.y));
    let mut best: Option<Cut> = None;
    for x in left_edges(&sorted) {
        let mut band: Vec<&Fragment> = Vec::new();
        let mut close = |band: &mut Vec<&Fragment>| {
            if let Some(cut) = judge(band, x, rules)
                && best
                    .as_ref()
                    .is_none_or(|best| (cut.lines, cut.gutter) > (best.lines, best.gutter))
            {
                best = Some(cut);
            }
            band.clear();
        };
        for &fragment in &sorted {
            // What reaches into the gutter, as a page number in the middle does, ends the area too.
            if is_left(fragment, x) && fragment.x1 > x - NARROWEST_GUTTER * fragment.size {
                close(&mut band);
            } else {
                band.push(fragment);
            }
        }
        close(&mut band);
    }
    best
}

/// The places where several lines begin, but for the leftmost.
fn left_edges(fragments: &[&Fragment]) -> Vec<f64> {
    let mut edges: Vec<f64> = fragments.iter().map(|fragment| fragment.x0).collect();
    edges.sort_by(f64::total_cmp);
    let leftmost = edges.first().copied().unwrap_or_default();
    let mut groups: Vec<(f64, usize)> = Vec::new();
    for edge in edges {
        match groups.last_mut() {
            Some((first, count)) if edge - *first < 3.0 => *count += 1,
            _ => groups.push((edge, 1)),
        }
    }
    groups.retain(|&(edge, count)| count >= 2 && edge > leftmost + 15.0);
    groups.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    groups.truncate(40);
    groups.into_iter().map(|(edge, _)| edge).collect()
}

/// What one side of a gutter looks like.
struct Side {
    top: f64,
    bottom: f64,
    left: f64,
    right: f64,
    /// Baseline, width and letters of each line.
    lines: Vec<(f64, f64, usize)>,
}

impl Side {
    fn of(fragments: &[&Fragment]) -> Option<Self> {
        let mut side = Self {
            top: fragments.first()?.y,
            bottom: fragments.last()?.y,
            left: f64::INFINITY,
            right: f64::NEG_INFINITY,
            lines: Vec::new(),
        };
        for fragment in fragments {
            side.left = side.left.min(fragment.x0);
            side.right = side.right.max(fragment.x1);
            let width = fragment.x1 - fragment.x0;
            match side.lines.last_mut() {
                Some((y, wide, letters)) if fragment.y - *y < 0.4 * fragment.size => {
                    *wide += width;
                    *letters += fragment.letters();
                }
                _ => side.lines.push((fragment.y, width, fragment.letters())),
            }
        }
        Some(side)
    }

    /// Whether the lines fill their column, as running text does.
    fn is_prose(&self) -> bool {
        let width = self.right - self.left;
        let full = self
            .lines
            .iter()
            .filter(|(_, wide, _)| *wide > 0.6 * width)
            .count();
        let letters: usize = self.lines.iter().map(|(_, _, letters)| letters).sum();
        self.lines.len() >= 4
            && full * 5 >= self.lines.len() * 2
            && letters >= 16 * self.lines.len()
    }

    fn shares_baseline(&self, y: f64, size: f64) -> bool {
        let near = self
            .lines
            .partition_point(|(line, _, _)| *line < y - 0.3 * size);
        self.lines
            .get(near)
            .is_some_and(|(line, _, _)| *line <= y + 0.3 * size)
    }
}

/// Decides whether the fragments around a gutter are columns, a table, or neither.
fn judge(band: &[&Fragment], x: f64, rules: &[Rule]) -> Option<Cut> {
    let (left, right): (Vec<&Fragment>, Vec<&Fragment>) =
        band.iter().partition(|fragment| is_left(fragment, x));
    let (one, two) = (Side::of(&left)?, Side::of(&right)?);
    let size = band[band.len() / 2].size;
    let gutter = x - one.right;
    let shared_height = one.bottom.min(two.bottom) - one.top.max(two.top);
    let height = (one.bottom - one.top).min(two.bottom - two.top);
    let (fewer, more) = (
        one.lines.len().min(two.lines.len()),
        one.lines.len().max(two.lines.len()),
    );
    if fewer < 2 || more < 3 || gutter < NARROWEST_GUTTER * size || shared_height < 0.5 * height {
        return None;
    }
    // Numbers and bullets that hang beside a text are a part of it.
    let markers = left.iter().filter(|fragment| is_mark(fragment)).count();
    if markers * 10 >= left.len() * 8 {
        return None;
    }
    let crossing: Vec<f64> = rules
        .iter()
        .filter(|rule| rule.x0 < x - gutter - 10.0 && rule.x1 > x + 10.0)
        .map(|rule| rule.y)
        .filter(|&y| {
            y > one.top.min(two.top) - 2.0 * size && y < one.bottom.max(two.bottom) + 1.5 * size
        })
        .collect();
    let aligned = one
        .lines
        .iter()
        .filter(|(y, _, _)| two.shares_baseline(*y, size))
        .count();
    // Without rules to prove it, a table has more rows and wider gaps, for in justified text the gaps
    // of a few lines stand over each other by chance, and its lines end at different places.
    let ends = band
        .iter()
        .filter(|fragment| fragment.x1 > two.right - 3.0)
        .count();
    let is_table = aligned * 2 >= fewer
        && (crossing.len() >= 2
            || fewer >= 3
                && gutter > (if aligned == fewer { 0.8 } else { 1.2 }) * size
                && ends * 10 < two.lines.len() * 6);
    let prose = one.is_prose() && two.is_prose();
    let kind = if prose && crossing.len() < 3 {
        Kind::Columns
    } else if is_table || crossing.len() >= 3 {
        Kind::Table
    } else if fewer >= 3 && gutter > 1.2 * size {
        Kind::Columns
    } else {
        return None;
    };
    let (top, bottom) = match kind {
        Kind::Columns => (one.top.min(two.top), one.bottom.max(two.bottom)),
        // Lines on one side only, above or below, are not of the table unless a rule holds them.
        Kind::Table => {
            let (top, bottom) = (
                one.top.max(two.top) - 0.5 * size,
                one.bottom.min(two.bottom) + 0.5 * size,
            );
            let first = crossing.iter().copied().fold(f64::INFINITY, f64::min);
            let last = crossing.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (top.min(first), run_on(band, bottom.max(last)))
        }
    };
    Some(Cut {
        x,
        top,
        bottom,
        kind,
        lines: one.lines.len() + two.lines.len(),
        gutter,
    })
}

/// Moves the end of a table down over the lines that follow without a gap: the last cell goes on.
fn run_on(band: &[&Fragment], bottom: f64) -> f64 {
    band.iter().fold(bottom, |bottom, fragment| {
        if fragment.y > bottom && fragment.y - bottom < 1.4 * fragment.size {
            fragment.y + 0.1
        } else {
            bottom
        }
    })
}

fn is_mark(fragment: &Fragment) -> bool {
    let text: String = fragment
        .glyphs
        .iter()
        .map(|glyph| glyph.text.as_str())
        .collect();
    let text = text.trim();
    text.chars().count() <= 3 || text.len() <= 12 && marker(&format!("{text} x")).is_some()
}

/// Reads a table row by row.
fn table(band: Vec<Fragment>, rules: &[Rule]) -> Vec<Vec<String>> {
    let columns = columns(&band);
    let (left, right) = (
        columns.first().map_or(0.0, |column| column.0),
        columns.last().map_or(0.0, |column| column.1),
    );
    let mut borders: Vec<f64> = rules
        .iter()
        .filter(|rule| rule.x1.min(right) - rule.x0.max(left) > 0.4 * (right - left))
        .map(|rule| rule.y)
        .collect();
    borders.sort_by(f64::total_cmp);
    let lines = rows(band);
    let begins = row_starts(&lines, &columns, &borders);
    let mut table: Vec<Vec<String>> = Vec::new();
    for (line, begins) in lines.into_iter().zip(begins) {
        if begins || table.is_empty() {
            table.push(vec![String::new(); columns.len()]);
        }
        let Some(row) = table.last_mut() else {
            continue;
        };
        let mut cells: Vec<Vec<Fragment>> = vec![Vec::new(); columns.len()];
        for fragment in line {
            cells[column_of(&columns, &fragment)].push(fragment);
        }
        for (cell, fragments) in row.iter_mut().zip(cells) {
            if let Some(line) = lines::line(fragments) {
                *cell = join(std::mem::take(cell), &line.text);
            }
        }
    }
    for row in &mut table {
        row.retain(|cell| !cell.is_empty());
    }
    table.retain(|row| !row.is_empty());
    table
}

/// The columns of a table: where no fragment stands over a gap.
fn columns(band: &[Fragment]) -> Vec<(f64, f64)> {
    let mut boxes: Vec<(f64, f64, f64)> = band.iter().map(|f| (f.x0, f.x1, f.size)).collect();
    boxes.sort_by(|one, two| one.0.total_cmp(&two.0));
    let mut columns: Vec<(f64, f64)> = Vec::new();
    for (x0, x1, size) in boxes {
        match columns.last_mut() {
            Some((_, end)) if x0 - *end < 0.5 * size => *end = end.max(x1),
            _ => columns.push((x0, x1)),
        }
    }
    columns
}

fn column_of(columns: &[(f64, f64)], fragment: &Fragment) -> usize {
    columns
        .partition_point(|(start, _)| *start <= fragment.x0 + 0.1)
        .saturating_sub(1)
}

/// Which lines begin a row: behind a rule, else behind a wider gap, else with a first cell.
fn row_starts(lines: &[Vec<Fragment>], columns: &[(f64, f64)], borders: &[f64]) -> Vec<bool> {
    let y = |line: &[Fragment]| line.first().map_or(0.0, |fragment| fragment.y);
    let size = |line: &[Fragment]| line.first().map_or(10.0, |fragment| fragment.size);
    let above = |line: &[Fragment]| {
        let middle = y(line) - 0.3 * size(line);
        borders.partition_point(|border| *border < middle)
    };
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return Vec::new();
    };
    let inner = above(last) - above(first);
    let gaps: Vec<f64> = lines
        .windows(2)
        .map(|pair| y(&pair[1]) - y(&pair[0]))
        .collect();
    let least = gaps.iter().copied().fold(f64::INFINITY, f64::min);
    let most = gaps.iter().copied().fold(0.0, f64::max);
    let mut starts = vec![true];
    for (pair, gap) in lines.windows(2).zip(&gaps) {
        let begins = if inner >= 2 {
            above(&pair[1]) > above(&pair[0])
        } else if most > 1.3 * least {
            *gap > 1.15 * least
        } else {
            pair[1]
                .iter()
                .any(|fragment| column_of(columns, fragment) == 0)
        };
        starts.push(begins);
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf::{glyphs::Glyph, lines::fragments};

    fn set(lines: &[(&str, f64, f64)]) -> Vec<Glyph> {
        let mut glyphs = Vec::new();
        for &(text, mut x, y) in lines {
            let mut spaced = false;
            for c in text.chars() {
                if c == ' ' {
                    spaced = true;
                } else {
                    glyphs.push(Glyph {
                        text: c.into(),
                        x0: x,
                        x1: x + 5.0,
                        y,
                        size: 10.0,
                        bold: false,
                        spaced: std::mem::take(&mut spaced),
                    });
                }
                x += 5.0;
            }
        }
        glyphs
    }

    fn read(lines: &[(&str, f64, f64)], rules: &[f64]) -> String {
        let rules: Vec<Rule> = rules
            .iter()
            .map(|&y| Rule {
                x0: 0.0,
                x1: 500.0,
                y,
            })
            .collect();
        let mut out = Vec::new();
        for region in regions(fragments(set(lines)), &rules) {
            match region {
                Region::Text(lines) => out.extend(lines.into_iter().map(|line| line.text)),
                Region::Table(rows) => out.extend(rows.into_iter().map(|row| row.join(" | "))),
            }
        }
        out.join("\n")
    }

    #[test]
    fn columns_do_not_interleave() {
        let mut lines = vec![(
            "a title that is as wide as the whole page is and more than that",
            0.0,
            0.0,
        )];
        for row in 1..6 {
            let y = f64::from(row) * 12.0;
            lines.push(("left side of the page, full", 0.0, y));
            lines.push(("right side of the page, so", 180.0, y + 1.0));
        }
        lines.push((
            "a foot that is as wide as the whole page is and more than that",
            0.0,
            90.0,
        ));
        let text = read(&lines, &[]);
        let sides: Vec<&str> = text.lines().map(|line| &line[..2]).collect();
        assert_eq!(sides.join(" "), "a  le le le le le ri ri ri ri ri a ");
    }

    #[test]
    fn tables_are_read_row_by_row() {
        let lines = [
            ("Purpose", 0.0, 12.0),
            ("Basis", 150.0, 12.0),
            ("Newsletter", 0.0, 30.0),
            ("consent, which can", 150.0, 30.0),
            ("be withdrawn", 150.0, 42.0),
            ("Billing", 0.0, 60.0),
            ("contract", 150.0, 60.0),
        ];
        let want =
            "Purpose | Basis\nNewsletter | consent, which can be withdrawn\nBilling | contract";
        assert_eq!(read(&lines, &[]), want);
        assert_eq!(read(&lines, &[2.0, 18.0, 48.0, 66.0]), want);
        let two_rows = &lines[..4];
        assert_eq!(read(two_rows, &[2.0, 18.0, 36.0]).lines().count(), 2);
    }

    #[test]
    fn hanging_numbers_stay_with_their_text() {
        let lines = [
            ("1.", 0.0, 0.0),
            ("the first item of the list", 30.0, 0.0),
            ("2.", 0.0, 12.0),
            ("the second item of the list", 30.0, 12.0),
            ("3.", 0.0, 24.0),
            ("the third item of the list", 30.0, 24.0),
        ];
        assert_eq!(
            read(&lines, &[]).lines().next(),
            Some("1. the first item of the list")
        );
    }
}
