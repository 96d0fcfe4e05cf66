//! The exclusion files while the daemon runs. What a changed file adds counts at once; what it takes away counts only when
//! the file has stayed the same for a moment, because an editor may be half-way through writing it. A file that cannot
//! be understood, is gone, has become empty or has lost most of its lines or addresses takes nothing away; neither does a
//! restart.

use std::path::Path;
use std::time::Duration;

use crate::cli::config::problem::Problem;
use crate::cli::config::settings::ListSettings;
use crate::cli::config::{exclusion_sources, is_empty_list};
use crate::io::watched_files::WatchedFiles;
use crate::target::address_set::AddressSet;
use crate::target::exclusions::Exclusions;
use crate::target::range::AddressRange;
use crate::target::special::SPECIAL_RANGES;

/// A file that did not change for so long is taken to be written.
const SETTLED: Duration = Duration::from_millis(250);

/// Lists by name.
type Sources = Vec<(String, Vec<AddressRange>)>;

/// The files, and what of them is in force.
#[derive(Debug)]
pub struct ExclusionWatch {
    list: ListSettings,
    allow_special: bool,
    files: WatchedFiles,
    /// Of the files.
    in_force: Sources,
    /// Of files that changed and are not settled yet: they count besides.
    unsettled: Sources,
    /// Of the database.
    stored: Vec<AddressRange>,
    /// Those that are no targets any more.
    left: Vec<AddressRange>,
    /// What the last run left out and the lists have lost, with the reason why it stays.
    kept: Option<(Vec<AddressRange>, String)>,
    /// When something last changed that is not settled yet.
    changed_at: Option<Duration>,
    /// Why the files as they are now are not in force.
    problem: Option<String>,
}

/// What a look at the files brought.
#[derive(Debug)]
pub enum Seen {
    /// Nothing new.
    Same,
    /// These are in force from now on.
    Changed(Exclusions),
    /// The files cannot be taken over; what is in force stays.
    Kept(String),
}

impl ExclusionWatch {
    /// Over files that were just read without a problem; `stored` are the exclusions of the database.
    pub fn new(list: ListSettings, allow_special: bool, stored: Vec<AddressRange>) -> Result<Self, Problem> {
        // Looked at before they are read: a change in between is noticed.
        let files = WatchedFiles::new(list.files.iter().cloned());
        let in_force = exclusion_sources(&list)?;
        Ok(Self {
            list,
            allow_special,
            files,
            in_force,
            unsettled: Vec::new(),
            stored,
            left: Vec::new(),
            kept: None,
            changed_at: None,
            problem: None,
        })
    }

    /// Over other lists, with the same ranges of the database.
    pub fn over(&self, list: ListSettings) -> Result<Self, Problem> {
        Self::new(list, self.allow_special, self.stored.clone())
    }

    /// Keeps what the last run left out (`before`) if the lists have lost all or most of it since: a file that was emptied
    /// while nobody looked must not let probes go out at the next start. Gives the problem, if there is one.
    pub fn keep(&mut self, before: &AddressSet) -> Option<&str> {
        let before = before.subtract(&special_ranges());
        let lost = before.subtract(self.exclusions().addresses());
        if has_lost_most(&before, &lost) {
            let problem = format!(
                "{} of the {} addresses that the last run left out are on no list any more; they stay excluded until `prober \
                 control reload`",
                lost.len(),
                before.len()
            );
            self.problem = Some(problem.clone());
            self.kept = Some((lost.ranges().collect(), problem));
        }
        self.problem()
    }

    /// What is in force.
    pub fn exclusions(&self) -> Exclusions {
        // More at once, less when it is settled.
        self.merged([self.in_force.clone(), self.unsettled.clone()].concat())
    }

    /// What is in force because somebody asked for it, to be compared with the lists of the next start: without those that
    /// are no target any more.
    pub fn asked_for(&self) -> Exclusions {
        Exclusions::new(self.sources([self.in_force.clone(), self.unsettled.clone()].concat()), self.allow_special)
    }

    /// Why the files as they are now are not in force, if they are not.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Adds to what the database holds.
    pub fn store(&mut self, ranges: impl IntoIterator<Item = AddressRange>) -> Exclusions {
        self.stored.extend(ranges);
        self.exclusions()
    }

    /// From now on the database holds these only.
    pub fn keep_stored(&mut self, ranges: impl IntoIterator<Item = AddressRange>) -> Exclusions {
        self.stored = ranges.into_iter().collect();
        self.exclusions()
    }

    /// Leaves out what is no target any more, besides everything else.
    pub fn leave_out(&mut self, ranges: impl IntoIterator<Item = AddressRange>) {
        self.left = ranges.into_iter().collect();
    }

    /// What the database holds.
    pub fn stored(&self) -> &[AddressRange] {
        &self.stored
    }

