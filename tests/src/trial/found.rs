//! Real servers: what is found are exactly the ports on which they answer.

use std::{collections::BTreeSet, net::Ipv4Addr, time::Duration};

use anyhow::{Result, bail};

use super::{
    Size,
    account::{self, Account},
    finding::Finding,
    prober::Scan,
};
use crate::{far_end::FarEndConfig, lab::Lab, servers::Servers};

const PATIENCE: Duration = Duration::from_mins(5);

/// An address, a port, and whether it is UDP's.
type Place = (Ipv4Addr, u16, bool);

/// One scan of their networks with the ports that devices use.
pub fn run(size: Size) -> Result<Finding> {
    let directory = tempfile::tempdir()?;
    let mut lab = Lab::reflector(&FarEndConfig::default())?;
    lab.serve(&directory.path().join("servers"))?;
    // The beginning of each /24, or all of it.
    let (bits, addresses) = size.pick((28, 16), (24, 256));
    let networks: BTreeSet<Ipv4Addr> = Servers::services().iter().map(|service| service.network).collect();
    let mut arguments: Vec<String> = networks.iter().map(|network| format!("{network}/{bits}")).collect();
    let rest =
        ["-p", "@iot,U:161", "-r", "5k", "--rate-per-24", "0", "-P", "2", "--probe-spacing", "500ms", "-c", "3s"];
    arguments.extend(rest.map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let scan = Scan::new(directory.path(), &arguments);
    scan.complete(&lab, PATIENCE)?;

    let mut there: BTreeSet<Place> = BTreeSet::new();
    for service in Servers::services() {
        let first = u32::from(service.network);
        there.extend((first..first + addresses).map(|address| (address.into(), service.port, service.udp)));
    }
    let mut found: BTreeSet<Place> = BTreeSet::new();
    for row in account::rows(&scan.database(), "SELECT address, port, kind FROM reply WHERE kind IN (0, 3)")? {
        let [address, port, kind] = row.as_slice() else { bail!("{row:?} is not a reply") };
        found.insert((Ipv4Addr::from(address.parse::<u32>()?), port.parse()?, kind == "3"));
    }
    let mut finding = Finding::new("found");
    finding.exactly("open ports found", found.intersection(&there).count() as u64, there.len() as u64);
    finding.exactly("ports found where nothing answers", found.difference(&there).count() as u64, 0);
    for missing in there.difference(&found).take(5) {
        finding.remark(format!("not found: {missing:?}"));
    }
    for strange in found.difference(&there).take(5) {
        finding.remark(format!("not there: {strange:?}"));
    }
    Account::read(&scan.database())?.close(&mut finding);
    Ok(finding)
}
