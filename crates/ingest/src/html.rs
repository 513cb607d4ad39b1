use konform_terms::{Format, UnreadableReason, WarningKind};
use scraper::{Html, Node, node::Element};

use crate::{
    Limits,
    draft::{BlockKind, Draft},
    error::Refusal,
    markup,
};

/// Reads HTML, XHTML and inline XBRL: what a reader of the page sees, in order.
pub(crate) fn read(source: &str, limits: &Limits) -> Result<Draft, Refusal> {
    let mut draft = Draft::new(Format::Html);
    if add_blocks(source, limits, &mut draft) {
        if markup::is_cut_off(source) {
            draft.warn(
                WarningKind::Damaged,
                "the page ends before its last end tag, and text may be lost; get a fresh copy",
            );
        }
        Ok(draft)
    } else {
        Err(Refusal::new(
            UnreadableReason::Damaged,
            format!(
                "its elements nest more than {} deep, which no page needs; save it from a browser again, or as PDF",
                limits.html_depth
            ),
        ))
    }
}

/// Adds the blocks of a piece of HTML; false where it nests too deeply.
pub(crate) fn add_blocks(source: &str, limits: &Limits, draft: &mut Draft) -> bool {
    if markup::depth(source, limits.html_depth) > limits.html_depth {
        return false;
    }
    let html = Html::parse_document(&markup::with_end_tags(source));
    let mut walk = Walk {
        draft,
        text: String::new(),
        kinds: vec![BlockKind::Paragraph],
        row_begins: false,
        preformatted: 0,
    };
    // The tree is walked without recursion, for it may be deep.
    let mut node = html.tree.root();
    'walk: loop {
        let enter = match node.value() {
            Node::Element(element) => walk.enter(element),
            Node::Text(text) => {
                walk.text(text);
                false
            }
            Node::Document | Node::Fragment => true,
            _ => false,
        };
        if enter && let Some(child) = node.first_child() {
            node = child;
            continue;
        }
        if enter && let Node::Element(element) = node.value() {
            walk.leave(element);
        }
        loop {
            if let Some(next) = node.next_sibling() {
                node = next;
                break;
            }
            let Some(parent) = node.parent() else {
                break 'walk;
            };
            node = parent;
            if let Node::Element(element) = node.value() {
                walk.leave(element);
            }
        }
    }
    walk.flush();
    true
}

struct Walk<'d> {
    draft: &'d mut Draft,
    text: String,
    /// What the text belongs to, innermost last.
    kinds: Vec<BlockKind>,
    /// Whether the next cell begins a row.
    row_begins: bool,
    preformatted: usize,
}

impl Walk<'_> {
    /// Begins an element; false where its content is not shown.
    fn enter(&mut self, element: &Element) -> bool {
        let name = element.name();
        if is_hidden(element) {
            return false;
        }
        if name == "br" {
            self.line_break();
            return false;
        }
        if is_block(name) {
            self.flush();
        }
        match name {
            "tr" => self.row_begins = true,
            "pre" => self.preformatted += 1,
            "wbr" | "img" | "input" => {}
            _ => {}
        }
        if let Some(kind) = self.kind(name) {
            self.kinds.push(kind);
        }
        true
    }

    fn leave(&mut self, element: &Element) {
        let name = element.name();
        if is_block(name) {
            self.flush();
        }
        if name == "pre" {
            self.preformatted = self.preformatted.saturating_sub(1);
        }
        if kind_of(name).is_some() {
            self.kinds.pop();
        }
    }

    fn kind(&self, name: &str) -> Option<BlockKind> {
        let kind = kind_of(name)?;
        // A heading or list within a cell is a part of the cell.
        let in_cell = self
            .kinds
            .iter()
            .any(|kind| matches!(kind, BlockKind::Cell { .. }));
        Some(if in_cell && !matches!(kind, BlockKind::Cell { .. }) {
            BlockKind::Cell { first: false }
        } else {
            kind
        })
    }

    fn text(&mut self, text: &str) {
        if self.preformatted > 0 {
            for (index, line) in text.split('\n').enumerate() {
                if index > 0 {
                    self.line_break();
                }
                self.text.push_str(line);
            }
        } else {
            self.text.push_str(&text.replace('\n', " "));
        }
    }

    /// Two breaks in a row end a paragraph, as one blank line does.
    fn line_break(&mut self) {
        if self.text.trim_end_matches(' ').ends_with('\n') {
            self.flush();
        } else {
            self.text.push('\n');
        }
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return;
        }
        let mut kind = self.kinds.last().copied().unwrap_or(BlockKind::Paragraph);
        if let BlockKind::Cell { first } = &mut kind {
            *first = std::mem::take(&mut self.row_begins);
        }
        self.draft.push(kind, &text);
    }
}

