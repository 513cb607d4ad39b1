/// Turns byte offsets of a text into offsets of UTF-16 units, which JavaScript counts in.
pub(crate) struct Units<'t> {
    text: &'t str,
    /// Byte offset and unit offset of a character boundary, about every [`STRIDE`] bytes.
    known: Vec<(usize, usize)>,
}

const STRIDE: usize = 1024;

impl<'t> Units<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        let mut known = vec![(0, 0)];
        let mut units = 0;
        let mut next = STRIDE;
        for (byte, character) in text.char_indices() {
            if byte >= next {
                known.push((byte, units));
                next = byte + STRIDE;
            }
            units += character.len_utf16();
        }
        Self { text, known }
    }

    /// The unit offset of a byte offset. One outside of the text counts as its end, one inside a
    /// character as the character's beginning.
    pub(crate) fn at(&self, byte: usize) -> usize {
        let byte = self.text.floor_char_boundary(byte);
        let index = self.known.partition_point(|&(start, _)| start <= byte) - 1;
        let (start, units) = self.known[index];
        units + self.text[start..byte].encode_utf16().count()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_offset_that_is_none_is_moved_to_one() {
        let units = Units::of("é🦀");
        assert_eq!(
            [0, 1, 2, 3, 6, 99].map(|byte| units.at(byte)),
            [0, 0, 1, 1, 3, 3]
        );
    }

    proptest! {
        #[test]
        fn it_counts_what_encoding_the_text_before_gives(text in "(\\PC|\\n){0,3000}") {
            let units = Units::of(&text);
            for (byte, _) in text.char_indices() {
                prop_assert_eq!(units.at(byte), text[..byte].encode_utf16().count());
            }
        }
    }
}
