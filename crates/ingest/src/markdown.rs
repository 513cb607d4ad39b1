use konform_terms::{Format, WarningKind};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::{
    Limits,
    draft::{BlockKind, Draft},
    html,
};

/// Reads Markdown (`CommonMark` with tables and footnotes): the words without the markup.
pub(crate) fn read(source: &str, limits: &Limits) -> Draft {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut walk = Walk {
        draft: Draft::new(Format::Markdown),
        limits,
        text: String::new(),
        kinds: vec![BlockKind::Paragraph],
        row_begins: false,
        left_out: 0,
        html: None,
    };
    for event in Parser::new_ext(source, options) {
        walk.event(event);
    }
    walk.flush();
    walk.draft
}

struct Walk<'l> {
    draft: Draft,
    limits: &'l Limits,
    text: String,
    kinds: Vec<BlockKind>,
    row_begins: bool,
    /// How many elements around are not read: front matter, struck-out words.
    left_out: usize,
    html: Option<String>,
}

impl Walk<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Html(html) => {
                if let Some(block) = &mut self.html {
                    block.push_str(&html);
                }
            }
            _ if self.left_out > 0 => {}
            Event::Text(text) | Event::Code(text) => self.text.push_str(&text),
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.text.push('\n'),
            Event::InlineHtml(tag) if tag.to_lowercase().starts_with("<br") => self.text.push('\n'),
            Event::Rule => self.flush(),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.kinds.push(BlockKind::Heading(*level as u8));
            }
            Tag::Item => {
                self.flush();
                self.kinds.push(BlockKind::Item);
            }
            Tag::TableHead | Tag::TableRow => {
                self.flush();
                self.row_begins = true;
            }
            Tag::TableCell => {
                let first = std::mem::take(&mut self.row_begins);
                self.kinds.push(BlockKind::Cell { first });
            }
            Tag::MetadataBlock(_) | Tag::Strikethrough => self.left_out += 1,
            Tag::HtmlBlock => {
                self.flush();
                self.html = Some(String::new());
            }
            Tag::Paragraph
            | Tag::CodeBlock(_)
            | Tag::List(_)
            | Tag::BlockQuote(_)
            | Tag::Table(_) => self.flush(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) | TagEnd::Item | TagEnd::TableCell => {
                self.flush();
                self.kinds.pop();
            }
            TagEnd::MetadataBlock(_) | TagEnd::Strikethrough => {
                self.left_out = self.left_out.saturating_sub(1);
            }
            TagEnd::HtmlBlock => {
                let source = self.html.take().unwrap_or_default();
                if !html::add_blocks(&source, self.limits, &mut self.draft) {
                    self.draft.warn(
                        WarningKind::Damaged,
                        "a piece of HTML nests too deeply and was left out",
                    );
                }
            }
            TagEnd::Paragraph | TagEnd::CodeBlock | TagEnd::List(_) | TagEnd::BlockQuote(_) => {
                self.flush()
            }
            _ => {}
        }
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        let kind = self.kinds.last().copied().unwrap_or(BlockKind::Paragraph);
        self.draft.push(kind, &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_without_markup() {
        let source = "---\ntitle: no\n---\n# A *good* notice\n\nWe [keep](http://a.example) `data`\nfor **long**. ~~No.~~\n\n\
            - one\n- two\n\n  more\n\n| who | why |\n|---|---|\n| us | law |\n\n<div hidden>no</div>\n<p>raw</p>\n\n\
            > quoted<br>words\n";
        let draft = read(source, &Limits::default());
        let lines = draft
            .blocks
            .iter()
            .map(|block| format!("{:?}: {}", block.kind, block.text));
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
        Heading(1): A good notice
        Paragraph: We keep data for long.
        Item: one
        Item: two
        Item: more
        Cell { first: true }: who
        Cell { first: false }: why
        Cell { first: true }: us
        Cell { first: false }: law
        Paragraph: raw
        Paragraph: quoted words
        "#);
    }
}