fn kind_of(name: &str) -> Option<BlockKind> {
    Some(match name {
        "h1" => BlockKind::Heading(1),
        "h2" => BlockKind::Heading(2),
        "h3" => BlockKind::Heading(3),
        "h4" => BlockKind::Heading(4),
        "h5" => BlockKind::Heading(5),
        "h6" => BlockKind::Heading(6),
        "li" | "dd" | "dt" => BlockKind::Item,
        "td" | "th" => BlockKind::Cell { first: false },
        _ => return None,
    })
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "button"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hr"
            | "html"
            | "legend"
            | "li"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "option"
            | "p"
            | "pre"
            | "section"
            | "select"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
            | "ul"
    )
}

/// Whether an element and what is in it is not shown on the page.
fn is_hidden(element: &Element) -> bool {
    let name = element.name();
    if matches!(
        name,
        "head"
            | "script"
            | "style"
            | "template"
            | "noscript"
            | "title"
            | "iframe"
            | "object"
            | "svg"
            | "math"
            | "canvas"
            | "audio"
            | "video"
            | "textarea"
            | "datalist"
            | "ix:header"
            | "ix:hidden"
    ) || element.attr("hidden").is_some()
    {
        return true;
    }
    element.attr("style").is_some_and(|style| {
        let style: String = style
            .chars()
            .filter(|c| !c.is_whitespace())
            .flat_map(char::to_lowercase)
            .collect();
        style
            .split(';')
            .any(|rule| rule.starts_with("display:none") || rule.starts_with("visibility:hidden"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(source: &str) -> String {
        let draft = read(source, &Limits::default()).unwrap();
        let lines = draft
            .blocks
            .iter()
            .map(|block| format!("{:?}: {}", block.kind, block.text));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_seen_is_read_in_order() {
        let source = "<!doctype html><head><title>t</title><style>s</style></head><body>\
            <nav>menu</nav><h1>Privacy <em>notice</em></h1>\
            <div>We keep<br>data.<br><br>Always.<p>One.<p>Two.</div>\
            <ul><li>first<li><p>second</p><ul><li>inner</ul></ul>\
            <table><tr><th>who<th>why<tr><td><p>us</p><p>all</p><td>law</table>\
            <script>no()</script><template>no</template><!-- no --><p hidden>no</p>\
            <p style='color:red; display : none'>no</p><p>Yes&nbsp;&amp; s\u{ad}oft</p>";
        insta::assert_snapshot!(blocks(source), @r#"
        Paragraph: menu
        Heading(1): Privacy notice
        Paragraph: We keep data.
        Paragraph: Always.
        Paragraph: One.
        Paragraph: Two.
        Item: first
        Item: second
        Item: inner
        Cell { first: true }: who
        Cell { first: false }: why
        Cell { first: true }: us
        Cell { first: false }: all
        Cell { first: false }: law
        Paragraph: Yes & soft
        "#);
    }

    #[test]
    fn xhtml_and_inline_xbrl_show_what_is_on_the_page() {
        let source = "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title/><script src='a'/></head>\
            <body><div style='display:none'><ix:header><ix:hidden>no</ix:hidden></ix:header></div>\
            <p>Revenue <ix:nonFraction name='a'>1,200</ix:nonFraction> <span/>EUR</p></body></html>";
        insta::assert_snapshot!(blocks(source), @"Paragraph: Revenue 1,200 EUR");
    }

    #[test]
    fn deep_nesting_is_refused_before_it_costs_time() {
        let refusal = read(&"<div>".repeat(200_000), &Limits::default()).unwrap_err();
        assert_eq!(refusal.reason, UnreadableReason::Damaged);
        let fits = format!("{}words{}", "<div>".repeat(900), "</div>".repeat(900));
        assert_eq!(blocks(&fits), "Paragraph: words");
    }
}
