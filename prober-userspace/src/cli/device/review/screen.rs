//! The review on screen: the groups at the left, the banner and the proposal at the right, a line that says what happened
//! and one with the keys. Made for 80 columns and 24 lines; uses more where there is more.

#[cfg(test)]
mod tests;

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph, Wrap};

use super::Counts;
use crate::cli::figure::grouped;
use crate::device::review::{Editor, Review, Verdict};
use crate::device::suggest::Draft;

const KEYS: &str = "a accept  e edit  r reject  s skip  u undo  Tab next proposal  ? keys  q quit";
const EDIT_KEYS: &str = "Enter take over  Esc leave as it was  Tab next field  Shift-Tab field before";
const HELP: [&str; 12] = [
    "a  Enter      accept the proposal, if it passes the check",
    "e             edit it",
    "r             reject: no device worth knowing",
    "s             skip: decide later",
    "u             undo the last decision",
    "Tab Shift-Tab next proposal, proposal before",
    "Up Down k j   group before, next group",
    "Home End      first group, last group",
    "Left Right    other banners of the group",
    "PgUp PgDn     scroll the banner",
    "q  Ctrl-C     leave; everything is saved",
    "?             these keys; any key goes on",
];
const DIFFERENT: Style = Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD);
const KEYWORD: Style = Style::new().fg(Color::Green).add_modifier(Modifier::REVERSED);
const DIM: Style = Style::new().add_modifier(Modifier::DIM);

/// Keywords of a proposal that are shown at most.
const KEYWORDS: usize = 6;

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, review: &Review) {
    let [head, middle, message, keys] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(3), Constraint::Length(1), Constraint::Length(1)])
            .areas(frame.area());
    let [list, right] = Layout::horizontal([Constraint::Length(28), Constraint::Min(20)]).areas(middle);
    let proposal_lines = 3 + review.editor().map_or(7 + keyword_lines(review.draft()), |editor| editor.fields().len());
    let [banner, proposal] =
        Layout::vertical([Constraint::Min(4), Constraint::Max(proposal_lines as u16)]).areas(right);
    let line = |text: &str, style| Paragraph::new(text.to_owned()).style(style);
    frame.render_widget(line(&head_line(review), Style::new().add_modifier(Modifier::REVERSED)), head);
    draw_groups(frame, review, list);
    draw_banner(frame, review, banner);
    match review.editor() {
        Some(editor) => draw_editor(frame, editor, proposal),
        None => draw_proposal(frame, review, proposal),
    }
    frame.render_widget(line(review.message(), Style::new().fg(Color::Red)), message);
    frame.render_widget(line(if review.editor().is_some() { EDIT_KEYS } else { KEYS }, DIM), keys);
    if review.helps() {
        draw_help(frame, middle);
    }
}

fn head_line(review: &Review) -> String {
    let Counts { accepted, rejected, skipped } = Counts::of(review);
    let open = review.groups().len().saturating_sub(accepted + rejected + skipped);
    format!(
        " device review  group {} of {}   {accepted} accepted  {rejected} rejected  {skipped} skipped  {open} open",
        review.at() + 1,
        review.groups().len()
    )
}

