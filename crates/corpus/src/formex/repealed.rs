//! What a consolidated act keeps in its file although it was repealed.

use std::borrow::Cow;

const OPENS: &str = "<?CLG.MDFO";
const CLOSES: &str = "<?CLG.MDFC";

/// A file without what it marks as deleted: everything between an instruction `CLG.MDFO` with
/// `ACTION="DELETED"` and the `CLG.MDFC` that refers to it. Line ends stay, so that lines keep
/// their numbers. A mark without its end deletes nothing.
pub(super) fn without_repealed(xml: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut from = 0;
    let mut at = 0;
    while let Some(open) = find(xml, OPENS, at) {
        let Some(mark) = xml[open..].find("?>").map(|end| &xml[open..open + end]) else {
            break;
        };
        at = open + mark.len();
        if attribute(mark, "ACTION") != Some("DELETED") {
            continue;
        }
        let Some(end) = attribute(mark, "ID").and_then(|id| closing(xml, at, id)) else {
            continue;
        };
        kept.push_str(&xml[from..open]);
        kept.extend(xml[open..end].chars().filter(|&c| c == '\n'));
        from = end;
        at = end;
    }
    if from == 0 {
        return Cow::Borrowed(xml);
    }
    kept.push_str(&xml[from..]);
    Cow::Owned(kept)
}

fn find(xml: &str, what: &str, from: usize) -> Option<usize> {
    xml[from..].find(what).map(|found| from + found)
}

/// Where the instruction starts that closes the mark `id`.
fn closing(xml: &str, mut at: usize, id: &str) -> Option<usize> {
    while let Some(close) = find(xml, CLOSES, at) {
        let mark = &xml[close..close + xml[close..].find("?>")?];
        if attribute(mark, "IDREF") == Some(id) {
            return Some(close);
        }
        at = close + mark.len();
    }
    None
}

fn attribute<'a>(mark: &'a str, name: &str) -> Option<&'a str> {
    let start = mark.find(&format!(" {name}=\""))? + name.len() + 3;
    mark[start..].split('"').next()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_marked_as_deleted_goes_and_lines_stay() {
        let xml = "<A>\n<?CLG.MDFO ID=\"o1\" ACTION=\"REPLACED\"?><P>new</P><?CLG.MDFC IDREF=\"o1\"?>\
            <?CLG.MDFO ID=\"o2\" ACTION=\"DELETED\"?><P>gone\n\
            <?CLG.MDFO ID=\"o3\" ACTION=\"INSERTED\"?>within<?CLG.MDFC IDREF=\"o3\"?></P>\
            <?CLG.MDFC IDREF=\"o2\"?><P>stays</P></A>";
        let kept = without_repealed(xml);
        assert!(kept.contains("new") && kept.contains("stays"), "{kept}");
        assert!(!kept.contains("gone") && !kept.contains("within"), "{kept}");
        assert_eq!(kept.matches('\n').count(), xml.matches('\n').count());
    }

    #[test]
    fn a_mark_without_end_deletes_nothing() {
        let xml = "<A><?CLG.MDFO ID=\"o1\" ACTION=\"DELETED\"?><P>stays</P></A>";
        assert_eq!(without_repealed(xml), xml);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(parts in proptest::collection::vec(prop_oneof![
            Just("<?CLG.MDFO"), Just(" ID=\"a\""), Just(" ACTION=\"DELETED\""), Just("?>"),
            Just("<?CLG.MDFC"), Just(" IDREF=\"a\""), Just("é\n"), Just("\"")], 0..24)) {
            let xml = parts.concat();
            prop_assert!(without_repealed(&xml).len() <= xml.len());
        }
    }
}
