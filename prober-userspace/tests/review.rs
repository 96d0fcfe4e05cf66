//! The review in a terminal, with the keys that a person presses: `script` gives it a pseudo terminal.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program in a terminal of 80 columns and 24 lines.
struct Terminal {
    child: Child,
}

impl Terminal {
    fn start(folder: &Path, arguments: &str) -> Self {
        let command = format!("stty cols 80 rows 24; exec {} {arguments}", env!("CARGO_BIN_EXE_prober"));
        let screen = std::fs::File::create(folder.join("screen")).unwrap();
        let child = Command::new("script")
            .args(["--quiet", "--flush", "--return", "--command", &command, "/dev/null"])
            .current_dir(folder)
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(screen)
            .spawn()
            .expect("`script` is part of every Debian");
        Self { child }
    }

    fn press(&mut self, keys: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(keys.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    fn ended(mut self) -> bool {
        let status = self.child.wait().unwrap();
        status.success()
    }
}

/// Waits for what must come; how long that takes says nothing.
fn until(what: &str, folder: &Path, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        let screen = std::fs::read(folder.join("screen")).unwrap_or_default();
        assert!(begun.elapsed() < Duration::from_mins(2), "never {what}: {}", String::from_utf8_lossy(&screen));
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn stored(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("own/decisions.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn decisions(folder: &Path) -> Vec<Value> {
    stored(folder)["decisions"].as_array().cloned().unwrap_or_default()
}

fn on_screen(folder: &Path, text: &str) -> bool {
    String::from_utf8_lossy(&std::fs::read(folder.join("screen")).unwrap_or_default()).contains(text)
}

fn banners() -> String {
    let mut lines = String::new();
    for (number, banner) in [
        (3, "220 Frobnicam ZX-77 camera ready"),
        (2, "220 Gadgetron QQ-5 router ready"),
        (1, "220 Whatsit files ready"),
    ] {
        for unit in 0..number {
            let address = format!("192.0.2.{}", 10 * number + unit);
            lines += &serde_json::json!({ "address": address, "port": 21, "banner": banner }).to_string();
            lines += "\n";
        }
    }
    lines
}

#[test]
fn a_person_decides_leaves_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("scan.jsonl"), banners()).unwrap();
    let arguments = "device review --banners scan.jsonl -o own";

    let mut terminal = Terminal::start(at, arguments);
    until("drawn", at, || on_screen(at, "device review") && on_screen(at, "Frobnicam"));
    // The model has no maker yet: the editor stands in that field.
    terminal.press("eFrobni Works\r");
    terminal.press("a");
    until("accepted", at, || decisions(at).len() == 1);
    assert_eq!(decisions(at)[0]["verdict"]["accepted"]["draft"]["maker"], "Frobni Works");
    terminal.press("r");
    until("rejected", at, || decisions(at).len() == 2);
    terminal.press("u");
    until("undone", at, || decisions(at).len() == 1);
    terminal.press("q");
    assert!(terminal.ended());

    // Taken up again, at the second group; Ctrl-C leaves as well.
    let mut terminal = Terminal::start(at, arguments);
    until("drawn again", at, || on_screen(at, "group 2 of 3"));
    terminal.press("s");
    until("skipped", at, || decisions(at).len() == 2);
    terminal.press("\u{3}");
    assert!(terminal.ended());
    assert_eq!(decisions(at)[1]["verdict"], "skipped");

    // What is undone in a later session is a signature no more.
    let mut terminal = Terminal::start(at, arguments);
    until("drawn once more", at, || on_screen(at, "group 3 of 3"));
    terminal.press("eWhatever\r");
    until("drafted", at, || stored(at)["drafts"].as_object().is_some_and(|drafts| drafts.len() == 1));
    terminal.press("uu");
    until("all undone", at, || decisions(at).is_empty());
    assert!(!at.join("own/frobni-works.toml").exists());
    terminal.press("a");
    until("accepted again", at, || decisions(at).len() == 1);
    terminal.press("q");
    assert!(terminal.ended());

    let listed = Command::new(env!("CARGO_BIN_EXE_prober"))
        .args(["device", "list", "--signatures", "own", "--no-starter", "--json"])
        .current_dir(at)
        .output()
        .unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!((&listed[0]["maker"], &listed[0]["level"]), (&"Frobni Works".into(), &4.into()), "{listed}");
    let checked = Command::new(env!("CARGO_BIN_EXE_prober")).args(["device", "check", "own"]).current_dir(at).output();
    assert!(checked.unwrap().status.success());

    // A file that was edited by hand is not undone.
    let file = at.join("own/frobni-works.toml");
    let edited = std::fs::read_to_string(&file).unwrap() + "# mine\n";
    std::fs::write(&file, &edited).unwrap();
    let terminal = Terminal::start(at, arguments);
    assert!(!terminal.ended());
    assert!(on_screen(at, "was edited"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), edited);
}

#[test]
fn without_a_terminal_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("scan.jsonl"), banners()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_prober"))
        .args(["device", "review", "--banners", "scan.jsonl", "-o", "own"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("needs a terminal") && said.lines().count() == 1, "{said}");
}
