//! Pulling a model from a hub on this machine that misbehaves in the ways that hubs do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
};

use konform_llm::pull::{Entry, Lock, Pinned, PullError, pull};
use konform_terms::Digest;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// How the hub behaves.
#[derive(Clone)]
struct Hub {
    body: Vec<u8>,
    /// The digest it claims.
    digest: Digest,
    metadata: bool,
    /// After how many bytes each connection to the file is cut.
    cut: Option<usize>,
    /// Whether it goes on in the middle when asked to.
    ranges: bool,
    /// The repository it knows, and the name that leads there.
    repository: &'static str,
    renamed: Option<&'static str>,
}

impl Hub {
    fn new() -> Self {
        let body: Vec<u8> = (0..50_000u32).map(|index| (index * 7 / 3) as u8).collect();
        Self {
            digest: Digest::of(&body),
            body,
            metadata: true,
            cut: None,
            ranges: true,
            repository: "maker/model",
            renamed: None,
        }
    }

    /// Starts the hub and gives its address and what it is asked.
    fn start(self) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&log);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let Some(Ok(request)) = lines.next() else {
                    continue;
                };
                let headers: Vec<String> = lines
                    .map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .collect();
                let from = headers
                    .iter()
                    .find_map(|line| {
                        line.to_lowercase()
                            .strip_prefix("range: bytes=")
                            .map(str::to_owned)
                    })
                    .and_then(|range| range.trim_end_matches('-').parse().ok());
                let line = request.trim_end_matches(" HTTP/1.1").to_owned();
                let range = from
                    .map(|from: usize| format!(" from {from}"))
                    .unwrap_or_default();
                seen.lock().unwrap().push(format!("{line}{range}"));
                // A client that has hung up is no failure of the hub.
                let _ = self.answer(stream, &line, from);
            }
        });
        (base, log)
    }

    fn answer(
        &self,
        mut stream: TcpStream,
        line: &str,
        from: Option<usize>,
    ) -> std::io::Result<()> {
        let (method, path) = line.split_once(' ').unwrap();
        let end = "connection: close\r\n\r\n";
        if path == "/cdn/blob" {
            let from = from.filter(|_| self.ranges);
            let rest = &self.body[from.unwrap_or(0)..];
            let length = rest.len();
            match from {
                Some(from) => write!(
                    stream,
                    "HTTP/1.1 206 Partial\r\ncontent-range: bytes {from}-{}/{}\r\n",
                    self.body.len() - 1,
                    self.body.len()
                )?,
                None => write!(stream, "HTTP/1.1 200 OK\r\n")?,
            }
            write!(stream, "content-length: {length}\r\n{end}")?;
            let sent = self.cut.unwrap_or(length).min(length);
            return stream.write_all(&rest[..sent]);
        }
        let known = path.starts_with(&format!("/{}/resolve/", self.repository))
            && path.ends_with("/weights.gguf");
        let renamed = self
            .renamed
            .and_then(|name| path.strip_prefix(&format!("/{name}/")));
        if let Some(rest) = renamed {
            let to = self.repository;
            return write!(
                stream,
                "HTTP/1.1 307 Moved\r\nlocation: /{to}/{rest}\r\ncontent-length: 0\r\n{end}"
            );
        }
        if !known {
            return write!(
                stream,
                "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n{end}"
            );
        }
        write!(stream, "HTTP/1.1 302 Found\r\nlocation: /cdn/blob\r\n")?;
        if self.metadata {
            write!(
                stream,
                "x-repo-commit: {COMMIT}\r\nx-linked-size: {}\r\nx-linked-etag: \"{}\"\r\n",
                self.body.len(),
                self.digest.hex()
            )?;
        }
        let _ = method;
        write!(stream, "content-length: 0\r\n{end}")
    }
}

fn entry(repository: &str) -> Entry {
    Entry {
        name: "model".into(),
        repository: repository.into(),
        file: "weights.gguf".into(),
        licence: "none".into(),
        parameters: "1".into(),
        about: "a test".into(),
    }
}

fn fetch(base: &str, folder: &Path, pinned: Option<&Pinned>) -> Result<Pinned, PullError> {
    let (path, pinned) = pull(base, &entry("maker/model"), folder, pinned, |_, _| {})?;
    assert_eq!(path, folder.join("weights.gguf"));
    Ok(pinned)
}

