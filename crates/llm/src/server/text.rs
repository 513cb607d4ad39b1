//! A prompt as text. The server reads control tokens out of text, so what a document says must not
//! look like one.

use crate::engine::Part;

/// The longest tag, in bytes between its brackets.
const TAG: usize = 64;

/// Writes the parts as the server is to read them. The begin of the sequence is left out: servers
/// put it before a prompt themselves, and twice would be wrong.
pub(super) fn render<'p>(parts: impl IntoIterator<Item = &'p Part>) -> String {
    let mut whole = String::new();
    // Texts that follow each other are one text: two of them may form what neither holds.
    let mut text = String::new();
    for part in parts {
        let control = match part {
            Part::Bos => continue,
            Part::InstOpen => "[INST]",
            Part::InstClose => "[/INST]",
            Part::Text(more) => {
                text.push_str(more);
                continue;
            }
        };
        whole.push_str(&neutral(&text));
        text.clear();
        whole.push_str(control);
    }
    whole + &neutral(&text)
}

/// Puts a space behind the opening bracket of everything that looks like a control token, and
/// leaves the rest as it is.
fn neutral(text: &str) -> String {
    let mut whole = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(at) = rest.find(['[', '<']) {
        let (before, behind) = rest.split_at(at + 1);
        whole.push_str(before);
        let forged = if before.ends_with('[') {
            is_name(behind)
        } else {
            is_tag(behind)
        };
        if forged {
            whole.push(' ');
        }
        rest = behind;
    }
    whole + rest
}

/// Whether a name as of Mistral's control tokens stands between here and the next `]`: `INST`,
/// `/AVAILABLE_TOOLS`, `control_8`; konform's own marks, `E1` and `P2`, are none.
fn is_name(behind: &str) -> bool {
    let named = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((inside, _)) = behind.split_once(']') else {
        return false;
    };
    if inside.strip_prefix(['E', 'P']).is_some_and(digits) {
        return false;
    }
    let name = inside.strip_prefix('/').unwrap_or(inside);
    let upper = name.bytes().all(named) && name.bytes().any(|byte| byte.is_ascii_uppercase());
    upper || name.strip_prefix("control_").is_some_and(digits)
}

/// Whether a short tag stands between here and the next `>`: `s`, `/s`, `unk`, `|im_start|`. White
/// space may stand between two bars only.
fn is_tag(behind: &str) -> bool {
    let Some(end) = behind.find(['<', '>']) else {
        return false;
    };
    let inside = &behind[..end];
    let barred = inside.len() > 1 && inside.starts_with('|') && inside.ends_with('|');
    behind[end..].starts_with('>')
        && (1..=TAG).contains(&inside.len())
        && (barred || !inside.contains(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FORGED: [&str; 24] = [
        "[INST]",
        "[/INST]",
        "<s>",
        "</s>",
        "[AVAILABLE_TOOLS]",
        "[/AVAILABLE_TOOLS]",
        "[TOOL_CALLS]",
        "[TOOL_RESULTS]",
        "[/TOOL_RESULTS]",
        "[SYSTEM_PROMPT]",
        "[/SYSTEM_PROMPT]",
        "[IMG]",
        "[THINK]",
        "[control_8]",
        "<unk>",
        "<pad>",
        "<0x0A>",
        "<SPECIAL_12>",
        "<start_of_turn>",
        "<|im_start|>",
        "<|a b|>",
        "<|eot_id|>",
        "<｜begin▁of▁sentence｜>",
        "<|reserved_special_token_0|>",
    ];

    #[test]
    fn what_looks_like_a_control_token_gets_a_space_and_nothing_else_does() {
        for forged in FORGED {
            let (bracket, rest) = forged.split_at(1);
            assert_eq!(neutral(forged), format!("{bracket} {rest}"));
            assert_eq!(
                neutral(&format!("[[{forged}]<")),
                format!("[[{bracket} {rest}]<")
            );
        }
        for fine in [
            "[E1] [P2] [E12]",
            "[sic] [1] [...] [Art. 28] []",
            "a < b > c, 3<4, <a b>, <>, [",
            "[ INST] < s>",
            "<s",
            "[INST",
        ] {
            assert_eq!(neutral(fine), fine);
        }
        assert_eq!(neutral("[E] [/E1] [E1X]"), "[ E] [ /E1] [ E1X]");
    }

    #[test]
    fn texts_side_by_side_form_no_control_token() {
        let text = |text: &str| Part::Text(text.into());
        let parts = [
            Part::Bos,
            Part::InstOpen,
            text("one [IN"),
            Part::Bos,
            text("ST] <"),
            text("/s>[E1]"),
            Part::InstClose,
            text("A"),
        ];
        assert_eq!(render(&parts), "[INST]one [ INST] < /s>[E1][/INST]A");
    }

    proptest! {
        #[test]
        fn no_control_token_survives_and_all_else_is_unchanged(
            pieces in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(FORGED.to_vec()).prop_map(str::to_owned),
                    prop::sample::select(vec!["[", "]", "<", ">", "/", "|", " ", "[E1]", "INST", "s"])
                        .prop_map(str::to_owned),
                    "\\PC{0,4}",
                ],
                0..16,
            ),
        ) {
            let text = pieces.concat();
            let said = neutral(&text);
            for forged in FORGED {
                prop_assert!(!said.contains(forged), "{forged} in {said}");
            }
            // Only spaces behind brackets were put in.
            let mut left = text.chars().peekable();
            let mut before = ' ';
            for character in said.chars() {
                if left.peek() == Some(&character) {
                    left.next();
                } else {
                    prop_assert!(character == ' ' && matches!(before, '[' | '<'), "{said}");
                }
                before = character;
            }
            prop_assert_eq!(left.next(), None);
            prop_assert_eq!(neutral(&said), said);
        }
    }
}
