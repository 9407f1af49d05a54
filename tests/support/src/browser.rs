//! A real browser, and what it sent and got.

use std::collections::HashMap;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use crate::reaper;

const IMAGE: &str = "cachedpool-test-chromium:trixie";

/// One visit takes a second or two.
const PATIENCE: Duration = Duration::from_secs(60);

/// Opens the page, prints the document that its scripts have made of it, and then what the network log holds. The browser
/// is ten seconds ahead of the clock while nothing is under way, so the scripts' own requests are waited for.
const VISIT: &str = "chromium-headless-shell --no-sandbox --disable-gpu --disable-dev-shm-usage \
     --virtual-time-budget=10000 --log-net-log=/tmp/net.json --dump-dom \"$1\" && cat /tmp/net.json";

/// A visit of Chromium without a screen, with a cache of its own that was empty.
#[derive(Debug)]
pub struct Visit {
    document: String,
    log: Value,
}

/// A request that went over the wire, and the head of its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The status code: 304 where the browser went on to use what it had.
    pub status: u16,
}

impl Visit {
    /// Visits a page of this machine, and returns when its scripts have come to rest.
    ///
    /// # Panics
    ///
    /// When the browser cannot be started, or does not end in time.
    pub async fn to(url: &str) -> Self {
        let mut docker = Command::new("docker");
        docker.args(["run", "--rm", "--network=host"]);
        for (label, value) in reaper::labels() {
            docker.args(["--label", &format!("{label}={value}")]);
        }
        docker.args([IMAGE, "sh", "-c", VISIT, "visit", url]);
        let output = docker.stdin(Stdio::null()).kill_on_drop(true).output();
        let output = timeout(PATIENCE, output).await;
        let output = output
            .expect("a visit ends in time")
            .expect("the engine's command line is there");
        assert!(
            output.status.success(),
            "{url}: {}\n`scripts/test` gets the image that this test needs",
            String::from_utf8_lossy(&output.stderr)
        );
        let printed = String::from_utf8_lossy(&output.stdout);
        let log = printed
            .find("\n{\"constants\":")
            .expect("the network log follows the document");
        Self {
            document: printed[..log].to_owned(),
            log: serde_json::from_str(&printed[log..]).expect("the network log is JSON"),
        }
    }

    /// The document as it was at the end.
    #[must_use]
    pub fn document(&self) -> &str {
        &self.document
    }

    /// What went over the wire for this address, in order. What the browser's own cache answered did not.
    ///
    /// # Panics
    ///
    /// When the network log is not in the form that Chromium writes.
    #[must_use]
    pub fn exchanges(&self, url: &str) -> Vec<Exchange> {
        let types = &self.log["constants"]["logEventTypes"];
        let number = |name: &str| {
            let number = types[name].as_u64();
            number.unwrap_or_else(|| panic!("the network log knows of {name}"))
        };
        let (started, answered) = (
            number("URL_REQUEST_START_JOB"),
            number("HTTP_TRANSACTION_READ_RESPONSE_HEADERS"),
        );
        let mut methods = HashMap::new();
        let mut exchanges = Vec::new();
        for event in self.log["events"].as_array().into_iter().flatten() {
            let (request, parameters) = (event["source"]["id"].as_u64(), &event["params"]);
            let kind = event["type"].as_u64();
            if kind == Some(started) && parameters["url"] == url {
                let method = parameters["method"].as_str().unwrap_or_default();
                methods.insert(request, method.to_owned());
            } else if kind == Some(answered)
                && let Some(method) = methods.get(&request)
            {
                exchanges.push(Exchange {
                    method: method.clone(),
                    status: status(parameters).expect("a response begins with its status"),
                });
            }
        }
        exchanges
    }
}

/// Of the first line: `HTTP/1.1 304 Not Modified`.
fn status(parameters: &Value) -> Option<u16> {
    let line = parameters["headers"][0].as_str()?;
    line.split(' ').nth(1)?.parse().ok()
}
