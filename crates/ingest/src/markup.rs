use std::{borrow::Cow, collections::BTreeMap};

/// Elements without content, which have no end tag.
const VOID: [&str; 16] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr", "frame", "command",
];

/// Elements whose end tag may be left out; they close each other.
const UNCLOSED: [&str; 14] = [
    "p", "li", "td", "th", "tr", "dd", "dt", "option", "optgroup", "thead", "tbody", "tfoot",
    "colgroup", "rp",
];

/// Elements whose content is no markup.
const RAW: [&str; 7] = [
    "script", "style", "textarea", "title", "xmp", "iframe", "noscript",
];

/// A start or end tag as it stands in the source.
struct Tag<'s> {
    name: String,
    end: bool,
    /// Written `<a/>`.
    empty: bool,
    /// Where it begins and what it is, from `<` to `>`.
    start: usize,
    source: &'s str,
}

/// Finds the tags of a document without building a tree, in time that grows with its length.
struct Tags<'s> {
    source: &'s str,
    at: usize,
    /// Whether `<script/>` is empty, as XML has it.
    xml: bool,
}

impl<'s> Iterator for Tags<'s> {
    type Item = Tag<'s>;

    fn next(&mut self) -> Option<Tag<'s>> {
        loop {
            let start = self.at + self.source[self.at..].find('<')?;
            let rest = &self.source[start..];
            if let Some(comment) = rest.strip_prefix("<!--") {
                self.at = start + 4 + comment.find("-->").map_or(comment.len(), |end| end + 3);
                continue;
            }
            let end = rest.starts_with("</");
            let name_at = 1 + usize::from(end);
            if !rest[name_at..].starts_with(|c: char| c.is_ascii_alphabetic()) {
                self.at = start + 1;
                continue;
            }
            let length = tag_length(rest);
            let source = &rest[..length];
            let name: String = source[name_at..]
                .chars()
                .take_while(|c| !c.is_whitespace() && !matches!(c, '>' | '/'))
                .flat_map(char::to_lowercase)
                .collect();
            let empty = source.ends_with("/>");
            self.at = start + length;
            let closed = end || self.xml && empty;
            if !closed && RAW.contains(&name.as_str()) {
                self.at += raw_length(&self.source[self.at..], &name);
            }
            return Some(Tag {
                name,
                end,
                empty,
                start,
                source,
            });
        }
    }
}

/// The length of a tag, with `>` in quoted values passed over.
fn tag_length(rest: &str) -> usize {
    let mut quote = None;
    let mut before = b' ';
    for (index, &byte) in rest.as_bytes().iter().enumerate() {
        match quote {
            Some(mark) if byte == mark => quote = None,
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') && matches!(before, b'=' | b' ') => {
                quote = Some(byte)
            }
            None if byte == b'>' => return index + 1,
            None => {}
        }
        before = byte;
    }
    rest.len()
}

/// How far the content of a raw element reaches.
fn raw_length(rest: &str, name: &str) -> usize {
    rest.match_indices("</")
        .find(|(at, _)| {
            rest.get(at + 2..at + 2 + name.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(name))
        })
        .map_or(rest.len(), |(at, _)| at)
}

/// Whether a document is XML rather than HTML, so that any element may be written `<a/>`.
fn is_xml(source: &str) -> bool {
    let head = &source[..source.floor_char_boundary(2048)];
    head.trim_start().starts_with("<?xml") || head.contains("http://www.w3.org/1999/xhtml")
}

/// Whether a document in XML, which must close every element, does not do so. HTML may leave its last
/// end tags out, so there only a tag that is itself cut off tells.
pub(crate) fn is_cut_off(source: &str) -> bool {
    let end = source.trim_end();
    let last = end.rfind('<').map_or("", |at| &end[at..]);
    let in_tag =
        last[1.min(last.len())..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let open_tag = in_tag && !last.contains('>');
    open_tag || is_xml(source) && source.contains("<html") && !source.contains("</html")
}

/// How deep elements nest, counted no further than just beyond `limit`.
pub(crate) fn depth(source: &str, limit: usize) -> usize {
    let mut stack: Vec<String> = Vec::new();
    let mut open: BTreeMap<String, usize> = BTreeMap::new();
    let mut deepest = 0;
    let xml = is_xml(source);
    for tag in (Tags { source, at: 0, xml }) {
        let name = tag.name.as_str();
        if VOID.contains(&name) || UNCLOSED.contains(&name) || xml && tag.empty {
            continue;
        }
        if !tag.end {
            *open.entry(tag.name.clone()).or_default() += 1;
            stack.push(tag.name);
            deepest = deepest.max(stack.len());
            if deepest > limit {
                return deepest;
            }
        } else if open.get(name).is_some_and(|&count| count > 0) {
            while let Some(top) = stack.pop() {
                if let Some(count) = open.get_mut(&top) {
                    *count -= 1;
                }
                if top == name {
                    break;
                }
            }
        }
    }
    deepest
}

/// Writes `<a/>` as `<a></a>` in XHTML, for an HTML parser takes it for a start tag.
pub(crate) fn with_end_tags(source: &str) -> Cow<'_, str> {
    if !is_xml(source) {
        return Cow::Borrowed(source);
    }
    let mut text = String::with_capacity(source.len() + 1024);
    let mut at = 0;
    for tag in (Tags {
        source,
        at: 0,
        xml: true,
    }) {
        if tag.empty && !tag.end && !VOID.contains(&tag.name.as_str()) {
            text.push_str(&source[at..tag.start]);
            text.push_str(tag.source.trim_end_matches("/>"));
            text.push_str("></");
            text.push_str(&tag.name);
            text.push('>');
            at = tag.start + tag.source.len();
        }
    }
    text.push_str(&source[at..]);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_without_a_tree() {
        for (source, want) in [
            ("<div><p>a<p>b<p>c</div>", 1),
            ("<div><div></x></x><div>", 3),
            ("<a></a><a></a>", 1),
            ("<div><span></div><div><span></div>", 2),
            ("<script><b><b><b></script><b>", 1),
            ("<!-- <b><b> --><b title='>'>", 1),
            ("a < b <", 0),
            ("<b <b", 1),
        ] {
            assert_eq!(depth(source, 100), want, "{source}");
        }
        assert_eq!(depth(&"<div>".repeat(200_000), 1000), 1001);
    }

    #[test]
    fn a_page_that_was_cut_off_is_told() {
        for (source, want) in [
            ("<html><p>a", false),
            ("<html><p>a</", true),
            ("<html><p>a<p class='b", true),
            ("a < b", false),
            ("<?xml version='1.0'?><html><p>a</p></html>", false),
            ("<?xml version='1.0'?><html><p>a</p>", true),
            ("", false),
        ] {
            assert_eq!(is_cut_off(source), want, "{source}");
        }
    }

    #[test]
    fn empty_elements_of_xhtml_get_an_end_tag() {
        let xhtml = "<?xml version='1.0'?><html><script src='a'/><p class=\"b\"/>c<br/></html>";
        insta::assert_snapshot!(with_end_tags(xhtml), @r#"<?xml version='1.0'?><html><script src='a'></script><p class="b"></p>c<br/></html>"#);
        assert!(matches!(with_end_tags("<html><br/>"), Cow::Borrowed(_)));
    }
}
