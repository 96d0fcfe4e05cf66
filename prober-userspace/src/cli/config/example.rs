//! The commented configuration file that `prober config example` prints, made from the list of keys.

use std::fmt::Write as _;

use super::keys::{Absent, Form, KEYS, Key, SECTIONS};

/// Longest line of a comment.
const WIDTH: usize = 110;

/// The whole file.
pub fn example() -> String {
    let mut text = String::from(
        "# Configuration of `prober daemon`. What is commented out shows a possible value; everything else is a default,\n\
         # or has to be said by you. `prober config check FILE` tells all that is wrong with it.\n",
    );
    for (section, about) in SECTIONS {
        text.push('\n');
        for line in about.lines() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# {line}");
        }
        let _ = writeln!(text, "[{section}]");
        for key in KEYS.iter().filter(|key| key.section == section) {
            text += &entry(key);
        }
    }
    text
}

fn entry(key: &Key) -> String {
    let (mark, texts) = match key.absent {
        Absent::Default(texts) | Absent::Refused(texts) | Absent::Suggested(_, texts) => ("", texts),
        Absent::Nothing(texts) => ("# ", texts),
    };
    format!("{}{mark}{} = {}\n", comment(key.help), key.name, value(key.form, texts))
}

fn comment(help: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in help.split_whitespace() {
        if lines.last().is_some_and(|line| line.len() + word.len() >= WIDTH) {
            lines.push(String::from("#"));
        }
        if let Some(line) = lines.last_mut() {
            *line += " ";
            *line += word;
        }
    }
    lines.join("\n") + "\n"
}

fn value(form: Form, texts: &[&str]) -> String {
    let each: Vec<_> = texts.iter().map(|text| literal(text)).collect();
    match form {
        Form::One => each.concat(),
        Form::Many => format!("[{}]", each.join(", ")),
    }
}

/// Whole numbers and truths as such, everything else in quotes.
fn literal(text: &str) -> String {
    let is_bare = text.parse::<u32>().is_ok() || text.parse::<bool>().is_ok();
    if is_bare { text.to_owned() } else { format!("\"{text}\"") }
}
