//! The review of unknown groups as a pure machine: keys come in, the state changes, and it says what is to be done. Drawing
//! it, reading keys and saving decisions is `cli/device/review`.

mod catcher;
mod decision;
mod difference;
mod editor;
mod view;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

pub use catcher::{Catch, Catcher};
pub use decision::{Decision, Verdict};
use difference::differences;
pub use editor::{Editor, Field};

use super::database::Database;
use super::lint::{Negative, lint};
use super::suggest::Draft;
use crate::model::device::Device;

/// Longest example that is kept with a signature, bytes.
const EXAMPLE_BYTES: usize = 2_000;
/// Where what was accepted comes from.
const SOURCE: &str = "reviewed by a person";
/// Examples kept with a signature.
const EXAMPLES: usize = 3;

/// A group to decide on.
#[derive(Clone, Debug, Default)]
pub struct ReviewGroup {
    /// Hash of its first normalised banner: finds the decision again.
    pub id: u64,
    /// Addresses that have it.
    pub addresses: u32,
    /// Some of its banners, as they came; not empty.
    pub banners: Vec<String>,
    /// What it may be called; not empty.
    pub proposals: Vec<Draft>,
}

/// A key, as the terminal gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A letter, figure or sign.
    Char(char),
    /// One up.
    Up,
    /// One down.
    Down,
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// A page of the banner up.
    PageUp,
    /// A page of the banner down.
    PageDown,
    /// To the first.
    Home,
    /// To the last.
    End,
    /// To the next field or proposal.
    Tab,
    /// To the field or proposal before.
    BackTab,
    /// Done.
    Enter,
    /// Not done.
    Escape,
    /// Deletes to the left.
    Backspace,
    /// Deletes to the right.
    Delete,
}

/// What the caller has to do after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing but drawing.
    None,
    /// Save the decisions.
    Save,
    /// Save and leave.
    Quit,
}

/// A review in progress.
#[derive(Debug)]
pub struct Review {
    groups: Vec<ReviewGroup>,
    negatives: Vec<Negative>,
    catcher: Catcher,
    decisions: Vec<Decision>,
    /// The edited draft of a group.
    drafts: HashMap<usize, Draft>,
    /// Groups put off in an earlier session: they come again after the others.
    put_off: HashSet<u64>,
    at: usize,
    proposal: usize,
    banner: usize,
    scroll: usize,
    editor: Option<Editor>,
    message: String,
    /// Shows all keys.
    help: bool,
    catch: Option<Result<Catch, String>>,
}

impl Review {
    /// Begins, or goes on after `decisions` and with the drafts of groups that are not decided on. Without groups there is
    /// nothing to review.
    pub fn new(
        groups: Vec<ReviewGroup>,
        negatives: Vec<String>,
        catcher: Catcher,
        decisions: Vec<Decision>,
        drafts: BTreeMap<u64, Draft>,
    ) -> Self {
        let negative = |(number, banner): (usize, String)| Negative {
            place: format!("negative {}", number + 1),
            banner: banner.into_bytes(),
        };
        let place = |id| groups.iter().position(|group| group.id == id);
        let drafts = drafts.into_iter().filter_map(|(id, draft)| Some((place(id)?, draft))).collect();
        let put_off = decisions.iter().filter(|decision| decision.verdict == Verdict::Skipped);
        let mut review = Self {
            put_off: put_off.map(|decision| decision.group).collect(),
            groups,
            negatives: negatives.into_iter().enumerate().map(negative).collect(),
            catcher,
            decisions,
            drafts,
            at: 0,
            proposal: 0,
            banner: 0,
            scroll: 0,
            editor: None,
            message: String::new(),
            help: false,
            catch: None,
        };
        review.go(review.next_open(0).unwrap_or(0));
        review
    }

    /// What a key does.
    pub fn press(&mut self, key: Key) -> Effect {
        self.message.clear();
        if std::mem::take(&mut self.help) {
            return Effect::None;
        }
        match self.editor.take() {
            Some(editor) => self.edit(editor, key),
            None => self.browse(key),
        }
    }

    fn browse(&mut self, key: Key) -> Effect {
        match key {
            Key::Char('q') => return Effect::Quit,
            Key::Char('?') => self.help = true,
            Key::Up | Key::Char('k') => self.go(self.at.saturating_sub(1)),
            Key::Down | Key::Char('j') => self.go(self.at + 1),
            Key::Home => self.go(0),
            Key::End => self.go(self.groups.len()),
            Key::Left => self.show_banner(self.banner.checked_sub(1)),
            Key::Right => self.show_banner(Some(self.banner + 1)),
            Key::PageUp => self.scroll = self.scroll.saturating_sub(8),
            Key::PageDown => self.scroll += 8,
            Key::Tab => self.propose(1),
            Key::BackTab => self.propose(self.group().proposals.len().saturating_sub(1)),
            Key::Char('a') | Key::Enter => return self.accept(),
            Key::Char('e') => self.editor = Some(Editor::of(self.draft())),
            Key::Char('r') => return self.decide(Verdict::Rejected),
            Key::Char('s') => return self.decide(Verdict::Skipped),
            Key::Char('u') => return self.undo(),
            _ => "? shows the keys".clone_into(&mut self.message),
        }
        Effect::None
    }

