//! Capabilities: which are needed and for what, and giving up the rest once everything privileged is open.

mod sys;

use std::collections::HashSet;

use caps::{CapSet, Capability};

/// What scanning needs, and for what.
const NEEDED: [(Capability, &str); 4] = [
    (Capability::CAP_NET_RAW, "packet and AF_XDP sockets"),
    (Capability::CAP_NET_ADMIN, "attaching the XDP program"),
    (Capability::CAP_BPF, "loading BPF programs and maps"),
    (Capability::CAP_PERFMON, "kernel time and pointers in BPF programs"),
];

/// Privileges are missing or could not be given up.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// The process lacks some.
    #[error(
        "not enough privileges: missing {missing}; run as root, or with these capabilities (`capsh`, systemd's AmbientCapabilities=)"
    )]
    Missing {
        /// Each with what it is for.
        missing: String,
    },
    /// The kernel refused a change.
    #[error("cannot {operation}: {cause}")]
    Refused {
        /// What was tried.
        operation: &'static str,
        /// Why it failed.
        cause: String,
    },
}

/// New files are for their owner only; to be called first of all, before any thread starts.
pub fn restrict_new_files() {
    sys::set_umask(0o077);
}

/// Fails with a list of the missing capabilities. `CAP_SYS_ADMIN` stands for those that were split from it.
pub fn require_for_scan() -> Result<(), PrivilegeError> {
    let held = effective()?;
    let missing = describe_missing(&held);
    if missing.is_empty() { Ok(()) } else { Err(PrivilegeError::Missing { missing }) }
}

/// The capabilities that scanning needs and the process lacks, each with what it is for; empty if none.
pub fn missing_for_scan() -> Result<String, PrivilegeError> {
    Ok(describe_missing(&effective()?))
}

fn effective() -> Result<HashSet<Capability>, PrivilegeError> {
    caps::read(None, CapSet::Effective).map_err(refused("read the capabilities"))
}

fn describe_missing(held: &HashSet<Capability>) -> String {
    let split_from_admin = [Capability::CAP_BPF, Capability::CAP_PERFMON];
    let has = |capability: &Capability| {
        held.contains(capability) || split_from_admin.contains(capability) && held.contains(&Capability::CAP_SYS_ADMIN)
    };
    let missing: Vec<_> = NEEDED
        .iter()
        .filter(|(capability, _)| !has(capability))
        .map(|(capability, purpose)| format!("{capability} ({purpose})"))
        .collect();
    missing.join(", ")
}

/// Gives up every capability but `keep`, for good (bounding and ambient sets too, and no new ones by executing other
/// programs). The kernel keeps capabilities per thread: this covers the calling thread and those it starts afterwards,
/// so call it when the privileged things are open and before other threads start. Gives the number of other threads
/// that already run and keep theirs.
pub fn drop_all_but(keep: &[Capability]) -> Result<usize, PrivilegeError> {
    let held = caps::read(None, CapSet::Permitted).map_err(refused("read the capabilities"))?;
    let kept: HashSet<_> = keep.iter().copied().filter(|capability| held.contains(capability)).collect();
    if held.contains(&Capability::CAP_SETPCAP) {
        for capability in caps::runtime::thread_all_supported().difference(&kept) {
            caps::drop(None, CapSet::Bounding, *capability).map_err(refused("shrink the bounding set"))?;
        }
    }
    caps::clear(None, CapSet::Ambient).map_err(refused("clear the ambient set"))?;
    caps::clear(None, CapSet::Inheritable).map_err(refused("clear the inheritable set"))?;
    // Effective first: it may not exceed the permitted set.
    caps::set(None, CapSet::Effective, &kept).map_err(refused("shrink the effective set"))?;
    caps::set(None, CapSet::Permitted, &kept).map_err(refused("shrink the permitted set"))?;
    sys::forbid_new_privileges()
        .map_err(|cause| PrivilegeError::Refused { operation: "set no_new_privs", cause: cause.to_string() })?;
    Ok(std::fs::read_dir("/proc/self/task").map_or(0, |tasks| tasks.count().saturating_sub(1)))
}

fn refused<E: std::fmt::Display>(operation: &'static str) -> impl Fn(E) -> PrivilegeError {
    move |cause| PrivilegeError::Refused { operation, cause: cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_capability_is_named_with_its_purpose() {
        let held = HashSet::from([Capability::CAP_NET_RAW, Capability::CAP_BPF]);
        assert_eq!(
            describe_missing(&held),
            "CAP_NET_ADMIN (attaching the XDP program), CAP_PERFMON (kernel time and pointers in BPF programs)"
        );
        let old_style = [Capability::CAP_NET_RAW, Capability::CAP_NET_ADMIN, Capability::CAP_SYS_ADMIN];
        assert_eq!(describe_missing(&HashSet::from(old_style)), "");
    }

    #[test]
    fn dropping_leaves_only_what_is_kept() {
        // On a thread of its own: capabilities are per thread, and these never come back.
        std::thread::spawn(|| {
            require_for_scan().expect("this test needs root");
            drop_all_but(&[Capability::CAP_BPF]).unwrap();
            for set in [CapSet::Effective, CapSet::Permitted, CapSet::Bounding] {
                assert_eq!(caps::read(None, set).unwrap(), HashSet::from([Capability::CAP_BPF]), "{set:?}");
            }
            assert!(caps::read(None, CapSet::Inheritable).unwrap().is_empty());
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            assert!(status.contains("NoNewPrivs:\t1"));
            let message = require_for_scan().unwrap_err().to_string();
            assert!(message.contains("missing CAP_NET_RAW (packet and AF_XDP sockets), CAP_NET_ADMIN"), "{message}");
        })
        .join()
        .unwrap();
    }
}