fn draw_groups(frame: &mut Frame<'_>, review: &Review, area: Rect) {
    let block = Block::new().borders(Borders::RIGHT).title(" addresses  group");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    // The first line is the title's.
    let rows = usize::from(inner.height);
    let first = review.at().saturating_sub(rows / 2).min(review.groups().len().saturating_sub(rows));
    let lines: Vec<Line<'_>> = (first..review.groups().len())
        .take(rows)
        .map(|at| {
            let (mark, color) = match review.verdict(at) {
                Some(Verdict::Accepted { .. }) => ("+", Color::Green),
                Some(Verdict::Rejected) => ("x", Color::Red),
                Some(Verdict::Skipped) => ("~", Color::Yellow),
                None => (" ", Color::Reset),
            };
            let addresses = grouped(u64::from(review.groups()[at].addresses));
            let title = cut(&review.title(at), usize::from(inner.width).saturating_sub(10));
            let line = Line::from(vec![
                Span::styled(mark, Style::new().fg(color)),
                Span::raw(format!("{addresses:>7}  {title}")),
            ]);
            if at == review.at() { line.style(Style::new().add_modifier(Modifier::REVERSED)) } else { line }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

fn draw_banner(frame: &mut Frame<'_>, review: &Review, area: Rect) {
    let group = review.group();
    let title = format!(" banner {} of {} ", review.banner() + 1, group.banners.len());
    let block = Block::new().borders(Borders::TOP).title(title);
    let lines = marked(&group.banners[review.banner()], &review.differences(), &review.keyword_places());
    let rows = usize::from(area.height).saturating_sub(1);
    let scroll = review.scroll().min(lines.len().saturating_sub(rows.min(lines.len())));
    let text = Paragraph::new(lines).block(block).wrap(Wrap { trim: false }).scroll((scroll as u16, 0));
    frame.render_widget(text, area);
}

fn draw_proposal(frame: &mut Frame<'_>, review: &Review, area: Rect) {
    let draft = review.draft();
    let (number, edited) = review.proposal();
    let how =
        if edited { "edited".to_owned() } else { format!("{} of {}", number + 1, review.group().proposals.len()) };
    let block = Block::new().borders(Borders::TOP).title(format!(" proposal {how} "));
    let level = match review.device() {
        Ok(device) => device.level().number().to_string(),
        Err(_) => "-".to_owned(),
    };
    let row = |name: &str, value: &str| {
        let value = if value.is_empty() { "-" } else { value };
        Line::from(vec![Span::styled(format!(" {name:<8} "), DIM), Span::raw(value.to_owned())])
    };
    let mut lines = vec![
        row("name", &draft.name),
        row("maker", &draft.maker),
        row("kind", &format!("{:<20} level {level}", if draft.kind.is_empty() { "-" } else { &draft.kind })),
        row("model", &draft.model),
        row("ports", &draft.ports),
    ];
    for (pattern, weight) in draft.keywords.iter().take(KEYWORDS) {
        lines.push(row(&format!("w {weight}"), pattern));
    }
    if draft.keywords.len() > KEYWORDS {
        lines.push(row("", &format!("and {} more keywords; e shows all", draft.keywords.len() - KEYWORDS)));
    }
    lines.push(match review.catch() {
        None => Line::default(),
        Some(Err(fault)) => Line::styled(format!(" {fault}"), Style::new().fg(Color::Red)),
        Some(Ok(catch)) => {
            let by_filtered = match catch.ordinary {
                0 => String::new(),
                ordinary => format!(", {} by filtered banners alone", grouped(u64::from(ordinary))),
            };
            let text = format!(
                " catches  {} of {} addresses{by_filtered}",
                grouped(u64::from(catch.addresses)),
                grouped(review.addresses() as u64)
            );
            Line::raw(text)
        }
    });
    if let Some(Ok(catch)) = review.catch() {
        let text = format!(" and      {} of {} negatives", catch.negatives, review.negatives());
        lines.push(match &catch.negative {
            Some(banner) => Line::styled(format!("{text}: {}", one_line(banner)), Style::new().fg(Color::Red)),
            None => Line::raw(text),
        });
    }
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn draw_editor(frame: &mut Frame<'_>, editor: &Editor, area: Rect) {
    let block = Block::new().borders(Borders::TOP).title(" edit ");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (field, cursor) = editor.cursor();
    let first = field.saturating_sub(usize::from(inner.height).saturating_sub(1));
    let width = usize::from(inner.width).saturating_sub(11);
    for (row, (at, of)) in editor.fields().iter().enumerate().skip(first).take(usize::from(inner.height)).enumerate() {
        // The part with the cursor.
        let from = if at == field { cursor.saturating_sub(width.saturating_sub(1)) } else { 0 };
        let text: String = of.text.chars().skip(from).take(width).collect();
        let style = if at == field { Style::new().add_modifier(Modifier::UNDERLINED) } else { Style::new() };
        let line = Line::from(vec![Span::styled(format!(" {:<8} ", of.name), DIM), Span::styled(text, style)]);
        let place = Rect { y: inner.y + row as u16, height: 1, ..inner };
        frame.render_widget(Paragraph::new(line), place);
        if at == field {
            frame.set_cursor_position((inner.x + 10 + (cursor - from) as u16, place.y));
        }
    }
}

fn draw_help(frame: &mut Frame<'_>, area: Rect) {
    let (width, height) = (64.min(area.width), (HELP.len() as u16 + 2).min(area.height));
    let place = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    frame.render_widget(Clear, place);
    let lines: Vec<Line<'_>> = HELP.iter().map(|line| Line::raw(format!(" {line}"))).collect();
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" keys ")), place);
}

/// Lines that the keywords of a draft take.
fn keyword_lines(draft: &Draft) -> usize {
    draft.keywords.len().min(KEYWORDS + 1)
}

/// The banner line by line; what differs and what keywords find is marked.
fn marked(banner: &str, different: &[Range<usize>], keywords: &[Range<usize>]) -> Vec<Line<'static>> {
    let is_in = |places: &[Range<usize>], at: usize| places.iter().any(|place| place.contains(&at));
    let mut lines = Vec::new();
    let mut spans: Vec<Span<'static>> = Vec::new();
    let (mut run, mut of_run) = (String::new(), Style::new());
    for (at, c) in banner.char_indices() {
        let style = match (is_in(keywords, at), is_in(different, at)) {
            (true, _) => KEYWORD,
            (false, true) => DIFFERENT,
            (false, false) => Style::new(),
        };
        if (c == '\n' || style != of_run) && !run.is_empty() {
            spans.push(Span::styled(std::mem::take(&mut run), of_run));
        }
        of_run = style;
        match c {
            '\n' => lines.push(Line::from(std::mem::take(&mut spans))),
            '\r' => {}
            '\t' => run.push(' '),
            c if c.is_control() => run.push('·'),
            c => run.push(c),
        }
    }
    if !run.is_empty() {
        spans.push(Span::styled(run, of_run));
    }
    if !spans.is_empty() {
        lines.push(Line::from(spans));
    }
    lines
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        text.to_owned()
    } else {
        text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
    }
}
