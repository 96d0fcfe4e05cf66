//! Patterns of Perl and Ruby in the words of this engine. What differs: octal escapes, brackets and braces that stand for
//! themselves, escapes of letters that mean nothing, `$` before a last line feed, and anchors where a fingerprint looks at
//! one field of a banner only.

use std::fmt::Write;

/// How the anchors of a pattern are to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchors<'a> {
    /// What `^` becomes.
    pub(super) begin: &'a str,
    /// What `$` becomes.
    pub(super) end: &'a str,
}

/// The pattern, with all groups but the one numbered `keep` (from 1) made non-capturing; `None` keeps none.
pub(super) fn reworded(pattern: &str, anchors: Anchors<'_>, keep: Option<usize>) -> String {
    let mut writer = Writer { rest: pattern.chars().peekable(), text: String::new(), anchors, keep, groups: 0 };
    while let Some(c) = writer.rest.next() {
        writer.outside(c);
    }
    writer.text
}

/// Whether a pattern has a `^` of its own.
pub(super) fn is_anchored(pattern: &str) -> bool {
    let (mut escaped, mut in_class) = (false, false);
    pattern.chars().any(|c| {
        let anchor = !escaped && !in_class && c == '^';
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        anchor
    })
}

struct Writer<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    text: String,
    anchors: Anchors<'a>,
    keep: Option<usize>,
    groups: usize,
}

impl Writer<'_> {
    fn outside(&mut self, c: char) {
        match c {
            '\\' => self.escape(),
            '[' => self.class(),
            '^' => self.text.push_str(self.anchors.begin),
            '$' => self.text.push_str(self.anchors.end),
            '(' => self.group(),
            '{' if !self.is_count() => self.text.push_str("\\{"),
            c => self.text.push(c),
        }
    }

    fn escape(&mut self) {
        match self.rest.next() {
            Some('0') => {
                let mut value = 0;
                for _ in 0..2 {
                    let Some(digit) = self.rest.peek().and_then(|c| c.to_digit(8)) else { break };
                    value = value * 8 + digit;
                    self.rest.next();
                }
                let _ = write!(self.text, "\\x{value:02x}");
            }
            Some('Z') => self.text.push_str(r"(?:\n?\z)"),
            Some('e') => self.text.push_str(r"\x1b"),
            Some('h') => self.text.push_str(r"[ \t]"),
            // `<` and `>` mean word boundaries here; other letters without a meaning stand for themselves.
            Some(c @ ('<' | '>')) => self.text.push(c),
            Some(c) if c.is_ascii_alphabetic() && !"abBdDsSwWnrtfvxuUpPAzQEGkgKRXNHV".contains(c) => self.text.push(c),
            Some(c) => {
                self.text.push('\\');
                self.text.push(c);
            }
            None => self.text.push_str(r"\\"),
        }
    }

    fn class(&mut self) {
        self.text.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.text.push('^');
        }
        // The first bracket stands for itself.
        if self.rest.next_if_eq(&']').is_some() {
            self.text.push_str(r"\]");
        }
        while let Some(c) = self.rest.next() {
            match c {
                ']' => {
                    self.text.push(']');
                    return;
                }
                '\\' => self.escape(),
                '[' if self.rest.peek() == Some(&':') => {
                    // [:alpha:]
                    self.text.push('[');
                    for c in self.rest.by_ref() {
                        self.text.push(c);
                        if c == ']' {
                            break;
                        }
                    }
                }
                // Sets within sets, and operations on them, are this engine's alone.
                '[' | '&' | '~' => {
                    self.text.push('\\');
                    self.text.push(c);
                }
                '-' if self.rest.peek() == Some(&'-') => self.text.push_str(r"\-"),
                c => self.text.push(c),
            }
        }
    }

    fn group(&mut self) {
        self.text.push('(');
        if self.rest.peek() == Some(&'?') {
            self.rest.next();
            self.text.push('?');
            // (?<name>...)
            if self.rest.peek() == Some(&'<') {
                self.groups += 1;
            }
            return;
        }
        self.groups += 1;
        if self.keep != Some(self.groups) {
            self.text.push_str("?:");
        }
    }

    /// Whether what follows a brace is a repetition: `{2}`, `{2,}`, `{2,3}`.
    fn is_count(&self) -> bool {
        let count: String = self.rest.clone().take_while(|c| *c != '}').take(12).collect();
        let closed = self.rest.clone().take(13).any(|c| c == '}');
        let (least, most) = count.split_once(',').unwrap_or((&count, ""));
        let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        closed && !least.is_empty() && digits(least) && digits(most)
    }
}
