//! The public pages: who probes and why, how to be left out, and the machine-readable description of RFC 9511. Pure: from
//! the attribution to text.

use super::Page;
use crate::model::attribution::{Attribution, WELL_KNOWN};

/// The page under a path, if there is one.
pub fn page(attribution: &Attribution, path: &str) -> Option<Page> {
    match path {
        "/" | "/optout" => Some(Page { content_type: "text/html; charset=utf-8", body: contact_page(attribution) }),
        // The media type that RFC 9116, section 3, asks for.
        WELL_KNOWN => Some(Page { content_type: "text/plain; charset=utf-8", body: attribution.probing_txt() }),
        _ => None,
    }
}

fn contact_page(attribution: &Attribution) -> String {
    let operator = escaped(&attribution.operator);
    let contacts: Vec<_> = attribution.contacts.iter().map(|contact| link(contact.as_str(), contact.shown())).collect();
    let language = attribution.languages.first().map_or("en", String::as_str);
    format!(
        "<!DOCTYPE html>\n\
         <html lang=\"{language}\">\n\
         <head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Probes by {operator}</title>\n\
         <style>body{{max-width:42em;margin:2em auto;padding:0 1em;font:1em/1.5 sans-serif}}</style></head>\n\
         <body>\n\
         <h1>Probes by {operator}</h1>\n\
         <p>{description}.</p>\n\
         <p>You are here because packets from this host reached your network. They ask whether a service is there and what \
         device answers. Nobody logs in, no password is tried, nothing is changed, and printer ports are left alone.</p>\n\
         <h2>Contact</h2>\n\
         <p>{contacts}</p>\n\
         <h2>To be left out</h2>\n\
         <p>Write to {opt_out} with your addresses or prefixes. They are taken out at once and stay out.</p>\n\
         <p><a href=\"{WELL_KNOWN}\">This description for machines (RFC 9511)</a></p>\n\
         </body></html>\n",
        description = escaped(attribution.description.trim_end_matches('.')),
        contacts = contacts.join("<br>"),
        opt_out = link(attribution.opt_out.as_str(), attribution.opt_out.shown()),
    )
}

fn link(to: &str, shown: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escaped(to), escaped(shown))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
