//! What llama.cpp takes for granted about a model and ends the process over.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    Architecture, GgufError,
    reader::{Raw, Tensor},
};

/// llama.cpp has room for so many layers and experts.
const MOST_LAYERS: u64 = 512;
const MOST_EXPERTS: u64 = 512;

/// Looks up what a header says and refuses what cannot be run.
pub(super) struct Shape<'a> {
    pub path: &'a Path,
    pub raw: &'a Raw,
    pub architecture: &'a str,
}

impl Shape<'_> {
    pub(super) fn check(&self) -> Result<Architecture, GgufError> {
        let (vocabulary, tokenizer) = self.check_vocabulary()?;
        let layers = self.number("block_count")?;
        let heads = self.number("attention.head_count")?;
        let width = self.number("embedding_length")?;
        let kv_heads = self.optional("attention.head_count_kv")?.unwrap_or(heads);
        let head = self
            .optional("attention.key_length")?
            .unwrap_or(width / heads);
        let value = self
            .optional("attention.value_length")?
            .unwrap_or(width / heads);
        let rotated = self.optional("rope.dimension_count")?.unwrap_or(head);
        if layers > MOST_LAYERS {
            return Err(self.unusable(format!("it has {layers} layers")));
        }
        if kv_heads == 0 || !heads.is_multiple_of(kv_heads) {
            return Err(self.unusable(format!("{kv_heads} heads of keys serve {heads} heads")));
        }
        // The newest models have another attention and state these lengths in other ways.
        let plain = self.architecture == "llama" || self.architecture == "mistral3";
        let odd = head == 0 || head % 2 == 1 || head > 1024 || head != value || head != rotated;
        if plain && odd {
            return Err(self.unusable(format!(
                "its heads are {head} wide for keys, {value} for values, {rotated} for positions"
            )));
        }
        self.check_choices()?;
        let shape = Architecture {
            context: self.number("context_length")?,
            layers,
            width,
            heads,
            kv_heads,
            head_width: head.max(value),
            feed_forward: self.optional("feed_forward_length")?.unwrap_or(0),
            vocabulary,
            tokenizer,
        };
        if plain {
            self.check_tensors(&shape)?;
        }
        Ok(shape)
    }

    /// A vocabulary has to spell every text, and its tokens have to differ.
    fn check_vocabulary(&self) -> Result<(u64, String), GgufError> {
        let tokens = &self.raw.tokens;
        if tokens.is_empty() {
            return Err(self.incomplete("tokenizer.ggml.tokens"));
        }
        let tokenizer = self
            .raw
            .scalars
            .get("tokenizer.ggml.model")
            .ok_or_else(|| self.incomplete("tokenizer.ggml.model"))?;
        if tokens.iter().any(|token| token.contains(&0)) {
            return Err(self.unusable("a token of its vocabulary holds a null byte".to_owned()));
        }
        // llama.cpp gives tokens without text a name.
        let empty = |index: usize| format!("[EMPTY_{index}]").into_bytes();
        let different: BTreeSet<Cow<'_, [u8]>> = tokens
            .iter()
            .enumerate()
            .map(|(index, token)| match token.is_empty() {
                true => Cow::Owned(empty(index)),
                false => Cow::Borrowed(token.as_slice()),
            })
            .collect();
        if different.len() != tokens.len() {
            return Err(self.unusable("two tokens of its vocabulary are the same".to_owned()));
        }
        let needed = match tokenizer.as_str() {
            "llama" => {
                let byte = |byte: u8| format!("<0x{byte:02X}>");
                if let Some(missing) = (0..=255)
                    .map(byte)
                    .find(|byte| !different.contains(byte.as_bytes()))
                {
                    return Err(
                        self.unusable(format!("its vocabulary cannot spell the byte {missing}"))
                    );
                }
                ["tokenizer.ggml.scores", "tokenizer.ggml.token_type"]
            }
            "gpt2" => ["tokenizer.ggml.merges", "tokenizer.ggml.token_type"],
            other => {
                return Err(self.unusable(format!(
                    "its tokenizer is of kind `{other}`, where Mistral's are `llama` and `gpt2`"
                )));
            }
        };
        for key in needed {
            let &(element, count) = self
                .raw
                .arrays
                .get(key)
                .ok_or_else(|| self.incomplete(key))?;
            let right = match key {
                "tokenizer.ggml.merges" => element == 8,
                "tokenizer.ggml.scores" => element == 6 && count == tokens.len() as u64,
                _ => element == 5 && count == tokens.len() as u64,
            };
            if !right {
                return Err(self.unusable(format!("`{key}` does not fit its vocabulary")));
            }
        }
        Ok((tokens.len() as u64, tokenizer.clone()))
    }

    /// Every tensor that the architecture asks for has to be there, in its size.
    fn check_tensors(&self, shape: &Architecture) -> Result<(), GgufError> {
        let tensors: BTreeMap<&str, &Tensor> = self
            .raw
            .tensors
            .iter()
            .map(|tensor| (tensor.name.as_str(), tensor))
            .collect();
        let expect = |name: String, extents: &[u64]| match tensors.get(name.as_str()) {
            None => Err(self.unusable(format!("tensor `{name}` is missing"))),
            Some(tensor) if tensor.extents != extents => Err(self.unusable(format!(
                "tensor `{name}` is {}, where {} is expected",
                product(&tensor.extents),
                product(extents)
            ))),
            Some(_) => Ok(()),
        };
        let width = shape.width;
        let heads = shape.heads * shape.head_width;
        let kv_heads = shape.kv_heads * shape.head_width;
        expect("token_embd.weight".to_owned(), &[width, shape.vocabulary])?;
        expect("output_norm.weight".to_owned(), &[width])?;
        for layer in 0..shape.layers {
            let name = |part: &str| format!("blk.{layer}.{part}.weight");
            expect(name("attn_norm"), &[width])?;
            if tensors.contains_key(name("attn_qkv").as_str()) {
                expect(name("attn_qkv"), &[width, heads + 2 * kv_heads])?;
            } else {
                expect(name("attn_q"), &[width, heads])?;
                expect(name("attn_k"), &[width, kv_heads])?;
                expect(name("attn_v"), &[width, kv_heads])?;
            }
            expect(name("attn_output"), &[heads, width])?;
            expect(name("ffn_norm"), &[width])?;
            if !tensors.contains_key(name("ffn_gate_inp").as_str()) {
                expect(name("ffn_gate"), &[width, shape.feed_forward])?;
                expect(name("ffn_up"), &[width, shape.feed_forward])?;
                expect(name("ffn_down"), &[shape.feed_forward, width])?;
            }
        }
        for tensor in &self.raw.tensors {
            let kind = tensor.kind.name;
            if tensor.extents.len() == 1 && kind != "F32" {
                let name = &tensor.name;
                return Err(
                    self.unusable(format!("tensor `{name}` is {kind}, where F32 is expected"))
                );
            }
            let layer = tensor
                .name
                .strip_prefix("blk.")
                .and_then(|rest| rest.split('.').next());
            if layer.is_some_and(|layer| layer.parse().is_ok_and(|at: u64| at >= shape.layers)) {
                return Err(self.unusable(format!(
                    "tensor `{}` belongs to a layer beyond the {} it has",
                    tensor.name, shape.layers
                )));
            }
        }
        Ok(())
    }

    /// Settings with a few values that llama.cpp knows, and ends the process over others.
    fn check_choices(&self) -> Result<(), GgufError> {
        let experts = self.optional("expert_count")?.unwrap_or(0);
        let used = self.optional("expert_used_count")?.unwrap_or(0);
        if experts > MOST_EXPERTS || used > experts || (experts > 0 && used == 0) {
            return Err(self.unusable(format!("it uses {used} of {experts} experts")));
        }
        let key = |key: &str| format!("{}.{key}", self.architecture);
        let scalar = |name: &str| self.raw.scalars.get(&key(name)).map(String::as_str);
        if let Some(other) = scalar("rope.scaling.type")
            && !["none", "linear", "yarn", "longrope"].contains(&other)
        {
            return Err(self.unusable(format!("its positions are scaled in the way `{other}`")));
        }
        if scalar("attention.causal") == Some("false") {
            return Err(self.unusable("it makes embeddings, not text".to_owned()));
        }
        for name in ["expert_group_count", "nextn_predict_layers"] {
            // With experts these have rules of their own; Mistral models have none of them.
            if scalar(name).is_some_and(|value| value != "0") && self.architecture != "mistral4" {
                return Err(self.unusable(format!("`{}` is set", key(name))));
            }
        }
        if self
            .raw
            .scalars
            .get("split.count")
            .is_some_and(|count| count != "0" && count != "1")
        {
            return Err(self.unusable(
                "it is one part of several; join them with `llama-gguf-split --merge`".to_owned(),
            ));
        }
        Ok(())
    }

    fn number(&self, key: &str) -> Result<u64, GgufError> {
        self.optional(key)?
            .filter(|&value| value > 0)
            .ok_or_else(|| self.incomplete(&format!("{}.{key}", self.architecture)))
    }

    fn optional(&self, key: &str) -> Result<Option<u64>, GgufError> {
        let key = format!("{}.{key}", self.architecture);
        let Some(value) = self.raw.scalars.get(&key) else {
            return Ok(None);
        };
        value
            .parse()
            .ok()
            .filter(|&value: &u64| value <= u64::from(u32::MAX))
            .map(Some)
            .ok_or_else(|| self.unusable(format!("`{key}` is {value}")))
    }

    fn incomplete(&self, key: &str) -> GgufError {
        GgufError::Incomplete {
            path: self.path.to_owned(),
            key: key.to_owned(),
        }
    }

    fn unusable(&self, what: String) -> GgufError {
        GgufError::Unusable {
            path: self.path.to_owned(),
            what,
        }
    }
}

fn product(extents: &[u64]) -> String {
    let extents: Vec<String> = extents.iter().map(u64::to_string).collect();
    extents.join(" × ")
}
