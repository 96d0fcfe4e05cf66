//! Names of users, for the audit trail: as `/etc/passwd` of this host has them, else the number alone.

use super::sys::Peer;

/// `alice (uid 1000, pid 77)`.
pub fn shown(peer: Peer) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let numbers = format!("uid {}, pid {}", peer.uid, peer.pid);
    name_in(&users, peer.uid).map_or_else(|| numbers.clone(), |name| format!("{name} ({numbers})"))
}

fn name_in(users: &str, uid: u32) -> Option<&str> {
    let uid = uid.to_string();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1) == Some(&uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_names_where_they_are_known() {
        let users = "root:x:0:0:root:/root:/bin/bash\nprober:x:998:997::/var/lib/prober:/usr/sbin/nologin\nbroken\n";
        assert_eq!((name_in(users, 998), name_in(users, 0), name_in(users, 7)), (Some("prober"), Some("root"), None));
        assert!(shown(Peer { pid: 77, uid: 4_000_000_000 }).ends_with("uid 4000000000, pid 77"));
    }
}
