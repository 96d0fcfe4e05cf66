//! What the commands on unknown banners share: where the banners come from, the filter with the makers of a database, the
//! groups that no device is seen in, and the table of stages.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::bail;
use prober_common::address::V4;
use prober_common::event::ProbeKind;

use super::super::figure::grouped;
use super::super::table::Table;
use super::banners::{BannerLine, for_each_line};
use super::signatures::SignatureArgs;
use crate::device::aggregate::{Aggregated, Aggregator};
use crate::device::database::{Database, KeywordId};
use crate::device::matcher::Matcher;
use crate::device::score::{BannerHits, ScoreSettings, Scorer};
use crate::device::sift::{BannerGroup, Filter, Reason, Sifted, Sifter, Stage};
use crate::device::suggest::{Draft, Suggester};
use crate::engine::estimation::{match_groups, threads};
use crate::io::store::{Access, Store};
use crate::model::device::Level;
use crate::model::scan::ScanId;
use crate::target::ports::ProbePort;

/// An address with so many open ports tells nothing of a device's (METHODS section 10).
const PORTS_MAX: usize = 100;

/// Which signatures name the makers that the filter keeps.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SiftArgs {
    #[command(flatten)]
    signatures: SignatureArgs,
}

impl SiftArgs {
    /// The database, and the filter that goes with it.
    pub(super) fn filter(&self) -> anyhow::Result<(Database, Filter)> {
        let database = self.signatures.load()?;
        let filter = Filter::new(makers(&database));
        Ok((database, filter))
    }
}

pub(super) fn makers(database: &Database) -> impl Iterator<Item = &str> {
    database.devices().iter().filter_map(|device| device.maker.as_deref())
}

/// Which banners.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct UnknownArgs {
    #[command(flatten)]
    sift: SiftArgs,
    /// Banners as JSON lines, also gzipped; `-` is standard input
    #[arg(long, value_name = "FILE|-", required_unless_present = "db")]
    banners: Vec<PathBuf>,
    /// Database whose banners are looked at as well
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Only the banners of this scan
    #[arg(long, value_name = "ID", requires = "db")]
    scan: Option<u32>,
    /// Also groups in which a device is seen already
    #[arg(long)]
    known: bool,
}

impl UnknownArgs {
    /// Reads and sifts. `keep_all` keeps also what the filter leaves out.
    pub(super) fn find(&self, keep_all: bool) -> anyhow::Result<Unknown> {
        let (database, filter) = self.sift.filter()?;
        let mut source = Source::new(&filter, keep_all);
        for path in &self.banners {
            for_each_line(path, |number, line| {
                source.add_line(number, &line);
                Ok(())
            })?;
        }
        if let Some(path) = &self.db {
            source.add_stored(&Store::open(path, Access::Read)?, self.scan.map(ScanId))?;
        }
        let known = (!self.known).then_some(&database);
        let (sifted, all, ports) = source.finish()?;
        let makers = makers(&database).map(str::to_owned).collect();
        Ok(Unknown::of(sifted, all, ports, known, makers, filter))
    }
}

/// Banners coming in.
pub(super) struct Source<'a> {
    sifter: Sifter<'a>,
    all: Option<Aggregator>,
    ports: HashMap<V4, Vec<ProbePort>>,
    count: u32,
}

impl<'a> Source<'a> {
    pub(super) fn new(filter: &'a Filter, keep_all: bool) -> Self {
        Self { sifter: Sifter::new(filter), all: keep_all.then(Aggregator::default), ports: HashMap::new(), count: 0 }
    }

    /// A line without an address counts as an address of its own, out of a range that nobody has.
    pub(super) fn add_line(&mut self, number: usize, line: &BannerLine) {
        let address = line.address.map_or(V4(240 << 24 | number as u32), V4::from);
        let port = line.port.filter(|port| *port > 0).map(|port| ProbePort { kind: ProbeKind::TcpSyn, port });
        self.add(address, port, line.banner.as_bytes());
    }

    pub(super) fn add_stored(&mut self, store: &Store, scan: Option<ScanId>) -> anyhow::Result<()> {
        let read = store.for_each_banner(scan, |banner| self.add(banner.address, Some(banner.port), &banner.text))?;
        if read == 0 {
            bail!(
                "database {}: holds no banners; grab some with `prober grab`, or name a file",
                store.path().display()
            );
        }
        Ok(())
    }

