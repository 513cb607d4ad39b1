use proptest::prelude::*;

use super::*;

const FRONT: &str = "---\nid: X1\nlanguage: en\nversion: 2020-01-01\ntitle: An Act\n\
                     short-title: Act\nnature: paraphrase\n---\n";

fn outline(body: &str) -> String {
    whole(&format!("{FRONT}{body}"))
}

fn whole(text: &str) -> String {
    match read(Path::new("act.md"), text, Digest::of(text)) {
        Ok((text, warnings)) => text
            .provisions
            .iter()
            .map(|p| format!("{} | {} | {} | {}\n", p.address, p.label, p.heading, p.text))
            .chain(warnings.iter().map(|warning| format!("! {warning}\n")))
            .collect(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn articles_paragraphs_and_points_get_addresses() {
    insta::assert_snapshot!(outline("
# Chapter III: Rights

## Art. 1 Scope

(1) It covers:

- (a) one thing;
- (b) another:
  - (i) like this,
    over two lines;
  - (ii) and that;
- (c) a third.

(2) Nothing else.

## Art. 2a Plain

Text straight below,
over two lines.

A second piece.

- (1) A point.

## Annex I Forms

- (1) A form.

## Recital 39

Why.
"), @"
    chp_III | Chapter III | Rights | 
    art_1 | Art. 1 | Scope | 
    art_1__para_1 | Art. 1(1) |  | It covers:
    art_1__para_1__point_a | Art. 1(1)(a) |  | one thing;
    art_1__para_1__point_b | Art. 1(1)(b) |  | another:
    art_1__para_1__point_b__point_i | Art. 1(1)(b)(i) |  | like this, over two lines;
    art_1__para_1__point_b__point_ii | Art. 1(1)(b)(ii) |  | and that;
    art_1__para_1__point_c | Art. 1(1)(c) |  | a third.
    art_1__para_2 | Art. 1(2) |  | Nothing else.
    art_2a | Art. 2a | Plain | Text straight below, over two lines. A second piece.
    art_2a__point_1 | Art. 2a(1) |  | A point.
    anx_I | Annex I | Forms | 
    anx_I__point_1 | Annex I, point 1 |  | A form.
    rec_39 | Recital 39 |  | Why.
    ");
}

#[test]
fn text_behind_points_is_a_subparagraph() {
    insta::assert_snapshot!(outline("
## Art. 1 Scope

(1) It covers:

- (a) one thing;

  and more of it;

- (b) another.

Point (a) is an exception.
It goes on.

- (a) again

A third.

(2) Nothing else.
"), @"
    art_1 | Art. 1 | Scope | 
    art_1__para_1 | Art. 1(1) |  | It covers:
    art_1__para_1__point_a | Art. 1(1)(a) |  | one thing; and more of it;
    art_1__para_1__point_b | Art. 1(1)(b) |  | another.
    art_1__para_1__subpara_2 | Art. 1(1), subpara. 2 |  | Point (a) is an exception. It goes on.
    art_1__para_1__subpara_2__point_a | Art. 1(1), subpara. 2, point (a) |  | again
    art_1__para_1__subpara_3 | Art. 1(1), subpara. 3 |  | A third.
    art_1__para_2 | Art. 1(2) |  | Nothing else.
    ");
}

#[test]
fn a_number_that_stands_twice_is_told_and_named() {
    insta::assert_snapshot!(outline("## Art. 1 A\n\n(1) x\n\n(1) y\n\n(a) z\n"), @"
    art_1 | Art. 1 | A | 
    art_1__para_1 | Art. 1(1) |  | x
    art_1__para_1-2 | Art. 1(1) |  | y (a) z
    ! `art_1__para_1` stands twice; this one is called `art_1__para_1-2`
    ! line 15: `(a) z` is read as text; a point begins with `- `
    ");
}

#[test]
fn errors_name_line_and_remedy() {
    let cases = [
        outline("stray"),
        outline("## Section 1"),
        outline("### Deep"),
        outline("# Chapter I: Empty\n\ntext"),
        outline("## Art. 1 A\n\n- no number"),
        outline(""),
        whole("---\nid: X\n"),
        whole("---\nid: X\ncolour: red\n---\n"),
        whole("---\nid: X\nid: Y\n---\n"),
        whole("---\nid: X\njust words\n---\n"),
        whole("---\nid: X\n---\n"),
        whole(&FRONT.replace("id: X1", "id: a/b#c")),
        whole(&FRONT.replace("language: en", "language: English")),
        whole(&FRONT.replace("nature: paraphrase", "nature: law")),
        whole(&FRONT.replace("title: An Act\n", "title:\n")),
    ];
    insta::assert_snapshot!(cases.join("\n"), @"
    act.md:9: `stray` stands outside of any article. Put it below a heading `## Art. 1 Heading`
    act.md:9: `Section 1` is not the heading of an article. Write `## Art. 13 Heading`, `## Annex I Heading` or `## Recital 39`
    act.md:9: `### Deep` is a heading of no known level. Write `# Chapter I: Title` and `## Art. 1 Heading`
    act.md:11: `text` stands outside of any article. Put it below a heading `## Art. 1 Heading`
    act.md:11: `- no number` has no number. Begin a point with its number: `- (a) …`
    act.md:8: there is no article. Add `## Art. 1 Heading`
    act.md:1: the front matter does not end. End it with a line `---`
    act.md:3: the key `colour` is not known. The keys are id, language, version, title, short-title and nature
    act.md:3: `id` stands twice. Remove one of the lines
    act.md:3: `just words` is not `key: value`. The front matter holds one key and value a line, and ends with `---`
    act.md:3: `language` is missing in the front matter. The keys are id, language, version, title, short-title and nature
    act.md:2: the id `a/b#c` holds other characters. Use letters, digits and `-`, `.`, `_`, `(`, `)` alone: it is part of names
    act.md:3: `English` is not a language: a two-letter code such as `en`, `fr` or `de` is expected. Give the language of the text
    act.md:7: the nature is `law`. Write `official` or `paraphrase`
    act.md:5: `title` has no value. Write it behind the colon
    ");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(body in "(#{0,3} |- |\\([0-9a-z]{1,3}\\) |  |\n|Art\\. 1|Annex|é|x )*") {
        let _ = outline(&body);
    }
}
