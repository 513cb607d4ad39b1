//! What a server's answers say.

use serde_json::Value;

use crate::engine::Usage;

/// The least of the mass that is thought to be left for the tokens that were not returned, where
/// rounding leaves none.
const LEFT: f64 = 1e-9;

/// The likeliest tokens and their log probabilities. Of the forms that there are, both are read: a
/// map in `logprobs.top_logprobs[0]` (vLLM, llama-cpp-python) and a list in
/// `logprobs.content[0].top_logprobs` (llama-server).
pub(super) fn likeliest(answer: &Value) -> Result<Vec<(String, f64)>, &'static str> {
    let logprobs = &answer["choices"][0]["logprobs"];
    let (found, written) = if logprobs["content"].is_array() {
        let first = &logprobs["content"][0];
        (
            &first["top_logprobs"],
            pair(&first["token"], &first["logprob"]),
        )
    } else {
        let written = pair(&logprobs["tokens"][0], &logprobs["token_logprobs"][0]);
        (&logprobs["top_logprobs"][0], written)
    };
    let mut tokens: Vec<(String, f64)> = match found {
        Value::Object(map) => map
            .iter()
            .filter_map(|(token, value)| Some((token.clone(), log_probability(value)?)))
            .collect(),
        Value::Array(list) => list
            .iter()
            .filter_map(|entry| pair(&entry["token"], &entry["logprob"]))
            .collect(),
        _ => vec![],
    };
    if tokens.is_empty() {
        return Err("`choices[0].logprobs` of a first token");
    }
    // In a map, a token that is written like the likeliest one may have taken its place.
    if let Some((token, value)) = written {
        match tokens.iter_mut().find(|(there, _)| *there == token) {
            Some((_, there)) => *there = there.max(value),
            None => tokens.push((token, value)),
        }
    }
    Ok(tokens)
}

fn pair(token: &Value, value: &Value) -> Option<(String, f64)> {
    Some((token.as_str()?.to_owned(), log_probability(value)?))
}

fn log_probability(value: &Value) -> Option<f64> {
    Some(value.as_f64()?.min(0.0))
}

/// A token without the white space that vocabularies write into it.
pub(super) fn bare(token: &str) -> &str {
    token.trim_matches(|letter: char| letter.is_whitespace() || matches!(letter, '▁' | 'Ġ'))
}

/// The log probability of a choice: that of all tokens that are the choice but for white space.
///
/// Of a choice that was not returned only a bound is known, and the bound is taken: it is no
/// likelier than the unlikeliest that was returned, nor than all that were not returned together.
/// So a choice is never thought less likely than it is, and the model never surer.
pub(super) fn choice(tokens: &[(String, f64)], choice: &str) -> f64 {
    let same = tokens
        .iter()
        .filter(|(token, _)| bare(token) == bare(choice));
    let values: Vec<f64> = same.map(|&(_, value)| value).collect();
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if greatest.is_finite() {
        let sum: f64 = values.iter().map(|value| (value - greatest).exp()).sum();
        return (greatest + sum.ln()).min(0.0);
    }
    let least = tokens.iter().map(|&(_, value)| value).fold(0.0, f64::min);
    let known: f64 = tokens.iter().map(|(_, value)| value.exp()).sum();
    least.min((1.0 - known).max(LEFT).ln())
}

/// What an answer cost: tokens of the prompt, less those that the server had in its cache, and
/// those that were written.
pub(super) fn usage(answer: &Value) -> (Usage, usize) {
    let usage = &answer["usage"];
    let count = |value: &Value| usize::try_from(value.as_u64().unwrap_or(0)).unwrap_or(0);
    let prompt = count(&usage["prompt_tokens"]);
    let reused = count(&usage["prompt_tokens_details"]["cached_tokens"]).min(prompt);
    let evaluated = prompt - reused;
    (
        Usage { evaluated, reused },
        count(&usage["completion_tokens"]),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn close(value: f64, expected: f64) {
        assert!(
            (value - expected).abs() < 1e-12,
            "{value} is not {expected}"
        );
    }

    #[test]
    fn variants_of_a_letter_are_summed_and_absent_ones_are_bounded() {
        let tokens = [("A", 0.5_f64), (" A", 0.1), ("▁A", 0.1), ("B", 0.2)]
            .map(|(token, probability)| (token.to_owned(), probability.ln()));
        close(choice(&tokens, "A"), 0.7_f64.ln());
        close(choice(&tokens, "B"), 0.2_f64.ln());
        // A tenth is left, and the least that was returned is as likely.
        close(choice(&tokens, "C"), 0.1_f64.ln());
        close(choice(&tokens[..1], "C"), 0.5_f64.ln());
        close(choice(&[("A".into(), 0.0)], "C"), LEFT.ln());
        close(
            choice(&[("A".into(), 0.0), ("x".into(), -30.0)], "C"),
            -30.0,
        );
        close(choice(&[("A".into(), -9999.0)], "A"), -9999.0);
    }

    #[test]
    fn a_token_that_took_the_place_of_the_likeliest_is_put_right() {
        let answer = json!({"choices": [{"logprobs": {
            "tokens": ["A"],
            "token_logprobs": [-0.1],
            "top_logprobs": [{"A": -8.0, "B": -2.5, "C": null}],
        }}]});
        let tokens = likeliest(&answer).unwrap();
        assert_eq!(tokens, [("A".to_owned(), -0.1), ("B".to_owned(), -2.5)]);
    }

    #[test]
    fn what_is_in_the_cache_was_not_evaluated() {
        let told = json!({"usage": {"prompt_tokens": 9, "completion_tokens": 2,
            "prompt_tokens_details": {"cached_tokens": 4}}});
        let cost = |evaluated, reused| Usage { evaluated, reused };
        assert_eq!(usage(&told), (cost(5, 4), 2));
        assert_eq!(usage(&json!({})), (cost(0, 0), 0));
    }
}