    /// Looks at the files; to be called several times a second. `now` is any time that goes forward.
    pub fn look(&mut self, now: Duration) -> Seen {
        if !self.files.changed().is_empty() {
            self.changed_at = Some(now);
            return match exclusion_sources(&self.list) {
                Ok(sources) => {
                    self.unsettled = sources;
                    Seen::Changed(self.exclusions())
                }
                Err(_) => Seen::Same,
            };
        }
        if self.changed_at.is_none_or(|changed_at| now < changed_at + SETTLED) {
            return Seen::Same;
        }
        self.changed_at = None;
        match self.settled() {
            Ok(sources) => {
                self.in_force = sources;
                self.unsettled = Vec::new();
                self.problem = self.kept.as_ref().map(|(_, problem)| problem.clone());
                Seen::Changed(self.exclusions())
            }
            Err(problem) => {
                self.problem = Some(problem.clone());
                Seen::Kept(problem)
            }
        }
    }

    /// What the files say, unless they cannot be understood or have lost too much. What they add counts all the same.
    fn settled(&mut self) -> Result<Sources, String> {
        let sources = exclusion_sources(&self.list).map_err(|problem| problem.to_string())?;
        match self.loses_too_much(&sources) {
            None => Ok(sources),
            Some(problem) => {
                self.unsettled = sources;
                Err(problem)
            }
        }
    }

    fn loses_too_much(&self, sources: &Sources) -> Option<String> {
        if let Some(file) = self.list.files.iter().find(|file| self.is_emptied(file, sources)) {
            let file = file.display();
            return Some(format!("{file}: is empty now; its exclusions stay until `prober control reload`"));
        }
        let mut before = set_of(&self.in_force);
        if !self.allow_special {
            // They stay excluded, whatever the lists say, and are so large that nothing else would count beside them.
            before = before.subtract(&special_ranges());
        }
        let lost = before.subtract(&set_of(sources));
        has_lost_most(&before, &lost).then(|| {
            format!(
                "the exclusion lists have lost {} of {} addresses ({} of {} ranges) at once, as a file does that is only half \
                 written; they stay until `prober control reload`",
                lost.len(),
                before.len(),
                lost.range_count(),
                before.range_count()
            )
        })
    }

    fn is_emptied(&self, file: &Path, sources: &Sources) -> bool {
        !is_empty_list(file, &self.in_force) && is_empty_list(file, sources)
    }

    fn merged(&self, listed: Sources) -> Exclusions {
        let mut sources = self.sources(listed);
        if !self.left.is_empty() {
            sources.push(("no target any more".to_owned(), self.left.clone()));
        }
        Exclusions::new(sources, self.allow_special)
    }

    fn sources(&self, mut sources: Sources) -> Sources {
        if !self.stored.is_empty() {
            sources.push(("the database (prober exclude)".to_owned(), self.stored.clone()));
        }
        if let Some((kept, _)) = &self.kept {
            sources.push(("the last run's exclusions".to_owned(), kept.clone()));
        }
        sources
    }
}

fn set_of(sources: &Sources) -> AddressSet {
    sources.iter().flat_map(|(_, ranges)| ranges.iter().copied()).collect()
}

fn special_ranges() -> AddressSet {
    AddressSet::from_ranges(SPECIAL_RANGES.map(|special| special.range))
}