#[test]
fn a_model_is_fetched_checked_pinned_and_not_fetched_twice() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::new();
    let (base, log) = hub.clone().start();
    let mut last = (0, 0);
    let (path, pinned) = pull(
        &base,
        &entry("maker/model"),
        folder.path(),
        None,
        |there, size| last = (there, size),
    )
    .unwrap();
    assert_eq!(fs::read(path).unwrap(), hub.body);
    assert_eq!(last, (50_000, 50_000));
    assert_eq!(pinned.digest, hub.digest);
    assert!(!folder.path().join("weights.gguf.part").exists());

    assert_eq!(fetch(&base, folder.path(), Some(&pinned)).unwrap(), pinned);
    insta::assert_snapshot!(log.lock().unwrap().join("\n"), @r#"
    HEAD /maker/model/resolve/main/weights.gguf
    GET /maker/model/resolve/main/weights.gguf
    GET /cdn/blob
    HEAD /maker/model/resolve/0123456789abcdef0123456789abcdef01234567/weights.gguf
    "#);

    let lock_path = folder.path().join("konform.lock");
    assert_eq!(Lock::read(&lock_path).unwrap(), Lock::default());
    let mut lock = Lock::default();
    lock.model.insert("model".into(), pinned);
    lock.write(&lock_path).unwrap();
    assert_eq!(Lock::read(&lock_path).unwrap(), lock);
    insta::assert_snapshot!(fs::read_to_string(&lock_path).unwrap(), @r#"
    # Written by `konform model pull`: what each model has to be.

    [model.model]
    repository = "maker/model"
    file = "weights.gguf"
    revision = "0123456789abcdef0123456789abcdef01234567"
    size = 50000
    digest = "sha256:f8f9af7a3f27c2989b2a1ff43684358e9f795fc8c65caf3f44044fb29c059f22"
    "#);
    fs::write(&lock_path, "[model.model]\nfile = 1\n").unwrap();
    assert!(matches!(
        Lock::read(&lock_path),
        Err(PullError::Lock { .. })
    ));
}

#[test]
fn a_cut_download_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub {
        cut: Some(20_000),
        ..Hub::new()
    };
    let (base, log) = hub.clone().start();
    fetch(&base, folder.path(), None).unwrap();
    assert_eq!(
        fs::read(folder.path().join("weights.gguf")).unwrap(),
        hub.body
    );
    let ranges: Vec<String> = log
        .lock()
        .unwrap()
        .iter()
        .filter(|line| line.contains("cdn"))
        .cloned()
        .collect();
    assert_eq!(
        ranges,
        [
            "GET /cdn/blob",
            "GET /cdn/blob from 20000",
            "GET /cdn/blob from 40000"
        ]
    );
}

#[test]
fn what_an_earlier_run_left_is_used_unless_the_hub_begins_again() {
    for ranges in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub {
            ranges,
            ..Hub::new()
        };
        fs::write(folder.path().join("weights.gguf.part"), &hub.body[..30_000]).unwrap();
        let (base, log) = hub.clone().start();
        fetch(&base, folder.path(), None).unwrap();
        assert_eq!(
            fs::read(folder.path().join("weights.gguf")).unwrap(),
            hub.body
        );
        assert!(
            log.lock()
                .unwrap()
                .contains(&"GET /cdn/blob from 30000".to_owned())
        );
    }
}

#[test]
fn a_renamed_repository_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub {
        repository: "new/name",
        renamed: Some("maker/model"),
        ..Hub::new()
    };
    let (base, _) = hub.start();
    fetch(&base, folder.path(), None).unwrap();
}

#[test]
fn what_goes_wrong_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let right = Hub::new();
    let told = |hub: Hub, repository: &str, pinned: Option<&Pinned>| {
        let (base, _) = hub.start();
        let error = pull(&base, &entry(repository), folder.path(), pinned, |_, _| {}).unwrap_err();
        let text = error.to_string().replace(&base, "HUB");
        text.replace(&folder.path().display().to_string(), "DIR")
    };
    let pinned = Pinned {
        repository: "maker/model".into(),
        file: "weights.gguf".into(),
        revision: COMMIT.into(),
        size: 50_000,
        digest: right.digest,
    };
    insta::assert_snapshot!(told(right.clone(), "maker/other", None), @"HUB/maker/other/resolve/main/weights.gguf answers 404. The model may have moved, or may need an account: fetch it by hand and give its path to --model");
    insta::assert_snapshot!(told(Hub { metadata: false, ..right.clone() }, "maker/model", None), @"HUB/maker/model/resolve/main/weights.gguf gives no `x-repo-commit`, so the file cannot be pinned. Is this a model hub?");
    let lying = Hub {
        digest: Digest::of("other"),
        ..right.clone()
    };
    insta::assert_snapshot!(told(lying.clone(), "maker/model", None), @"DIR/weights.gguf.part: the fetched file has digest sha256:f8f9af7a3f27c2989b2a1ff43684358e9f795fc8c65caf3f44044fb29c059f22, the hub promises sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa. It was deleted: pull again");
    assert!(!folder.path().join("weights.gguf.part").exists());
    assert!(!folder.path().join("weights.gguf").exists());
    insta::assert_snapshot!(told(lying, "maker/model", Some(&pinned)), @"weights.gguf: the digest is now sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa, and konform.lock pins sha256:f8f9af7a3f27c2989b2a1ff43684358e9f795fc8c65caf3f44044fb29c059f22. If the change is intended, delete the entry from konform.lock");
    insta::assert_snapshot!(told(right.clone(), "maker/fork", Some(&pinned)), @"weights.gguf: the repository is now maker/fork, and konform.lock pins maker/model. If the change is intended, delete the entry from konform.lock");
    let dead = Hub {
        cut: Some(0),
        ..right
    };
    insta::assert_snapshot!(told(dead, "maker/model", None), @"HUB/cdn/blob cannot be fetched. What was fetched so far is kept: the same command goes on; behind a proxy set https_proxy, or name a mirror with --hub");
}

#[test]
fn a_hub_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = fetch(&base, folder.path(), None).unwrap_err();
    assert!(matches!(error, PullError::Network { .. }), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("weights.gguf.part")).unwrap();
    let (base, _) = Hub::new().start();
    let error = fetch(&base, folder.path(), None).unwrap_err().to_string();
    let error = error.replace(&folder.path().display().to_string(), "DIR");
    insta::assert_snapshot!(error, @"DIR/weights.gguf.part: the disk is full; 50.0 kB more are needed. Make room, and the same command goes on where it stopped");
}

#[test]
fn two_pulls_of_a_file_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let part = fs::File::create(folder.path().join("weights.gguf.part")).unwrap();
    part.lock().unwrap();
    let (base, _) = Hub::new().start();
    let error = fetch(&base, folder.path(), None).unwrap_err();
    assert!(matches!(error, PullError::Busy { .. }), "{error}");
}
