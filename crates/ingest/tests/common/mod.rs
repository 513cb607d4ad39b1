//! Small files of every format, made in code.

use std::io::{Cursor, Write};

/// A PDF with one page per text; each text is lines of words, set one below the other.
pub(crate) fn pdf(pages: &[&[&str]]) -> Vec<u8> {
    let contents: Vec<String> = pages
        .iter()
        .map(|lines| {
            let shown: String = lines
                .iter()
                .map(|line| format!("({line}) Tj T*\n"))
                .collect();
            format!("BT /F1 11 Tf 14 TL 60 760 Td\n{shown}ET")
        })
        .collect();
    pdf_of(&contents)
}

/// A PDF with one page per content stream.
pub(crate) fn pdf_of(contents: &[String]) -> Vec<u8> {
    pdf_with("", contents)
}

/// A PDF with one page per content stream, whose dictionaries name a filter.
pub(crate) fn pdf_with(filter: &str, contents: &[String]) -> Vec<u8> {
    let count = contents.len();
    let kids: String = (0..count)
        .map(|page| format!("{} 0 R ", 4 + 2 * page))
        .collect();
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        format!("<</Type/Pages/Kids[{kids}]/Count {count}>>"),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
    ];
    for (page, content) in contents.iter().enumerate() {
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents {} 0 R>>",
            5 + 2 * page
        ));
        objects.push(format!(
            "<</Length {}{filter}>>\nstream\n{content}\nendstream",
            content.len()
        ));
    }
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut table = String::from("0000000000 65535 f \n");
    for (number, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        write!(file, "{} 0 obj\n{object}\nendobj\n", number + 1).unwrap();
    }
    let at = file.len();
    let size = objects.len() + 1;
    write!(
        file,
        "xref\n0 {size}\n{table}trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{at}\n%%EOF\n"
    )
    .unwrap();
    file
}

/// A Word document with a body, styles and footnotes.
pub(crate) fn docx(body: &str) -> Vec<u8> {
    let space = "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main' \
        xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006'";
    let styles = "<w:style w:styleId='berschrift1'><w:name w:val='Überschrift 1'/></w:style>\
        <w:style w:styleId='Mine'><w:name w:val='mine'/><w:basedOn w:val='berschrift1'/></w:style>\
        <w:style w:styleId='Body'><w:name w:val='body'/><w:pPr><w:outlineLvl w:val='9'/></w:pPr></w:style>";
    let footnotes = "<w:footnote w:type='separator'><w:p><w:r><w:t>line</w:t></w:r></w:p></w:footnote>\
        <w:footnote w:id='2'><w:p><w:r><w:t>A note at the foot.</w:t></w:r></w:p></w:footnote>";
    zip(&[
        (
            "word/document.xml",
            &format!("<w:document {space}><w:body>{body}</w:body></w:document>"),
        ),
        (
            "word/styles.xml",
            &format!("<w:styles {space}>{styles}</w:styles>"),
        ),
        (
            "word/footnotes.xml",
            &format!("<w:footnotes {space}>{footnotes}</w:footnotes>"),
        ),
    ])
}

/// A zip archive.
pub(crate) fn zip(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        archive
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}
