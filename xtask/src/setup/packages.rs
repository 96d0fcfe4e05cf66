//! Debian 12's names of what the build, the lab and the bench need.

pub const EBPF_COMPILER: &[&str] = &["rustc-web", "rust-web-src"];
pub const LLVM: &[&str] = &["llvm-22-dev"];

/// Servers, and what makes the namespaces.
pub const LAB: &[&str] = &[
    "nginx-light",
    "lighttpd",
    "openssh-server",
    "dropbear-bin",
    "vsftpd",
    "inetutils-telnetd",
    "mosquitto",
    "snmpd",
    "gir1.2-gst-rtsp-server-1.0",
    "python3-gi",
    "gstreamer1.0-plugins-base",
    "iproute2",
    "iputils-ping",
    "ethtool",
    "tcpdump",
];

pub const PEERS: &[&str] = &["masscan", "zmap", "nmap"];
