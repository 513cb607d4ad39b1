use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask,
    font::{Glyph as Drawn, GlyphRun},
    hayro_cmap::BfString,
    kurbo::{Affine, BezPath, Point, Rect, Vec2},
};
use unicode_normalization::char::{canonical_combining_class, compose};

/// A letter and where it stands, in points; y grows downwards.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Glyph {
    pub(super) text: String,
    pub(super) x0: f64,
    pub(super) x1: f64,
    /// The baseline.
    pub(super) y: f64,
    pub(super) size: f64,
    pub(super) bold: bool,
    /// Whether a space was drawn before it.
    pub(super) spaced: bool,
}

/// A horizontal rule, as it separates rows of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rule {
    pub(super) x0: f64,
    pub(super) x1: f64,
    pub(super) y: f64,
}

/// The letters of one page that run in one direction, turned so that they run to the right.
#[derive(Debug, Default)]
pub(super) struct Direction {
    /// In degrees.
    angle: i32,
    pub(super) glyphs: Vec<Glyph>,
    /// Whether the last thing drawn was a space.
    space: bool,
}

/// Collects what a page draws.
#[derive(Debug)]
pub(super) struct Collector {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) directions: Vec<Direction>,
    rules: Vec<Rule>,
    /// Letters whose character is unknown.
    pub(super) unmapped: usize,
    /// Letters that are drawn without ink, as text recognition leaves them.
    pub(super) invisible: usize,
    pub(super) pictures: usize,
    /// The share of the page under the largest picture.
    pub(super) picture_share: f64,
    pub(super) paths: usize,
}

impl Collector {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            directions: Vec::new(),
            rules: Vec::new(),
            unmapped: 0,
            invisible: 0,
            pictures: 0,
            picture_share: 0.0,
            paths: 0,
        }
    }

    pub(super) fn letters(&self) -> usize {
        self.directions
            .iter()
            .map(|direction| direction.glyphs.len())
            .sum()
    }

    /// Adds a letter that runs in a direction.
    pub(super) fn place(&mut self, angle: i32, glyph: Glyph) {
        self.direction(angle).add(glyph);
    }

    fn direction(&mut self, angle: i32) -> &mut Direction {
        let index = self
            .directions
            .iter()
            .position(|direction| direction.angle == angle)
            .unwrap_or_else(|| {
                self.directions.push(Direction {
                    angle,
                    ..Direction::default()
                });
                self.directions.len() - 1
            });
        &mut self.directions[index]
    }
}

