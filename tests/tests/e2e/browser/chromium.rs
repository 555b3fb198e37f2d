//! A real Chromium without a window, led by chromedriver.

use std::{
    os::unix::ffi::OsStrExt as _,
    process::{Command, Stdio},
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element, wd::WindowHandle};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Program, eventually, free_port};

/// Nothing that looks for the world outside, and nothing that needs a screen or a user.
const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser with an empty profile. Gone with all its processes when it is dropped.
pub(super) struct Chromium {
    pub(super) client: Client,
    webdriver: String,
    // Dropped in this order: first who starts processes, then those that it started.
    _driver: Program,
    _home: Home,
}

/// The directory of everything that the driver and the browser write, and with it all processes that were started there.
struct Home(TempDir);

impl Chromium {
    pub(super) async fn start() -> Self {
        let home = Home(tempfile::tempdir().unwrap());
        let mut command = Command::new("chromedriver");
        // It takes the same port of IPv4 and IPv6: one that the system gives for either may be in use for the other.
        command.arg(format!("--port={}", free_port())).env("TMPDIR", home.0.path());
        let driver = Program::spawn("chromedriver", command);
        let port = |line: &str| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        };
        let webdriver = format!("http://127.0.0.1:{}", driver.printed("its port", port).await);
        let mut flags = FLAGS.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", home.0.path().join("profile").display()));
        let capabilities = json!({
            "goog:chromeOptions": { "args": flags },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(serde_json::from_value(capabilities).unwrap());
        let client = builder.connect(&webdriver).await.unwrap();
        Self { client, webdriver, _driver: driver, _home: home }
    }

    /// A new tab at this address, which is in front now.
    pub(super) async fn open(&self, url: &str) -> Tab<'_> {
        let window = self.client.new_window(true).await.unwrap().handle;
        let tab = Tab { client: &self.client, window };
        tab.front().await;
        self.client.goto(url).await.unwrap();
        tab
    }

    /// What the console of any tab has called an error since the last question.
    pub(super) async fn console_errors(&self) -> Vec<String> {
        let session = self.client.session_id().await.unwrap().unwrap();
        let url = format!("{}/session/{session}/se/log", self.webdriver);
        let answer = reqwest::Client::new().post(url).json(&json!({ "type": "browser" })).send().await;
        let log: Value = answer.unwrap().error_for_status().unwrap().json().await.unwrap();
        let entries = log["value"].as_array().unwrap().iter();
        let errors = entries.filter(|entry| entry["level"] == "SEVERE");
        errors.map(|entry| entry["message"].to_string()).collect()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // A driver that ends leaves its browser behind. All the browser's processes name the directory, and nobody else does.
        let ours = self.0.path().as_os_str().as_bytes();
        for process in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(arguments) = std::fs::read(process.path().join("cmdline")) else { continue };
            if arguments.windows(ours.len()).any(|part| part == ours) {
                // It may have ended by itself meanwhile.
                let kill =
                    Command::new("kill").arg("-KILL").arg(process.file_name()).stderr(Stdio::null()).status();
                drop(kill);
            }
        }
    }
}

/// One tab. Only the one in front can be asked and told.
pub(super) struct Tab<'a> {
    client: &'a Client,
    window: WindowHandle,
}

impl Tab<'_> {
    async fn front(&self) {
        self.client.switch_to_window(self.window.clone()).await.unwrap();
    }

    /// Waits for what this selects.
    async fn find(&self, css: &str) -> Element {
        self.front().await;
        eventually(&format!("{css} to be there"), async || self.client.find(Locator::Css(css)).await.ok())
            .await
    }

    /// Clicks what this selects.
    pub(super) async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap();
    }

    /// Replaces what stands in a field.
    pub(super) async fn write(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Chooses from a list by value.
    pub(super) async fn choose(&self, css: &str, value: &str) {
        self.find(css).await.select_by_value(value).await.unwrap();
    }

    /// Waits until the texts of all that this selects are these.
    pub(super) async fn shows(&self, css: &str, wanted: &[&str]) {
        let script =
            "return [...document.querySelectorAll(arguments[0])].map(found => found.textContent.trim())";
        eventually(&format!("{css} to show {wanted:?}"), async || {
            self.front().await;
            let texts = self.client.execute(script, vec![json!(css)]).await.unwrap();
            (texts == json!(wanted)).then_some(())
        })
        .await;
    }
}
