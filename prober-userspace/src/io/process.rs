//! What the kernel says of the memory of this process and its host.

/// Memory in use, bytes; `None` if the kernel does not say.
pub fn resident_bytes() -> Option<u64> {
    memory_in(&std::fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// The most memory that was ever in use, bytes; `None` if the kernel does not say.
pub fn most_resident_bytes() -> Option<u64> {
    memory_in(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Memory of this host, bytes; `None` if the kernel does not say.
pub fn total_memory_bytes() -> Option<u64> {
    memory_in(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")
}

/// From `/proc/PID/status` or `/proc/meminfo` (proc(5)), where it stands in units of 1,024 bytes.
fn memory_in(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_in_use_is_read() {
        let status = "Name:\tprober\nVmHWM:\t    4096 kB\nVmRSS:\t    2048 kB\nThreads:\t3\n";
        assert_eq!(memory_in(status, "VmRSS:"), Some(2 << 20));
        assert_eq!(memory_in(status, "VmHWM:"), Some(4 << 20));
        assert_eq!(memory_in("Name:\tprober\n", "VmRSS:"), None);
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20 && Some(bytes) <= most_resident_bytes()));
    }
}
