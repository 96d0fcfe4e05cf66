//! Which terminals a study is of, when a network is named instead of them.

use std::path::Path;

use prober_common::address::V4;

use crate::cli::UsageError;
use crate::io::store::{Access, Store};
use crate::target::exclusions::Exclusions;
use crate::target::list::parse_address_argument;

/// Of each access point (/24) in `networks` the `each` terminals that are most worth a study, out of the answers in the
/// database; none that is excluded.
pub(super) fn chosen(
    networks: &[String],
    each: usize,
    database: &Path,
    exclusions: &Exclusions,
) -> anyhow::Result<Vec<V4>> {
    if !Store::is_there(database)? {
        let what = format!("--network picks terminals out of stored answers, and there is no {}", database.display());
        return Err(UsageError(format!("{what}; scan the network first, or name the terminals")).into());
    }
    let store = Store::open(database, Access::Read)?;
    let mut terminals = Vec::new();
    for text in networks {
        for range in parse_address_argument(text).map_err(|cause| UsageError(format!("--network {cause}")))? {
            let answering = store.answering_terminals(range)?;
            terminals.extend(first_of_each(answering.into_iter().filter(|one| !exclusions.contains(*one)), each));
        }
    }
    if terminals.is_empty() {
        let (networks, database) = (networks.join(", "), database.display());
        let what = format!("no terminal of {networks} that is not excluded has answered in {database}");
        return Err(UsageError(format!("{what}; scan it first, or name the terminals")).into());
    }
    Ok(terminals)
}

/// The first `each` of every /24; those of one /24 follow each other.
fn first_of_each(addresses: impl Iterator<Item = V4>, each: usize) -> Vec<V4> {
    let (mut chosen, mut present, mut taken) = (Vec::new(), None, 0);
    for address in addresses {
        if present != Some(address.slash24()) {
            (present, taken) = (Some(address.slash24()), 0);
        }
        if taken < each {
            chosen.push(address);
            taken += 1;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_access_point_gives_more_than_its_share() {
        let addresses = [0x100, 0x104, 0x102, 0x205, 0x301, 0x300].map(V4);
        assert_eq!(first_of_each(addresses.into_iter(), 1), [0x100, 0x205, 0x301].map(V4));
        assert_eq!(first_of_each(addresses.into_iter(), 2), [0x100, 0x104, 0x205, 0x301, 0x300].map(V4));
    }
}
