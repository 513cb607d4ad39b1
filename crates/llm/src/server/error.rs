use crate::human::bytes;

/// Says why a server cannot be used, or does not answer. No key is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address is not one of a server.
    #[error(
        "`{address}` is no address of a server: {reason}. Give one such as \
         http://127.0.0.1:8000/v1"
    )]
    Address {
        /// The address, without what stands before an `@`.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The key cannot stand in a header.
    #[error(
        "the key for {address} cannot be sent: a key is one line of visible ASCII characters. \
         Give it as the server's operator did"
    )]
    Key {
        /// The server.
        address: String,
    },
    /// The server cannot be reached, or the connection broke.
    #[error(
        "{url} cannot be reached: {reason}. Check that the server runs and that the address is \
         right; no proxy is used"
    )]
    Network {
        /// The address.
        url: String,
        /// What happened.
        reason: String,
    },
    /// No whole answer came in time.
    #[error(
        "{url} did not answer within {seconds} s. Ask it less at a time (a smaller concurrency), \
         or wait longer (a greater timeout)"
    )]
    Slow {
        /// The address.
        url: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The server answers with an error.
    #[error("{url} answers {status}{}. {}", said(message), remedy(*status))]
    Refused {
        /// The address.
        url: String,
        /// The status.
        status: u16,
        /// What the server says, shortened; empty where it says nothing.
        message: String,
    },
    /// The server sends elsewhere.
    #[error(
        "{url} sends on to {target}, and konform sends nothing to where it was not told to. If \
         that is the server, give its address"
    )]
    Redirect {
        /// The address that was asked.
        url: String,
        /// Where it leads.
        target: String,
    },
    /// The answer is too long.
    #[error("{url} answers with more than {}. Is this a server of language models?", bytes(*limit))]
    Large {
        /// The address.
        url: String,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// The answer lacks what was asked for.
    #[error("{url} answers without {missing}. {}", offers(missing))]
    Answer {
        /// The address.
        url: String,
        /// What is missing.
        missing: &'static str,
    },
    /// The server does not have the model.
    #[error("{address} has no model `{model}`; it has {known}. Name one of these, or none")]
    Model {
        /// The server.
        address: String,
        /// What was asked for.
        model: String,
        /// What it has.
        known: String,
    },
}

fn said(message: &str) -> String {
    match message {
        "" => String::new(),
        message => format!(" ({message})"),
    }
}

fn remedy(status: u16) -> &'static str {
    match status {
        401 | 403 => "Give the key that the server's operator gave you",
        404 => "Check the address, which ends in /v1 with most servers, and the name of the model",
        413 => "Shorten the text, or let the server take longer requests",
        429 => "The server is asked too much: ask it less at a time, or later",
        503 => "The server is not ready: wait until its model is loaded, or ask it less at a time",
        500.. => "The server failed: read its log, or ask it again later",
        _ => "The server does not take the request: read its log",
    }
}

/// What to do about an answer that lacks something.
fn offers(missing: &str) -> &'static str {
    if missing.contains("logprobs") {
        "Let the server give log probabilities (llama-cpp-python: --logits_all true)"
    } else {
        "Is this an OpenAI-compatible server?"
    }
}
