use proptest::prelude::*;

use super::*;

/// An act of our own, with everything that real ones have.
const ACT: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<CONS.ACT><INFO.CONSLEG START.DATE="20300102"/><CONS.DOC>
<BIB.INSTANCE><DATE ISO="20300102">20300102</DATE><LG.DOC>EN</LG.DOC></BIB.INSTANCE>
<FAM.COMP><BIB.DATA><NO.CELEX>32029R0042</NO.CELEX><TITLE><TI><P>Other</P></TI></TITLE></BIB.DATA></FAM.COMP>
<TITLE><TI><P>Regulation on <HT TYPE="ITALIC">kites</HT><NOTE><P>Note.</P></NOTE></P><P>(Text)</P></TI></TITLE>
<ENACTING.TERMS>
<DIVISION><TITLE><TI><P>CHAPTER II</P></TI><STI><P>Flying</P></STI></TITLE>
<DIVISION><TITLE><TI><P>Section 1</P></TI><STI><P>Wind</P></STI></TITLE>
<ARTICLE IDENTIFIER="004A"><TI.ART>Article 4a</TI.ART><STI.ART><P>Strings</P></STI.ART>
<PARAG IDENTIFIER="004A.001"><NO.PARAG>1.</NO.PARAG><ALINEA><P>A <QUOT.START CODE="2018"/>string<QUOT.END CODE="2019"/><NOTE><P>Gone.</P></NOTE><?PAGE NO="2"?>:</P>
<LIST TYPE="alpha"><ITEM><NP><NO.P>(a)</NO.P><TXT>is <DATE ISO="1">long</DATE>;</TXT>
<P><LIST TYPE="DASH"><ITEM><NP><NO.P>—</NO.P><TXT>or longer;</TXT></NP></ITEM></LIST></P></NP></ITEM>
<ITEM><NP><NO.P>(b)</NO.P><TXT>is:</TXT><P><LIST><ITEM><NP><NO.P>(i)</NO.P><TXT>thin,</TXT></NP></ITEM></LIST></P><P>and light</P></NP></ITEM></LIST>
<P>where that is possible.</P></ALINEA>
<ALINEA>Point (a) is advice.</ALINEA></PARAG>
<PARAG><NO.PARAG>2.</NO.PARAG><ALINEA>It is amended:<QUOT.S><PARAG><NO.PARAG>3.</NO.PARAG><ALINEA>New.</ALINEA></PARAG></QUOT.S></ALINEA></PARAG>
</ARTICLE></DIVISION></DIVISION>
<ARTICLE IDENTIFIER="005"><TI.ART>Article 5</TI.ART><ALINEA>One.</ALINEA><ALINEA>Two.</ALINEA></ARTICLE>
</ENACTING.TERMS>
<CONS.ANNEX><TITLE><TI><P>ANNEX III</P></TI><STI><P>Tables</P></STI></TITLE><CONTENTS>
<GR.SEQ><TITLE><TI><P>Section A — Colours</P></TI></TITLE><NP><NO.P>1.</NO.P><TXT>Red.</TXT></NP></GR.SEQ>
<GR.SEQ><TITLE><TI><NP><NO.P>2.</NO.P><TXT>Overview</TXT></NP></TI></TITLE><NP><NO.P>2.1.</NO.P><TXT>Blue.</TXT></NP></GR.SEQ>
<P><TBL><GR.NOTES><NOTE><P>N</P></NOTE></GR.NOTES><CORPUS><ROW TYPE="HEADER"><CELL>Code</CELL><CELL>What</CELL></ROW>
<ROW><CELL>K1</CELL><CELL>Kite</CELL></ROW></CORPUS></TBL></P>
</CONTENTS></CONS.ANNEX></CONS.DOC></CONS.ACT>"#;

