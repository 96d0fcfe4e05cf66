//! `prober exclude forget`: through the running daemon, or in a database that nobody uses.

use std::fmt::Write as _;

use anyhow::bail;

use super::{parse_arguments, range_of};
use crate::cli::daemon_socket::DaemonSocketArgs;
use crate::cli::database::{DatabaseArgs, who};
use crate::cli::figure::grouped;
use crate::cli::output::{put, put_json};
use crate::engine::housekeeping::forgetting::note;
use crate::io::control::{ControlCommand, ControlReply, Forgotten};
use crate::io::store::{Access, exported_days};
use crate::target::address_set::AddressSet;

/// Has it done and says what went.
pub(super) fn forget(
    socket: &DaemonSocketArgs,
    database: &DatabaseArgs,
    ranges: &[String],
    json: bool,
) -> anyhow::Result<()> {
    let wanted = AddressSet::from_ranges(parse_arguments(ranges)?);
    let named = wanted.ranges().map(|range| range.to_string()).collect();
    let forgotten = match socket.ask_unless_named(database, &ControlCommand::Forget { ranges: named, who: who() })? {
        Some(ControlReply::Forgotten(forgotten)) => forgotten,
        Some(_) => bail!("exclude forget: the daemon answered something else"),
        None => forget_stored(socket, database, &wanted)?,
    };
    if json { Ok(put_json(&forgotten)?) } else { Ok(put(&shown(&forgotten))?) }
}

fn forget_stored(socket: &DaemonSocketArgs, database: &DatabaseArgs, wanted: &AddressSet) -> anyhow::Result<Forgotten> {
    let store = socket.stopped(database, Access::Write)?;
    let daemons = if database.is_named() { None } else { socket.configuration()? };
    let stored = AddressSet::from_ranges(store.exclusions()?.iter().map(range_of));
    let listed = daemons.as_ref().map(|config| config.lists.exclusions.addresses());
    let excluded = listed.map_or_else(|| stored.clone(), |listed| stored.union(listed));
    if let Some(range) = wanted.subtract(&excluded).ranges().next() {
        bail!(
            "exclude forget: {range} is not excluded, so what is removed would come back; nothing was removed: `prober exclude \
             add` first"
        );
    }
    let mut rows = store.forget_states(wanted)?;
    let outcome = store.forget_findings(wanted, &mut rows, &|| false);
    note(&store, wanted, &rows, outcome.is_ok(), &who())?;
    outcome?;
    store.give_space_back();
    let export = daemons.and_then(|config| config.settings.export.map(|export| export.folder));
    Ok(Forgotten {
        addresses: wanted.len(),
        rows: rows.into_iter().collect(),
        exported_days: export.map(|folder| exported_days(&folder)).unwrap_or_default(),
    })
}

fn shown(forgotten: &Forgotten) -> String {
    let Forgotten { addresses, rows, exported_days } = forgotten;
    let of_tables: Vec<String> = rows.iter().map(|(table, rows)| format!("{} of {table}", grouped(*rows))).collect();
    let total = grouped(rows.values().sum());
    let mut text = match of_tables.as_slice() {
        [] => format!("nothing is stored of these {} addresses\n", grouped(*addresses)),
        _ => format!("removed {total} rows of {} addresses: {}\n", grouped(*addresses), of_tables.join(", ")),
    };
    text += "files that were exported or copied before are not changed: remove them, or the rows in them, yourself\n";
    for day in exported_days {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}", day.display());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_and_what_did_not_is_said() {
        let rows = [("reply".to_owned(), 1_200), ("banner".to_owned(), 3)].into();
        let forgotten = Forgotten { addresses: 256, rows, exported_days: vec!["/e/reply/day=2026-01-01".into()] };
        insta::assert_snapshot!(shown(&forgotten), @r"
        removed 1,203 rows of 256 addresses: 3 of banner, 1,200 of reply
        files that were exported or copied before are not changed: remove them, or the rows in them, yourself
          /e/reply/day=2026-01-01
        ");
        assert!(
            shown(&Forgotten { addresses: 1, ..Forgotten::default() }).starts_with("nothing is stored of these 1 ")
        );
    }
}