/// Most of the addresses, or most of the ranges of lists that are long enough for it to mean something: ranges that touch
/// are one, and one that is large hides many that are small.
fn has_lost_most(before: &AddressSet, lost: &AddressSet) -> bool {
    lost.len() * 2 > before.len() || before.range_count() >= 20 && lost.range_count() * 2 > before.range_count()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use prober_common::address::V4;

    use super::*;

    const FIRST: V4 = V4(0x0808_0801);
    const SECOND: V4 = V4(0x0808_0901);
    const STORED: V4 = V4(0x0808_0a01);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn more_counts_at_once_and_less_when_it_is_settled() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("optout.txt");
        fs::write(&file, "8.8.8.0/24\n").unwrap();
        let list = ListSettings { ranges: Vec::new(), files: vec![file.clone()] };
        let mut watch = ExclusionWatch::new(list, true, vec![AddressRange::between(STORED, STORED)]).unwrap();
        assert!(matches!(watch.look(ms(0)), Seen::Same));

        fs::write(&file, "8.8.9.0/24\n# another one\n").unwrap();
        let Seen::Changed(both) = watch.look(ms(100)) else { panic!("a change is noticed") };
        assert!([FIRST, SECOND, STORED].iter().all(|address| both.contains(*address)));
        let without = watch.keep_stored([]);
        assert!(without.contains(SECOND) && !without.contains(STORED), "what is not settled stays");
        watch.store([AddressRange::between(STORED, STORED)]);
        assert!(matches!(watch.look(ms(200)), Seen::Same));
        assert!(matches!(watch.look(ms(400)), Seen::Kept(_)), "all that there was is gone");
        assert!(watch.exclusions().contains(FIRST) && watch.exclusions().contains(SECOND), "what it adds counts");
        fs::write(&file, "8.8.8.0/25\n8.8.9.0/24\n").unwrap();
        watch.look(ms(500));
        let Seen::Changed(settled) = watch.look(ms(800)) else { panic!("it is settled") };
        assert!(settled.contains(FIRST) && settled.contains(SECOND) && settled.contains(STORED));
        assert!(!settled.contains(V4(0x0808_08ff)) && watch.problem().is_none());
        assert!(matches!(watch.look(ms(900)), Seen::Same));

        for garbage in ["8.8.9.0/24\n<html>502</html>\n", "", "# nobody\n"] {
            fs::write(&file, garbage).unwrap();
            match watch.look(ms(1_000)) {
                Seen::Same => {}
                Seen::Changed(during) => assert!(during.contains(SECOND)),
                Seen::Kept(_) => panic!("not settled yet"),
            }
            let Seen::Kept(problem) = watch.look(ms(1_500)) else { panic!("{garbage:?} is kept out") };
            assert!(problem.starts_with(&format!("{}:", file.display())), "{problem}");
            assert_eq!(watch.problem(), Some(problem.as_str()));
            assert!(watch.exclusions().contains(SECOND));
        }
        fs::remove_file(&file).unwrap();
        watch.look(ms(2_000));
        assert!(matches!(watch.look(ms(2_500)), Seen::Kept(_)) && watch.exclusions().contains(SECOND));

        fs::write(&file, "8.8.9.0/24\n").unwrap();
        watch.look(ms(3_000));
        assert!(matches!(watch.look(ms(3_500)), Seen::Changed(_)));
        assert!(watch.problem().is_none() && !watch.exclusions().contains(FIRST));
        assert!(watch.store([AddressRange::between(SECOND, SECOND)]).contains(SECOND));
    }

    #[test]
    fn many_that_touch_are_as_safe_as_many_that_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("optout.txt");
        let lines = |count: u32| (0..count).map(|n| format!("8.8.{n}.0/24\n")).collect::<Vec<_>>().concat();
        // What is never probed anyway hides nothing.
        fs::write(&file, lines(256) + "10.0.0.0/8\n240.0.0.0/4\n").unwrap();
        let list = ListSettings { ranges: Vec::new(), files: vec![file.clone()] };
        let mut watch = ExclusionWatch::new(list.clone(), false, Vec::new()).unwrap();
        let before = watch.asked_for().addresses().clone();
        let last = V4(0x0808_ff01);
        fs::write(&file, lines(60) + "9.9.9.0/24\n10.0.0.0/8\n240.0.0.0/4\n").unwrap();
        watch.look(ms(0));
        let Seen::Kept(problem) = watch.look(ms(500)) else { panic!("most of it is gone") };
        assert!(problem.contains("lost 50176 of 65536 addresses (1 of 1 ranges)"), "{problem}");
        assert!(watch.exclusions().contains(last) && watch.exclusions().contains(V4(0x0909_0901)));
        // While nobody looked.
        let mut again = ExclusionWatch::new(list.clone(), false, Vec::new()).unwrap();
        assert!(again.keep(&before).is_some() && again.exclusions().contains(last));
        // What the problem says: a reload takes it over.
        let reloaded = watch.over(list).unwrap();
        assert!(reloaded.problem().is_none() && !reloaded.exclusions().contains(last));
    }

    #[test]
    fn half_a_file_takes_nothing_away_and_neither_does_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("optout.txt");
        let lines = |count: u32| (0..count).map(|n| format!("8.8.{}.0/24\n", 2 * n)).collect::<Vec<_>>().concat();
        fs::write(&file, lines(100)).unwrap();
        let list = ListSettings { ranges: Vec::new(), files: vec![file.clone()] };
        let mut watch = ExclusionWatch::new(list.clone(), true, Vec::new()).unwrap();
        let before = watch.exclusions().addresses().clone();
        fs::write(&file, lines(10)).unwrap();
        watch.look(ms(0));
        let Seen::Kept(problem) = watch.look(ms(500)) else { panic!("most of it is gone") };
        assert!(problem.contains("lost 23040 of 25600 addresses (90 of 100 ranges)"), "{problem}");
        assert_eq!(watch.exclusions().addresses().len(), before.len());
        fs::write(&file, lines(60)).unwrap();
        watch.look(ms(1_000));
        assert!(matches!(watch.look(ms(1_500)), Seen::Changed(_)), "so much may well be taken off");

        let mut again = ExclusionWatch::new(list.clone(), true, Vec::new()).unwrap();
        assert_eq!(again.keep(&before), None);
        assert_eq!(again.exclusions().addresses().len(), 60 * 256);
        for rest in ["# nobody\n", "8.8.0.0/24\n"] {
            fs::write(&file, rest).unwrap();
            let mut emptied = ExclusionWatch::new(list.clone(), true, Vec::new()).unwrap();
            assert!(
                emptied.keep(&before).is_some_and(|problem| problem.contains("of the 25600 addresses")),
                "{rest:?}"
            );
            assert_eq!(emptied.exclusions().addresses().len(), before.len());
        }
    }
}
