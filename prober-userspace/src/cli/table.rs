//! Aligned text tables.

use std::fmt::Write;

/// On which side a column is aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// Columns with heads; cells are added row by row.
#[derive(Clone, Debug)]
pub(super) struct Table {
    heads: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
    indent: usize,
}

impl Table {
    pub(super) fn new(heads: impl IntoIterator<Item = (String, Align)>) -> Self {
        Self { heads: heads.into_iter().collect(), rows: Vec::new(), indent: 0 }
    }

    /// From heads as in `"port>"`, where `>` aligns right.
    pub(super) fn of(heads: &[&str]) -> Self {
        Self::new(heads.iter().map(|head| match head.strip_suffix('>') {
            Some(head) => (head.to_owned(), Align::Right),
            None => ((*head).to_owned(), Align::Left),
        }))
    }

    pub(super) fn indented(mut self, columns: usize) -> Self {
        self.indent = columns;
        self
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Heads, a rule and the rows. Control characters are shown escaped, so that no cell can upset the terminal.
    pub(super) fn render(&self) -> String {
        let rows: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
        let widths: Vec<usize> = (0..self.heads.len())
            .map(|column| {
                let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
                cells.chain([self.heads[column].0.chars().count()]).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        let heads: Vec<String> = self.heads.iter().map(|(head, _)| head.clone()).collect();
        self.line(&mut text, &heads, &widths);
        let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        self.line(&mut text, &rule, &widths);
        for row in &rows {
            self.line(&mut text, row, &widths);
        }
        text
    }

    fn line(&self, text: &mut String, cells: &[String], widths: &[usize]) {
        let mut line = " ".repeat(self.indent);
        for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(&self.heads) {
            // Writing to a string cannot fail.
            let _ = match align {
                Align::Left => write!(line, "{cell:<width$}  "),
                Align::Right => write!(line, "{cell:>width$}  "),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

fn printable(cell: &str) -> String {
    if cell.chars().any(char::is_control) { cell.escape_debug().to_string() } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::of(&["port>", "name"]).indented(2);
        table.row(["80".to_owned(), "http".to_owned()]);
        table.row(["8080".to_owned(), "a\nb".to_owned()]);
        assert_eq!(table.render(), "  port  name\n  ────  ────\n    80  http\n  8080  a\\nb\n");
    }
}