impl<'a> Device<'a> for Collector {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        let glyphs = run.glyphs();
        let bold = glyphs.first().is_some_and(|glyph| is_bold(glyph));
        let places: Vec<Place> = glyphs
            .iter()
            .map(|glyph| Place::of(props.transform * glyph.transform()))
            .collect();
        let advances: Vec<f64> = glyphs.iter().map(|glyph| advance(glyph)).collect();
        let scale = advance_scale(&places, &advances);
        let symbols = glyphs.iter().filter(|glyph| is_symbol(glyph)).count();
        for ((glyph, place), advance) in glyphs.iter().zip(&places).zip(&advances) {
            let origin = place.origin;
            // What lies outside of the page is not seen.
            if !place.is_sound()
                || !(-2.0..=self.width + 2.0).contains(&origin.x)
                || !(-2.0..=self.height + 2.0).contains(&origin.y)
            {
                continue;
            }
            let Some(text) = characters(glyph, symbols) else {
                self.unmapped += 1;
                continue;
            };
            let (angle, x, y) = place.turned();
            let direction = self.direction(angle);
            if text.chars().all(|c| c.is_whitespace() || c.is_control()) {
                direction.space = true;
                continue;
            }
            let spaced = std::mem::take(&mut direction.space);
            let new = Glyph {
                text,
                x0: x,
                x1: x + advance * scale.of(place),
                y,
                size: place.size,
                bold,
                spaced,
            };
            self.place(angle, new);
            if matches!(mode, DrawMode::Invisible) {
                self.invisible += 1;
            }
        }
    }

    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, _: &DrawMode) {
        self.paths += 1;
        if path.elements().len() > 12 {
            return;
        }
        let bounds = props.transform.transform_rect_bbox(path.control_box());
        self.rule(bounds);
    }

    fn draw_rect(&mut self, rect: &Rect, props: DrawProps<'a>, _: &DrawMode) {
        self.paths += 1;
        self.rule(props.transform.transform_rect_bbox(*rect));
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        self.pictures += 1;
        let size = Rect::new(
            0.0,
            0.0,
            f64::from(image.width()),
            f64::from(image.height()),
        );
        let page = Rect::new(0.0, 0.0, self.width, self.height);
        let share = |rect: Rect| {
            props
                .transform
                .transform_rect_bbox(rect)
                .intersect(page)
                .area()
                / page.area().max(1.0)
        };
        self.picture_share = self.picture_share.max(share(size));
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

impl Collector {
    /// The rules from top to bottom; pieces that were drawn cell by cell are put together.
    pub(super) fn take_rules(&mut self) -> Vec<Rule> {
        let mut rules = std::mem::take(&mut self.rules);
        rules.sort_by(|one, two| one.y.total_cmp(&two.y));
        let mut joined: Vec<Rule> = Vec::new();
        for level in rules.chunk_by(|one, two| two.y - one.y < 1.0) {
            let mut level = level.to_vec();
            level.sort_by(|one, two| one.x0.total_cmp(&two.x0));
            let from = joined.len();
            for rule in level {
                match joined.get_mut(from..).and_then(<[Rule]>::last_mut) {
                    Some(last) if rule.x0 - last.x1 < 3.0 => last.x1 = last.x1.max(rule.x1),
                    _ => joined.push(rule),
                }
            }
        }
        joined
    }

    fn rule(&mut self, bounds: Rect) {
        if bounds.width() < 20.0 || bounds.width().is_nan() {
            return;
        }
        let mut add = |y| {
            self.rules.push(Rule {
                x0: bounds.x0,
                x1: bounds.x1,
                y,
            });
        };
        add(bounds.y0);
        if bounds.height() > 3.0 {
            add(bounds.y1);
        }
    }
}

impl Direction {
    pub(super) fn angle(&self) -> i32 {
        self.angle
    }

    /// Adds a letter; marks above and below letters join the letter that they belong to.
    fn add(&mut self, new: Glyph) {
        if let Some(last) = self.glyphs.last_mut()
            && (last.y - new.y).abs() < new.size
        {
            let over = new.x0 < last.x1 - 0.1 * last.size || new.x1 - new.x0 < 0.05 * new.size;
            let near = (new.x0 - last.x1).abs() < 0.5 * new.size || over;
            let mut marks = new.text.chars();
            if near
                && !new.spaced
                && let (Some(mark), None) = (marks.next(), marks.next())
                && canonical_combining_class(mark) != 0
            {
                last.text.push(mark);
                return;
            }
            // Old TeX fonts draw the accent on its own and the letter under it.
            let (accent, letter) = if is_accent(&last.text) {
                (&*last, &new)
            } else {
                (&new, &*last)
            };
            let middle = (accent.x0 + accent.x1) / 2.0;
            let on_it = letter.x0 <= middle && middle <= letter.x1;
            if let Some(composed) = on_it.then(|| with_accent(&last.text, &new.text)).flatten() {
                let spaced = last.spaced;
                let x0 = last.x0.min(new.x0);
                *last = Glyph {
                    text: composed,
                    x0,
                    spaced,
                    x1: new.x1.max(last.x1),
                    ..if is_accent(&last.text) {
                        new
                    } else {
                        last.clone()
                    }
                };
                return;
            }
        }
        self.glyphs.push(new);
    }
}

/// The letter with its accent, where one of the two texts is an accent of its own.
fn with_accent(one: &str, two: &str) -> Option<String> {
    let (accent, letter) = if is_accent(one) {
        (one, two)
    } else {
        (two, one)
    };
    let mark = combining(accent)?;
    let mut letters = letter.chars();
    let (letter, None) = (letters.next()?, letters.next()) else {
        return None;
    };
    let letter = match letter {
        'ı' => 'i',
        'ȷ' => 'j',
        other => other,
    };
    compose(letter, mark).map(String::from)
}

fn is_accent(text: &str) -> bool {
    combining(text).is_some()
}

/// The combining mark for an accent that stands alone.
fn combining(accent: &str) -> Option<char> {
    Some(match accent {
        "`" | "\u{2cb}" => '\u{300}',
        "´" | "\u{2ca}" => '\u{301}',
        "^" | "ˆ" => '\u{302}',
        "~" | "˜" => '\u{303}',
        "¯" | "ˉ" => '\u{304}',
        "˘" => '\u{306}',
        "˙" => '\u{307}',
        "¨" => '\u{308}',
        "˚" => '\u{30a}',
        "˝" => '\u{30b}',
        "ˇ" => '\u{30c}',
        "¸" => '\u{327}',
        "˛" => '\u{328}',
        _ => return None,
    })
}

/// Where a glyph stands on the page.
struct Place {
    origin: Point,
    along: Vec2,
    /// The length of one em along the line, and across it, which is the font size.
    em: f64,
    size: f64,
}

impl Place {
    fn of(transform: Affine) -> Self {
        let [a, b, c, d, e, f] = transform.as_coeffs();
        let along = Vec2::new(a, b);
        let across = Vec2::new(c, d);
        Self {
            origin: Point::new(e, f),
            along,
            em: along.hypot() * 1000.0,
            size: across.hypot() * 1000.0,
        }
    }

    fn is_sound(&self) -> bool {
        self.em.is_finite() && self.size.is_finite() && self.size > 0.5 && self.origin.is_finite()
    }

    /// The direction of the line in degrees, and the origin turned so that the line runs right.
    fn turned(&self) -> (i32, f64, f64) {
        let degrees = self.along.atan2().to_degrees().round();
        let angle = if (degrees / 90.0 - (degrees / 90.0).round()).abs() < 0.12 {
            (degrees / 90.0).round() * 90.0
        } else {
            (degrees / 15.0).round() * 15.0
        };
        #[expect(clippy::cast_possible_truncation, reason = "an angle is small")]
        let angle = (angle as i32).rem_euclid(360);
        let (sin, cos) = f64::from(angle).to_radians().sin_cos();
        let Point { x, y } = self.origin;
        (angle, x * cos + y * sin, y * cos - x * sin)
    }
}

/// Which of the two lengths of an em the advance of a glyph counts in. A font that stands in for one
/// that is missing is stretched, and then they differ.
#[derive(Clone, Copy)]
enum Scale {
    Em,
    Size,
}

impl Scale {
    fn of(self, place: &Place) -> f64 {
        match self {
            Self::Em => place.em,
            Self::Size => place.size,
        }
    }
}

fn advance_scale(places: &[Place], advances: &[f64]) -> Scale {
    let mut errors = (0.0, 0.0);
    for (pair, advance) in places.windows(2).zip(advances) {
        let step = (pair[1].origin - pair[0].origin).hypot();
        errors.0 += (step - advance * pair[0].em).abs();
        errors.1 += (step - advance * pair[0].size).abs();
    }
    if errors.1 < errors.0 {
        Scale::Size
    } else {
        Scale::Em
    }
}

fn advance(glyph: &Drawn<'_>) -> f64 {
    let width = match glyph {
        Drawn::Outline(glyph) => glyph.advance_width(),
        Drawn::Type3(glyph) => glyph.advance_width(),
    };
    f64::from(width.unwrap_or(500.0)) / 1000.0
}

fn is_bold(glyph: &Drawn<'_>) -> bool {
    let Drawn::Outline(glyph) = glyph else {
        return false;
    };
    glyph.font_data().is_some_and(|font| {
        font.weight
            .is_some_and(|weight| (600..=1000).contains(&weight))
            || font.postscript_name.is_some_and(|name| {
                let name = name.to_lowercase();
                ["bold", "black", "heavy", "-bd"]
                    .iter()
                    .any(|word| name.contains(word))
            })
    })
}

fn unicode(glyph: &Drawn<'_>) -> Option<String> {
    match glyph.as_unicode()? {
        BfString::Char(character) => Some(character.into()),
        BfString::String(text) => Some(text),
    }
}

/// Whether a glyph comes from a symbol font, which numbers its glyphs in the private range.
fn is_symbol(glyph: &Drawn<'_>) -> bool {
    unicode(glyph).is_some_and(|text| text.chars().any(|c| ('\u{f000}'..='\u{f0ff}').contains(&c)))
}

/// What a glyph stands for; nothing where its font does not say.
fn characters(glyph: &Drawn<'_>, symbols: usize) -> Option<String> {
    let Some(text) = unicode(glyph) else {
        return (glyph.char_code() == 32).then(|| " ".to_owned());
    };
    if text.is_empty() || text.chars().any(|c| matches!(c, '\0' | '\u{fffd}')) {
        return None;
    }
    if text.chars().any(|c| matches!(c, '\u{e000}'..='\u{f8ff}')) {
        let letter = text.chars().next().and_then(|c| {
            let code = (c as u32).checked_sub(0xf000)?;
            char::from_u32(code).filter(|c| c.is_ascii_graphic())
        });
        // Alone it is a bullet; many of them are text in a symbol encoding.
        return Some(match letter {
            Some(letter) if symbols > 3 => letter.into(),
            _ => "•".to_owned(),
        });
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glyph(text: &str, x0: f64, x1: f64) -> Glyph {
        Glyph {
            text: text.into(),
            x0,
            x1,
            y: 0.0,
            size: 10.0,
            bold: false,
            spaced: false,
        }
    }

    #[test]
    fn accents_join_their_letter() {
        for (glyphs, want) in [
            (&[("´", 0.0, 5.0), ("e", 0.0, 5.0)][..], &["é"][..]),
            (&[("e", 0.0, 5.0), ("\u{301}", 5.0, 5.0)], &["e\u{301}"]),
            (&[("c", 0.0, 5.0), ("¸", 0.5, 4.5)], &["ç"]),
            (&[("¨", 0.0, 3.0), ("ı", 0.0, 3.0)], &["ï"]),
            (&[("a", 0.0, 5.0), ("´", 5.0, 8.0)], &["a", "´"]),
            (
                &[("a", 0.0, 5.0), ("¨", 3.9, 8.9), ("ı", 5.0, 7.8)],
                &["a", "ï"],
            ),
        ] {
            let mut direction = Direction::default();
            for (text, x0, x1) in glyphs {
                direction.add(glyph(text, *x0, *x1));
            }
            let texts: Vec<&str> = direction
                .glyphs
                .iter()
                .map(|glyph| glyph.text.as_str())
                .collect();
            assert_eq!(texts, want);
        }
    }

    #[test]
    fn borders_of_cells_are_put_together() {
        let mut collector = Collector::new(600.0, 800.0);
        for (x0, x1, y0, y1) in [
            (10.0, 100.0, 50.0, 70.0),
            (101.0, 200.0, 50.2, 70.2),
            (10.0, 200.0, 90.0, 90.5),
            (0.0, 5.0, 0.0, 90.0),
        ] {
            collector.rule(Rect::new(x0, y0, x1, y1));
        }
        let rules: Vec<(f64, f64, f64)> = collector
            .take_rules()
            .into_iter()
            .map(|rule| (rule.x0, rule.x1, rule.y.round()))
            .collect();
        assert_eq!(
            rules,
            [
                (10.0, 200.0, 50.0),
                (10.0, 200.0, 70.0),
                (10.0, 200.0, 90.0)
            ]
        );
    }

    #[test]
    fn turned_lines_run_to_the_right() {
        let up = Place::of(Affine::new([0.0, -0.01, 0.01, 0.0, 30.0, 100.0]));
        let (angle, x, y) = up.turned();
        assert_eq!(angle, 270);
        assert!(
            (x + 100.0).abs() < 1e-6 && (y - 30.0).abs() < 1e-6,
            "{x} {y}"
        );
    }
}