fn outline(xml: &str) -> String {
    match read(Path::new("act.xml"), xml, Digest::of(xml)) {
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
fn every_unit_gets_its_address_label_and_words() {
    insta::assert_snapshot!(outline(ACT), @"
    chp_II | CHAPTER II | Flying | 
    chp_II__sec_1 | Section 1 | Wind | 
    art_4a | Art. 4a | Strings | 
    art_4a__para_1 | Art. 4a(1) |  | A ‘string’:
    art_4a__para_1__point_a | Art. 4a(1)(a) |  | is long; — or longer;
    art_4a__para_1__point_b | Art. 4a(1)(b) |  | is:
    art_4a__para_1__point_b__point_i | Art. 4a(1)(b)(i) |  | thin,
    art_4a__para_1__point_b__wrapup | Art. 4a(1)(b), closing words |  | and light
    art_4a__para_1__wrapup | Art. 4a(1), closing words |  | where that is possible.
    art_4a__para_1__subpara_2 | Art. 4a(1), subpara. 2 |  | Point (a) is advice.
    art_4a__para_2 | Art. 4a(2) |  | It is amended: 3. New.
    art_5 | Art. 5 |  | One. Two.
    anx_III | Annex III | Tables | 
    anx_III__sec_A | Annex III, Section A | Colours | 
    anx_III__sec_A__point_1 | Annex III, Section A, point 1 |  | Red.
    anx_III__point_2 | Annex III, point 2 | Overview | 
    anx_III__point_2__point_2-1 | Annex III, point 2.1 |  | Blue.
    anx_III__wrapup | Annex III, closing words |  | Code What
    anx_III__wrapup__row_1 | Annex III, closing words, row 1 |  | K1 Kite
    ");
}

#[test]
fn the_instrument_is_named_by_what_the_file_says() {
    let (text, _) = read(Path::new("act.xml"), ACT, Digest::of(ACT)).unwrap();
    let Instrument {
        id,
        language,
        version,
        title,
        short_title,
        ..
    } = text.instrument;
    insta::assert_snapshot!(
        format!("{id} | {language} | {version} | {title} | {short_title}"),
        @"32029R0042 | en | 2030-01-02 | Regulation on kites (Text) | Regulation 2029/42"
    );
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let deep = format!(
        "<ACT>{}{}</ACT>",
        "<P>".repeat(100_000),
        "</P>".repeat(100_000)
    );
    let cases = [
        outline("<ACT>\n<P>\n</ACT>"),
        outline("<!DOCTYPE ACT [<!ENTITY a \"b\">]><ACT>&a;</ACT>"),
        outline("<ACT/>"),
        outline(&ACT.replace("<LG.DOC>EN</LG.DOC>", "")),
        outline(&ACT.replace("20300102", "soon")),
        outline(
            &ACT.replace("ARTICLE", "THING")
                .replace("CONS.ANNEX", "THING"),
        ),
        outline(&deep),
    ];
    insta::assert_snapshot!(cases.join("\n"), @"
    act.xml:3: the XML is broken (expected 'P' tag, not 'ACT' at 3:1). Fetch the file again
    act.xml:1: it declares a document type, which konform does not read. Remove the declaration `<!DOCTYPE …>`
    act.xml:1: no `LG.DOC` names the language. Import the file as the Publications Office gives it
    act.xml:1: no `LG.DOC` names the language. Import the file as the Publications Office gives it
    act.xml:1: no date says which version this is. Import the file as the Publications Office gives it
    act.xml:1: there is no article in it. Import the file as the Publications Office gives it
    act.xml:1: elements nest deeper than 200. This is no text of law; fetch the file again
    ");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_damage_makes_it_panic(
        changes in prop::collection::vec((0..ACT.len(), any::<u8>()), 1..6),
        cut in 0..ACT.len(),
        cut_it in any::<bool>(),
    ) {
        let mut bytes = ACT.as_bytes().to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        if cut_it {
            bytes.truncate(cut);
        }
        let _ = outline(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_order_of_elements_makes_it_panic(from in 0..200_usize, to in 0..200_usize) {
        // Well-formed text with names exchanged reaches further than broken text.
        let tags = ["PARAG", "ALINEA", "LIST", "ITEM", "NP", "NO.P", "TXT", "P", "TITLE", "TI",
                    "GR.SEQ", "ROW", "ARTICLE", "TBL", "QUOT.S", "NO.PARAG", "DIVISION", "NOTE"];
        let (from, to) = (tags[from % tags.len()], tags[to % tags.len()]);
        let xml = ACT
            .replace(&format!("<{from}>"), &format!("<{to}>"))
            .replace(&format!("</{from}>"), &format!("</{to}>"));
        let _ = outline(&xml);
    }
}