    /// Banners that came in.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    fn add(&mut self, address: V4, port: Option<ProbePort>, banner: &[u8]) {
        self.count += 1;
        self.sifter.add(address, banner);
        if let Some(all) = &mut self.all {
            all.add(address, banner);
        }
        self.ports.entry(address).or_default().extend(port);
    }

    pub(super) fn finish(self) -> anyhow::Result<(Sifted, Aggregated, HashMap<V4, Vec<ProbePort>>)> {
        if self.count == 0 {
            bail!("no banners to look at");
        }
        Ok((self.sifter.finish(), self.all.unwrap_or_default().finish(), self.ports))
    }
}

/// Groups that nobody knows.
pub(super) struct Unknown {
    /// What was done, and what it left.
    pub(super) stages: Vec<Stage>,
    pub(super) filtered: BTreeMap<Reason, usize>,
    /// The distinct banners that the filter kept.
    pub(super) banners: Aggregated,
    /// All distinct banners, if they were to be kept.
    pub(super) all: Aggregated,
    /// Those of most addresses first.
    pub(super) groups: Vec<BannerGroup>,
    pub(super) filter: Filter,
    ports: HashMap<V4, Vec<ProbePort>>,
    makers: Vec<String>,
}

impl Unknown {
    /// Without the groups of which most banners are of a device in `known`.
    pub(super) fn of(
        sifted: Sifted,
        all: Aggregated,
        ports: HashMap<V4, Vec<ProbePort>>,
        known: Option<&Database>,
        makers: Vec<String>,
        filter: Filter,
    ) -> Self {
        let Sifted { mut stages, filtered, banners, mut groups } = sifted;
        if let Some(database) = known {
            let took = groups.len();
            let is_known = known_banners(database, &banners);
            let known_in = |group: &BannerGroup| group.members.iter().filter(|at| is_known[**at as usize]).count();
            groups.retain(|group| known_in(group) * 2 <= group.members.len());
            stages.push(Stage { name: "unknown", took, left: groups.len() });
        }
        Self { stages, filtered, banners, all, groups, filter, ports, makers }
    }

    /// Some banners of each group.
    pub(super) fn texts(&self, most: usize) -> Vec<Vec<String>> {
        self.groups.iter().map(|group| group.banners(&self.banners, most)).collect()
    }

    /// What each group may be called; `texts` are its banners.
    pub(super) fn proposals(&self, texts: &[Vec<String>]) -> Vec<Vec<Draft>> {
        let suggester = Suggester::new(texts, self.makers.iter().map(String::as_str));
        let ports = self.ports();
        (0..texts.len()).map(|group| suggester.proposals(group, &texts[group], &ports[group])).collect()
    }

    /// The ports that are open on the addresses of each group.
    pub(super) fn ports(&self) -> Vec<Vec<ProbePort>> {
        let mut group_of = vec![None; self.banners.groups().len()];
        for (number, group) in self.groups.iter().enumerate() {
            group.members.iter().for_each(|member| group_of[*member as usize] = Some(number));
        }
        let mut ports: Vec<Vec<ProbePort>> = vec![Vec::new(); self.groups.len()];
        for pairs in self.banners.chunks() {
            let own = self.ports.get(&pairs[0].0).map_or(&[][..], Vec::as_slice);
            if own.len() < PORTS_MAX {
                pairs.iter().filter_map(|pair| group_of[pair.1 as usize]).for_each(|group| ports[group].extend(own));
            }
        }
        for ports in &mut ports {
            ports.sort_unstable();
            ports.dedup();
        }
        ports
    }
}

/// Whether a device is seen in each of these banners; an embedded web server is none.
fn known_banners(database: &Database, banners: &Aggregated) -> Vec<bool> {
    let hits = match_groups(&Matcher::new(database), banners, threads());
    let scorer = Scorer::new(database, ScoreSettings::default());
    let is_known = |text: &[u8], keywords: &[KeywordId]| {
        let estimates = scorer.estimates(&[BannerHits { text, keywords }], &[]);
        estimates.iter().any(|estimate| database.device(estimate.device).level() > Level::Embedded)
    };
    banners.groups().iter().zip(&hits).map(|(group, hits)| is_known(&group.sample, hits)).collect()
}

/// Stages, one a line, and why the filter left out what it did.
pub(super) fn stages_table(stages: &[Stage], filtered: &BTreeMap<Reason, usize>) -> String {
    let mut table = Table::of(&["stage", "took>", "left>"]);
    for stage in stages {
        table.row([stage.name.to_owned(), grouped(stage.took as u64), grouped(stage.left as u64)]);
    }
    let mut text = table.render();
    if !filtered.is_empty() {
        let reason = |(reason, count): (&Reason, &usize)| format!("{} {}", reason.name(), grouped(*count as u64));
        let reasons: Vec<String> = filtered.iter().map(reason).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "filtered: {}", reasons.join(", "));
    }
    text
}
