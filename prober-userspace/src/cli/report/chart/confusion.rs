//! A confusion table: a row for each true class, shaded by the share of it that was named so.

use std::fmt::Write;

use crate::model::text::escaped;
use crate::network::evaluation::Evaluation;

/// As an HTML table; what is right has another colour than what is wrong.
pub(in crate::cli) fn confusion(evaluation: &Evaluation) -> String {
    let mut html = r#"<table class="confusion"><thead><tr><th>is \ named</th>"#.to_owned();
    for name in &evaluation.confusion_columns {
        // Writing to a string cannot fail, here and below.
        let _ = write!(html, "<th>{}</th>", escaped(name));
    }
    html.push_str("<th>right</th></tr></thead><tbody>");
    for (class, row) in evaluation.classes.iter().zip(&evaluation.confusion) {
        let _ = write!(html, "<tr><th>{}</th>", escaped(&class.class));
        let all = row.iter().sum::<usize>().max(1);
        for (name, count) in evaluation.confusion_columns.iter().zip(row) {
            let kind = match name.as_str() {
                name if name == class.class => "right",
                "unknown" => "open",
                _ => "wrong",
            };
            let share = *count as f64 / all as f64;
            // Errors are few: a linear scale would hide them.
            let strength = 85.0 * share.sqrt();
            let title = format!("{} named {name}: {count} of {all}, {:.1} %", class.class, 100.0 * share);
            let text = if *count == 0 { String::new() } else { count.to_string() };
            let _ = write!(
                html,
                r#"<td class="{kind}" style="--share:{strength:.0}%" title="{}">{text}</td>"#,
                escaped(&title)
            );
        }
        let _ = write!(html, "<td>{:.1} %</td></tr>", 100.0 * class.recall);
    }
    html + "</tbody></table>"
}
