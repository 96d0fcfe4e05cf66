//! Debian 12's names of what the build, the lab and the bench need, and how to see it on a system that is not Debian's.

/// A package.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    pub name: &'static str,
    /// A program of it, or a file if this starts with `/`; `None` for what lies elsewhere on every system.
    pub brings: Option<&'static str>,
}

const fn package(name: &'static str, brings: &'static str) -> Package {
    Package { name, brings: Some(brings) }
}

const fn unseen(name: &'static str) -> Package {
    Package { name, brings: None }
}

pub const EBPF_COMPILER: &[Package] =
    &[package("rustc-web", "rustc"), package("rust-web-src", "/usr/lib/rustlib/src/rust/library")];

pub const LLVM: &[Package] = &[package("llvm-22-dev", "/usr/lib/llvm-22/bin/llvm-config")];

/// Needed once, to fetch libduckdb; any other npm does as well.
pub const NPM: Package = package("npm", "npm");

/// Servers, and what makes the namespaces.
pub const LAB: &[Package] = &[
    package("nginx-light", "nginx"),
    package("lighttpd", "lighttpd"),
    package("openssh-server", "sshd"),
    package("dropbear-bin", "dropbear"),
    package("vsftpd", "vsftpd"),
    package("inetutils-telnetd", "telnetd"),
    package("mosquitto", "mosquitto"),
    package("snmpd", "snmpd"),
    unseen("gir1.2-gst-rtsp-server-1.0"),
    unseen("python3-gi"),
    unseen("gstreamer1.0-plugins-base"),
    package("iproute2", "ip"),
    package("iputils-ping", "ping"),
    package("ethtool", "ethtool"),
    package("tcpdump", "tcpdump"),
    // Only to judge the unit's exposure, offline, and what its filter of system calls refuses.
    package("systemd", "systemd-analyze"),
    package("strace", "strace"),
];

pub const PEERS: &[Package] = &[package("masscan", "masscan"), package("zmap", "zmap"), package("nmap", "nmap")];

/// The network simulator that traces are made with.
pub const SIMULATOR: &[Package] = &[package("libns3-dev", "/usr/include/ns3"), package("g++", "c++")];
