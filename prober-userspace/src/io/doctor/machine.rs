//! The kernel, its clocks and the processors. Reading and judging are apart, so that judgements are tested.

use std::fs;

use super::{Check, sys};

/// Clock sources that are read without leaving user space.
const FAST_CLOCKS: [&str; 4] = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"];

pub(super) fn checks() -> Vec<Check> {
    let read = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).ok();
    vec![
        kernel(&read("/proc/sys/kernel/osrelease").unwrap_or_default()),
        types(fs::metadata("/sys/kernel/btf/vmlinux").is_ok()),
        compiler(read("/proc/sys/net/core/bpf_jit_enable").as_deref()),
        clock_source(read("/sys/devices/system/clocksource/clocksource0/current_clocksource").as_deref()),
        wall_clock(sys::clock_is_synchronised()),
        governor(&governors()),
    ]
}

fn kernel(release: &str) -> Check {
    const NAME: &str = "kernel";
    let mut numbers = release.split(['.', '-', '+']).map_while(|part| part.parse::<u32>().ok());
    let found = format!("Linux {release}");
    match (numbers.next(), numbers.next().unwrap_or(0)) {
        (Some(major), minor) if (major, minor) >= (5, 18) => Check::ok(NAME, found),
        (Some(major), minor) if (major, minor) >= (5, 8) => {
            Check::warn(NAME, found, "live frames need 5.18; the af-xdp engine is used instead")
        }
        (Some(_), _) => Check::fail(NAME, found, "the BPF ring buffer needs 5.8; use a newer kernel"),
        (None, _) => Check::warn(NAME, "unknown version", "5.18 or newer is needed for everything"),
    }
}

fn types(present: bool) -> Check {
    if present {
        Check::ok("btf", "kernel types in /sys/kernel/btf/vmlinux")
    } else {
        let advice = "use a kernel built with CONFIG_DEBUG_INFO_BTF if loading the BPF programs fails";
        Check::warn("btf", "no kernel types (/sys/kernel/btf/vmlinux)", advice)
    }
}

fn compiler(setting: Option<&str>) -> Check {
    const NAME: &str = "bpf jit";
    match setting {
        Some("0") => Check::warn(NAME, "off: BPF programs are interpreted", "sysctl -w net.core.bpf_jit_enable=1"),
        Some(_) => Check::ok(NAME, "on"),
        // The setting is only there in the host's own network namespace.
        None => Check::ok(NAME, "cannot be seen in this network namespace"),
    }
}

fn clock_source(name: Option<&str>) -> Check {
    const NAME: &str = "clock source";
    match name {
        Some(name) if FAST_CLOCKS.contains(&name) => Check::ok(NAME, name),
        Some(name) => {
            let advice = "each reading costs a system call or worse: high rates suffer; use tsc or kvm-clock if offered \
                          in /sys/devices/system/clocksource/clocksource0/available_clocksource";
            Check::warn(NAME, name, advice)
        }
        None => Check::warn(NAME, "unknown", "mount /sys to see it"),
    }
}

fn wall_clock(synchronised: Option<bool>) -> Check {
    const NAME: &str = "clock sync";
    match synchronised {
        Some(true) => Check::ok(NAME, "disciplined by NTP or PTP"),
        Some(false) => {
            let advice = "start chrony or systemd-timesyncd; RTTs are not affected, times of day in the database are";
            Check::warn(NAME, "the kernel says unsynchronised", advice)
        }
        None => Check::warn(NAME, "unknown", "check with `timedatectl`"),
    }
}

fn governors() -> Vec<String> {
    let processors = fs::read_dir("/sys/devices/system/cpu").into_iter().flatten().flatten();
    let files = processors.map(|entry| entry.path().join("cpufreq/scaling_governor"));
    files.filter_map(|file| Some(fs::read_to_string(file).ok()?.trim().to_owned())).collect()
}

fn governor(governors: &[String]) -> Check {
    const NAME: &str = "cpu governor";
    let slow: Vec<_> = governors.iter().filter(|name| *name != "performance").collect();
    match (governors.len(), slow.first()) {
        (0, _) => Check::ok(NAME, "no frequency scaling to be seen"),
        (_, None) => Check::ok(NAME, "performance"),
        (all, Some(name)) => {
            let found = format!("{name} on {} of {all} processors", slow.len());
            Check::warn(NAME, found, "cpupower frequency-set -g performance, for even rates and RTTs")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn kernels_by_what_they_lack() {
        let releases = ["6.18.44-fc", "5.18.0", "5.15.0-91-generic", "5.8.0", "5.4.0-1", "4.19.0", "odd", "6+"];
        let states = releases.map(|release| kernel(release).state.name()).join(" ");
        assert_eq!(states, "ok ok warn warn fail fail warn ok");
    }

    #[test]
    fn what_slows_down_is_warned_of() {
        assert_eq!(compiler(Some("0")).state, State::Warn);
        assert_eq!(clock_source(Some("hpet")).state, State::Warn);
        assert_eq!(clock_source(Some("tsc")).state, State::Ok);
        assert_eq!(wall_clock(Some(false)).state, State::Warn);
        let mixed = ["performance".to_owned(), "powersave".to_owned()];
        assert_eq!(governor(&mixed).found, "powersave on 1 of 2 processors");
        assert_eq!(governor(&mixed[..1]).state, State::Ok);
    }
}