    fn edit(&mut self, mut editor: Editor, key: Key) -> Effect {
        match key {
            Key::Escape => "left as it was".clone_into(&mut self.message),
            Key::Enter => {
                self.drafts.insert(self.at, editor.into_draft());
                self.look();
                if let Some(Err(fault)) = &self.catch {
                    self.message.clone_from(fault);
                }
                return Effect::Save;
            }
            key => {
                editor.press(key);
                self.editor = Some(editor);
            }
        }
        Effect::None
    }

    fn accept(&mut self) -> Effect {
        match self.acceptable() {
            Ok((draft, examples)) => self.decide(Verdict::Accepted { draft, examples }),
            Err(reason) => {
                self.message = format!("not accepted: {reason}");
                Effect::None
            }
        }
    }

    /// The draft, if it passes the lint beside those accepted so far; else why not.
    fn acceptable(&self) -> Result<(Draft, Vec<String>), String> {
        let mut draft = self.draft().clone();
        let device = draft.device(SOURCE, Vec::new())?;
        let examples = self.examples(&device);
        let accepted = self.accepted();
        // One device may have several banners, each a signature of its own.
        let taken = |name: &str| accepted.iter().any(|other| other.name == name && other.maker == device.maker);
        let plain = draft.name.clone();
        let mut number = 2;
        while taken(draft.name.trim()) {
            draft.name = format!("{plain} ({number})");
            number += 1;
        }
        let device = draft.device(SOURCE, examples.clone())?;
        let title = device.title();
        let mut devices = accepted;
        devices.push(device);
        let (database, _) = Database::of(devices);
        let finding = lint(&database, &self.negatives).into_iter().find(|finding| finding.device == title);
        finding.map_or(Ok((draft, examples)), |finding| Err(format!("{}: {}", finding.rule.name(), finding.reason)))
    }

    /// Banners of the group that are the device's by the draft alone, short ones first.
    fn examples(&self, device: &Device) -> Vec<String> {
        let reached = self.group().banners.iter().filter(|banner| catcher::reaches(device, banner));
        let mut examples: Vec<String> = reached.cloned().collect();
        examples.sort_by_key(|example| example.len() > EXAMPLE_BYTES);
        examples.truncate(EXAMPLES);
        examples
    }

    fn decide(&mut self, verdict: Verdict) -> Effect {
        let decision = Decision { group: self.group().id, title: self.title(self.at), verdict };
        self.put_off.remove(&decision.group);
        self.decisions.retain(|other| other.group != decision.group);
        self.decisions.push(decision);
        match self.next_open(self.at) {
            Some(next) => self.go(next),
            None => "every group is decided on; q leaves".clone_into(&mut self.message),
        }
        Effect::Save
    }

    fn undo(&mut self) -> Effect {
        let Some(decision) = self.decisions.pop() else {
            "nothing to undo".clone_into(&mut self.message);
            return Effect::None;
        };
        if let Some(at) = self.groups.iter().position(|group| group.id == decision.group) {
            self.go(at);
            if let Verdict::Accepted { draft, .. } = decision.verdict {
                self.drafts.insert(at, draft);
                self.look();
            }
        }
        self.message = format!("undone: {}", decision.title);
        Effect::Save
    }

    /// The next group without a decision, from `from` on and around; then those put off in an earlier session.
    fn next_open(&self, from: usize) -> Option<usize> {
        let count = self.groups.len();
        let mut around = (0..count).map(|step| (from + step) % count);
        let open = around.clone().find(|at| self.verdict(*at).is_none());
        open.or_else(|| around.find(|at| self.put_off.contains(&self.groups[*at].id)))
    }

    fn go(&mut self, to: usize) {
        self.at = to.min(self.groups.len().saturating_sub(1));
        (self.proposal, self.banner, self.scroll) = (self.first_sound(), 0, 0);
        self.look();
    }

    /// The first proposal that the lint finds no fault with; else the first.
    fn first_sound(&self) -> usize {
        let Some(group) = self.groups.get(self.at) else { return 0 };
        let is_sound = |draft: &Draft| {
            let Ok(device) = draft.device(SOURCE, Vec::new()) else { return false };
            let examples = self.examples(&device);
            let device = Device { examples, ..device };
            let title = device.title();
            let (database, _) = Database::of(vec![device]);
            !lint(&database, &self.negatives).iter().any(|finding| finding.device == title)
        };
        group.proposals.iter().position(is_sound).unwrap_or(0)
    }

    fn show_banner(&mut self, banner: Option<usize>) {
        if let Some(banner) = banner.filter(|banner| *banner < self.group().banners.len()) {
            (self.banner, self.scroll) = (banner, 0);
        }
    }

    fn propose(&mut self, step: usize) {
        let count = self.group().proposals.len();
        self.proposal = (self.proposal + step) % count.max(1);
        self.drafts.remove(&self.at);
        self.look();
    }

    /// Finds what the draft catches.
    fn look(&mut self) {
        self.catch = (!self.groups.is_empty()).then(|| {
            let device = self.device()?;
            Ok(self.catcher.catch(&device, &self.negatives))
        });
    }
}
