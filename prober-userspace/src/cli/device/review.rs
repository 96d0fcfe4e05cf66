//! `prober device review`: a person decides on unknown groups in the terminal. The machine is `device/review`; here it
//! meets the terminal and the disk.

mod saved;
mod screen;

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use anyhow::{Context, bail};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::super::figure::grouped;
use super::super::output::put;
use super::banners::read_negative_texts;
use super::sifting::UnknownArgs;
use crate::device::review::{Catcher, Effect, Key, Review, ReviewGroup, Verdict};
use saved::Saved;

/// Banners of a group that can be looked at.
const BANNERS: usize = 24;

/// Decide on groups of unknown banners in the terminal
///
/// Shows the groups, those of most addresses first, with proposals for a signature: accept, edit, reject or skip. Each
/// decision is saved at once, in decisions.json of the folder, and taken up again the next time; what is accepted stands in
/// signature files beside it. Nothing is accepted that `prober device check` would find fault with.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ReviewArgs {
    #[command(flatten)]
    unknown: UnknownArgs,
    /// Banners that no signature may match, as JSON lines; those with `ambiguous` are left out
    #[arg(long, value_name = "FILE")]
    negatives: Vec<PathBuf>,
    /// Folder for the decisions and the signature files, one per maker
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

impl ReviewArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            bail!("device review: needs a terminal; `prober device build --auto` decides without one");
        }
        let (groups, catcher) = self.groups()?;
        let negatives = read_negative_texts(&self.negatives)?;
        let (saved, stored) = Saved::open(&self.output)?;
        let mut review = Review::new(groups, negatives, catcher, stored.decisions, stored.drafts);
        let outcome = in_terminal(&mut review, &saved);
        saved.save(&review)?;
        outcome?;
        Ok(put(&ending(&review, &self.output))?)
    }

    /// The unknown groups, and all banners for finding what a keyword catches.
    fn groups(&self) -> anyhow::Result<(Vec<ReviewGroup>, Catcher)> {
        let unknown = self.unknown.find(true)?;
        if unknown.groups.is_empty() {
            bail!("device review: nothing is unknown among these banners");
        }
        let texts = unknown.texts(BANNERS);
        let drafts = unknown.proposals(&texts);
        let groups = unknown.groups.iter().zip(texts).zip(drafts).map(|((group, banners), proposals)| ReviewGroup {
            id: group.id(&unknown.banners),
            addresses: group.addresses,
            banners,
            proposals,
        });
        let groups = groups.collect();
        Ok((groups, Catcher::new(unknown.all, |banner| unknown.filter.reason(banner).is_some())))
    }
}

/// Draws and reads keys until the person leaves.
fn in_terminal(review: &mut Review, saved: &Saved) -> anyhow::Result<()> {
    let mut terminal = ratatui::try_init().context("device review: the terminal cannot be taken over")?;
    let outcome = (|| loop {
        terminal.draw(|frame| screen::draw(frame, review))?;
        let Event::Key(key) = event::read()? else { continue };
        let Some(key) = pressed(key) else { continue };
        match key {
            None => {
                // Half an edit is not lost either.
                if review.editor().is_some() {
                    review.press(Key::Enter);
                }
                return Ok(());
            }
            Some(key) => match review.press(key) {
                Effect::None => {}
                Effect::Save => saved.save(review)?,
                Effect::Quit => return Ok(()),
            },
        }
    })();
    ratatui::try_restore().context("device review: the terminal cannot be given back; `reset` does it")?;
    outcome
}

/// The key; `Some(None)` is Ctrl-C.
#[expect(clippy::option_option, reason = "no key of ours, the end, or a key")]
fn pressed(event: KeyEvent) -> Option<Option<Key>> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let with_control = event.modifiers.contains(KeyModifiers::CONTROL);
    Some(Some(match event.code {
        KeyCode::Char('c' | 'd') if with_control => return Some(None),
        KeyCode::Char(_) if with_control => return None,
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        _ => return None,
    }))
}

fn ending(review: &Review, folder: &std::path::Path) -> String {
    let counts = Counts::of(review);
    format!(
        "{} of {} groups decided on: {} accepted, {} rejected, {} skipped; signatures and decisions in {}\n",
        grouped(review.decisions().len() as u64),
        grouped(review.groups().len() as u64),
        counts.accepted,
        counts.rejected,
        counts.skipped,
        folder.display()
    )
}

/// Decisions by verdict.
#[derive(Clone, Copy, Default)]
struct Counts {
    accepted: usize,
    rejected: usize,
    skipped: usize,
}

impl Counts {
    fn of(review: &Review) -> Self {
        review.decisions().iter().fold(Self::default(), |mut counts, decision| {
            *match decision.verdict {
                Verdict::Accepted { .. } => &mut counts.accepted,
                Verdict::Rejected => &mut counts.rejected,
                Verdict::Skipped => &mut counts.skipped,
            } += 1;
            counts
        })
    }
}
