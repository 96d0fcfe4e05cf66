//! A unit file of systemd: its settings as they stand there. What they mean is for whoever asks.

use std::{fs, path::Path};

use anyhow::{Context, Result};

/// The settings of a unit, in their order.
#[derive(Clone, Debug)]
pub struct Unit(Vec<(String, String)>);

impl Unit {
    /// Reads a file; sections do not matter, names are unique in ours.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let settings = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
        let settings = settings.filter_map(|line| line.split_once('='));
        Self(settings.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect())
    }

    /// The last value of a setting.
    pub fn value(&self, name: &str) -> Result<&str> {
        let all = self.0.iter().filter(|(setting, _)| setting == name);
        all.map(|(_, value)| value.as_str()).next_back().with_context(|| format!("the unit has no {name}="))
    }

    /// The words of all values of a setting.
    pub fn words(&self, name: &str) -> Vec<&str> {
        let all = self.0.iter().filter(|(setting, _)| setting == name);
        all.flat_map(|(_, value)| value.split_whitespace()).collect()
    }

    /// Whether a setting has this value.
    pub fn is(&self, name: &str, value: &str) -> bool {
        self.value(name).is_ok_and(|own| own == value)
    }

    /// The values of a setting, each a line of its own.
    pub fn lines(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(setting, _)| setting == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Capabilities as `setpriv` names them, like `net_raw`.
    pub fn capabilities(&self, name: &str) -> Vec<String> {
        let words = self.words(name).into_iter();
        words.map(|word| word.trim_start_matches("CAP_").to_lowercase()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_stand() {
        let text = "# User=none\n[Service]\nUser = prober\nAmbientCapabilities=CAP_NET_RAW CAP_BPF\n\
                    SystemCallFilter=@system-service\nSystemCallFilter=~@privileged bpf\nNoNewPrivileges=yes\n";
        let unit = Unit::parse(text);
        assert_eq!(unit.value("User").unwrap(), "prober");
        assert_eq!(unit.capabilities("AmbientCapabilities"), ["net_raw", "bpf"]);
        assert_eq!(unit.lines("SystemCallFilter"), ["@system-service", "~@privileged bpf"]);
        assert!(unit.is("NoNewPrivileges", "yes") && !unit.is("PrivateTmp", "yes"));
        assert!(unit.value("PrivateTmp").is_err());
    }
}
