//! Three probers with one seed, each with its third of the plan: disjoint, and complete together.

use anyhow::Result;

use super::{
    Size,
    account::Account,
    coverage::{Field, PATIENCE, PORTS},
    finding::Finding,
    prober::Scan,
};

/// The shards one after another on the same field.
pub fn run(size: Size) -> Result<Finding> {
    const SHARDS: u64 = 3;
    let field = Field::new(size)?;
    let prefix = field.prefix();
    let mut finding = Finding::new("shards");
    let mut sent = 0;
    for shard in 0..SHARDS {
        let directory = tempfile::tempdir()?;
        let share = format!("{shard}/{SHARDS}");
        let scan = Scan::new(
            directory.path(),
            &[&prefix, "-p", PORTS.0, "-e", "7", "-r", "max", "--rate-per-24", "0", "-c", "100ms", "--shard", &share],
        );
        scan.complete(&field.lab, PATIENCE)?;
        let account = Account::read(&scan.database())?;
        sent += account.role("sent");
        let [_, once, more] = field.probed()?;
        finding.exactly(format!("probed once after {} shards", shard + 1), once, sent);
        finding.exactly(format!("probed again after {} shards", shard + 1), more, 0);
        let mut books = Finding::new("shard");
        account.close(&mut books);
        finding.absorb(&format!("shard {share}"), books);
    }
    finding.exactly("probed once by all", sent, field.cells());
    field.nothing_else(&mut finding)?;
    Ok(finding)
}
