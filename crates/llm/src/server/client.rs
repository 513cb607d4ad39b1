//! The conversation with the server.

use std::{thread, time::Duration};

use serde_json::Value;
use ureq::http::{HeaderValue, Response, Uri};

use super::{ServerSettings, error::ServerError};

/// How often the same is asked.
const TRIES: u32 = 3;
/// How long is waited before it is asked again; each further time twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest that a server can make konform wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The most of an answer that is read, in bytes.
const ANSWER: u64 = 4_000_000;
/// The most that is shown of what a server says, in characters.
const SHOWN: usize = 200;

pub(super) struct Client {
    agent: ureq::Agent,
    address: String,
    key: Option<String>,
    timeout: Duration,
}

/// A request that failed, and whether and after how long it may be made again.
struct Failure {
    error: ServerError,
    again: bool,
    pause: Option<Duration>,
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        Self {
            error,
            again: false,
            pause: None,
        }
    }
}

impl Client {
    pub(super) fn new(settings: &ServerSettings) -> Result<Self, ServerError> {
        let address = checked(&settings.address)?;
        let key = settings.key.as_deref().map(str::trim);
        let key = key.filter(|key| !key.is_empty()).map(str::to_owned);
        let visible = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if !key.iter().all(|key| key.bytes().all(visible)) {
            return Err(ServerError::Key { address });
        }
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_connect(Some(settings.timeout.min(Duration::from_secs(30))))
            .timeout_global(Some(settings.timeout))
            .max_idle_connections_per_host(settings.concurrency.get().into())
            .build()
            .into();
        Ok(Self {
            agent,
            address,
            key,
            timeout: settings.timeout,
        })
    }

    /// The server's address, without a slash at its end.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The address of one of the server's answers, beside `/v1` where `path` begins with a slash.
    pub(super) fn url(&self, path: &str) -> String {
        if path.starts_with('/') {
            let root = self.address.strip_suffix("/v1").unwrap_or(&self.address);
            return format!("{root}{path}");
        }
        format!("{}/{path}", self.address)
    }

    /// Asks, with a body or without, and again where that may help.
    pub(super) fn ask(&self, path: &str, body: Option<&Value>) -> Result<Value, ServerError> {
        let url = self.url(path);
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.ask_once(&url, body) {
                Err(failure) if failure.again => {
                    tracing::debug!("{}; asking again", failure.error);
                    thread::sleep(failure.pause.unwrap_or(pause));
                    pause *= 2;
                }
                answer => return answer.map_err(|failure| failure.error),
            }
        }
        self.ask_once(&url, body).map_err(|failure| failure.error)
    }

    fn ask_once(&self, url: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let answer = match body {
            None => {
                let request = self.agent.get(url);
                match self.bearer() {
                    Some(bearer) => request.header("authorization", bearer).call(),
                    None => request.call(),
                }
            }
            Some(body) => {
                let request = self.agent.post(url);
                let request = request.header("content-type", "application/json");
                match self.bearer() {
                    Some(bearer) => request.header("authorization", bearer),
                    None => request,
                }
                .send(body.to_string())
            }
        };
        let mut answer = answer.map_err(|error| self.network(url, &error))?;
        let status = answer.status().as_u16();
        if (300..400).contains(&status) {
            let target = header(&answer, "location").unwrap_or("nowhere");
            return Err(Failure::from(ServerError::Redirect {
                url: url.to_owned(),
                target: self.shown(target),
            }));
        }
        let read = answer
            .body_mut()
            .with_config()
            .limit(ANSWER)
            .read_to_vec()
            .map_err(|error| self.network(url, &error));
        if (200..300).contains(&status) {
            return serde_json::from_slice(&read?).map_err(|_| {
                Failure::from(ServerError::Answer {
                    url: url.to_owned(),
                    missing: "JSON",
                })
            });
        }
        // An error whose text does not come is one all the same.
        let message = read.map_or_else(|_| String::new(), |body| message(&body));
        let pause = header(&answer, "retry-after").and_then(|value| value.trim().parse().ok());
        Err(Failure {
            error: ServerError::Refused {
                url: url.to_owned(),
                status,
                message: self.shown(&message),
            },
            again: status == 429 || status >= 500,
            pause: pause.map(|seconds| Duration::from_secs(seconds).min(LONGEST_PAUSE)),
        })
    }

    fn bearer(&self) -> Option<HeaderValue> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", self.key.as_ref()?)).ok()?;
        bearer.set_sensitive(true);
        Some(bearer)
    }

    fn network(&self, url: &str, error: &ureq::Error) -> Failure {
        let url = url.to_owned();
        let again = matches!(
            error,
            ureq::Error::Io(_)
                | ureq::Error::ConnectionFailed
                | ureq::Error::HostNotFound
                | ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve)
        );
        let error = match error {
            ureq::Error::BodyExceedsLimit(_) => ServerError::Large { url, limit: ANSWER },
            ureq::Error::Timeout(_) if !again => ServerError::Slow {
                url,
                seconds: self.timeout.as_secs(),
            },
            ureq::Error::Io(error) => ServerError::Network {
                url,
                reason: self.shown(&error.to_string()),
            },
            error => ServerError::Network {
                url,
                reason: self.shown(&error.to_string()),
            },
        };
        Failure {
            error,
            again,
            pause: None,
        }
    }

    /// What a server says, fit to be shown: one line, not long, without the key.
    fn shown(&self, text: &str) -> String {
        let text = match &self.key {
            Some(key) => text.replace(key.as_str(), "…"),
            None => text.to_owned(),
        };
        one_line(&text)
    }
}

/// What others say, on one line that is not long and holds no control characters.
pub(super) fn one_line(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text,
    }
}

/// The message in an error as servers write it: `{"error": {"message": …}}`, `{"error": …}`,
/// `{"message": …}`, `{"detail": …}`, or plain text.
fn message(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return String::from_utf8_lossy(body).trim().to_owned();
    };
    let places = [
        &value["error"]["message"],
        &value["error"],
        &value["message"],
        &value["detail"],
        &value,
    ];
    let told = places.into_iter().find(|place| !place.is_null());
    match told {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn header<'a>(answer: &'a Response<ureq::Body>, name: &str) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}

/// An address that requests can be made to, without a slash at its end.
fn checked(address: &str) -> Result<String, ServerError> {
    let address = address.trim();
    let wrong = |reason| {
        // What stands before an `@` may be a secret.
        let start = address.find("://").map_or(0, |at| at + 3);
        let shown = match address.rfind('@').filter(|&at| at >= start) {
            Some(at) => format!("{}…{}", &address[..start], &address[at..]),
            None => address.to_owned(),
        };
        ServerError::Address {
            address: one_line(&shown),
            reason,
        }
    };
    let lower = address.to_ascii_lowercase();
    if !lower.starts_with("http://") && !lower.starts_with("https://") {
        return Err(wrong("it begins with neither http:// nor https://"));
    }
    let uri: Uri = address
        .parse()
        .map_err(|_| wrong("it is not written as one"))?;
    if uri.host().is_none_or(str::is_empty) {
        return Err(wrong("it names no host"));
    }
    if address.contains('@') {
        return Err(wrong(
            "a name or a password stands in it; give the key by itself",
        ));
    }
    if address.contains(['?', '#']) {
        return Err(wrong("it has a `?` or a `#`"));
    }
    Ok(address.trim_end_matches('/').to_owned())
}
