//! What a review shows of itself.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Catch, Decision, Editor, Review, ReviewGroup, SOURCE, Verdict, catcher, differences};
use crate::device::suggest::Draft;
use crate::model::device::Device;

impl Review {
    /// All groups, in order.
    pub fn groups(&self) -> &[ReviewGroup] {
        &self.groups
    }

    /// The place of the group in view.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The group in view.
    pub fn group(&self) -> &ReviewGroup {
        &self.groups[self.at]
    }

    /// Which of its banners is in view.
    pub fn banner(&self) -> usize {
        self.banner
    }

    /// Which of its proposals is in view, and whether it was edited.
    pub fn proposal(&self) -> (usize, bool) {
        (self.proposal, self.drafts.contains_key(&self.at))
    }

    /// Lines of the banner above the view.
    pub fn scroll(&self) -> usize {
        self.scroll
    }

    /// The draft in view.
    pub fn draft(&self) -> &Draft {
        let group = self.group();
        self.drafts.get(&self.at).unwrap_or_else(|| &group.proposals[self.proposal.min(group.proposals.len() - 1)])
    }

    /// The editor, while editing.
    pub fn editor(&self) -> Option<&Editor> {
        self.editor.as_ref()
    }

    /// The draft in view as a device; else what is wrong with it.
    pub fn device(&self) -> Result<Device, String> {
        self.draft().device(SOURCE, Vec::new())
    }

    /// What the draft would catch; an error if it cannot be read.
    pub fn catch(&self) -> Option<&Result<Catch, String>> {
        self.catch.as_ref()
    }

    /// Where the draft's keywords stand in the banner in view.
    pub fn keyword_places(&self) -> Vec<Range<usize>> {
        self.device().map_or_else(|_| Vec::new(), |device| catcher::places(&device, &self.group().banners[self.banner]))
    }

    /// Where the banner in view differs from the others of its group.
    pub fn differences(&self) -> Vec<Range<usize>> {
        let banners = &self.group().banners;
        let others = banners.iter().enumerate().filter(|(at, _)| *at != self.banner).map(|(_, banner)| banner.as_str());
        differences(&banners[self.banner], others)
    }

    /// Negatives that every draft is held against.
    pub fn negatives(&self) -> usize {
        self.negatives.len()
    }

    /// Addresses that have any banner.
    pub fn addresses(&self) -> usize {
        self.catcher.addresses()
    }

    /// What there is to say about the last key.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether all keys are to be shown.
    pub fn helps(&self) -> bool {
        self.help
    }

    /// What was decided, in order.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// What was edited of groups that are not decided on, by group.
    pub fn drafts(&self) -> BTreeMap<u64, Draft> {
        let open = self.drafts.iter().filter(|(at, _)| self.verdict(**at).is_none());
        open.map(|(at, draft)| (self.groups[*at].id, draft.clone())).collect()
    }

    /// What was decided on a group.
    pub fn verdict(&self, at: usize) -> Option<&Verdict> {
        let id = self.groups[at].id;
        self.decisions.iter().find(|decision| decision.group == id).map(|decision| &decision.verdict)
    }

    /// A group in few words: what it is called, or how it begins.
    pub fn title(&self, at: usize) -> String {
        let group = &self.groups[at];
        let draft = match self.verdict(at) {
            Some(Verdict::Accepted { draft, .. }) => draft,
            _ => self.drafts.get(&at).unwrap_or(&group.proposals[0]),
        };
        if draft.name.is_empty() {
            group.banners[0].chars().filter(|c| !c.is_control()).take(40).collect()
        } else {
            draft.name.clone()
        }
    }

    /// The devices accepted so far, each as it passed the lint.
    pub fn accepted(&self) -> Vec<Device> {
        let device = |decision: &Decision| match &decision.verdict {
            Verdict::Accepted { draft, examples } => draft.device(SOURCE, examples.clone()).ok(),
            Verdict::Rejected | Verdict::Skipped => None,
        };
        self.decisions.iter().filter_map(device).collect()
    }
}
