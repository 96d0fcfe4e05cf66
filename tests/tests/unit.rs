//! The systemd unit: as closed as it claims to be, and with what the prober needs.

use std::path::PathBuf;
use std::process::Command;

fn unit() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../prober-userspace/systemd/prober.service"))
}

#[test]
fn its_exposure_is_at_most_three() {
    // The threshold is in tenths; above it the command fails.
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=30", "--no-pager"])
        .arg(unit())
        .output()
        .expect("systemd-analyze has to be installed: `cargo xtask setup`");
    let said = String::from_utf8_lossy(&output.stdout);
    let figure = said.lines().rev().find(|line| line.contains("Overall exposure level")).unwrap_or_default();
    assert!(output.status.success() && !figure.is_empty(), "{figure}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn its_settings_are_all_known_to_systemd() {
    let output = Command::new("systemd-analyze").arg("verify").arg(unit()).output();
    let output = output.expect("systemd-analyze has to be installed: `cargo xtask setup`");
    let said = String::from_utf8_lossy(&output.stderr);
    // The program is not installed where tests run; everything else has to be right.
    let faults: Vec<_> =
        said.lines().filter(|line| line.contains("prober.service") && !line.contains("is not executable")).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn it_never_gives_up() {
    let text = std::fs::read_to_string(unit()).expect("the unit is there");
    let settings = ["Restart=on-failure", "RestartSec=30s", "StartLimitIntervalSec=0"];
    assert!(settings.iter().all(|setting| text.lines().any(|line| line == *setting)), "{text}");
    assert!(!text.contains("StartLimitBurst"));
}
