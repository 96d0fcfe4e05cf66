//! The public pages: who probes and why, how to be left out, and the machine-readable description of RFC 9511. Pure: from
//! the attribution to text.

use std::net::Ipv4Addr;

use super::Page;
use crate::model::attribution::{Attribution, ProbesShown, WELL_KNOWN};
use crate::model::text::escaped;

/// Ports that are named.
const SHOWN_PORTS: usize = 20;

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
         {probes}\
         <h2>Contact</h2>\n\
         <p>{contacts}</p>\n\
         <h2>To be left out</h2>\n\
         <p>Write to {opt_out} with your addresses or prefixes. They are taken out at once and stay out.</p>\n\
         <p><a href=\"{WELL_KNOWN}\">This description for machines (RFC 9511)</a></p>\n\
         </body></html>\n",
        description = escaped(attribution.description.trim_end_matches('.')),
        probes = probes(&attribution.probes),
        contacts = contacts.join("<br>"),
        opt_out = link(attribution.opt_out.as_str(), attribution.opt_out.shown()),
    )
}

/// Sources, ports and pace, as far as they are known.
fn probes(shown: &ProbesShown) -> String {
    if shown.ports.is_empty() {
        return String::new();
    }
    let list = |texts: Vec<String>| texts.join(", ");
    let sources = list(shown.sources.iter().map(Ipv4Addr::to_string).collect());
    let from = if sources.is_empty() { String::new() } else { format!("From {sources}. ") };
    let ports = list(shown.ports.iter().take(SHOWN_PORTS).map(u16::to_string).collect());
    let more = if shown.ports.len() > SHOWN_PORTS { " and others" } else { "" };
    let pace = match shown.most_pps {
        0 => String::new(),
        pps => format!(", never more than {pps} packets per second"),
    };
    format!(
        "<h2>What is sent</h2>\n\
         <p>{from}Requests to connect (TCP SYN) to {count} TCP ports at first ({ports}{more}), later mostly to few of them, and \
         to others that are found open elsewhere. Each address is visited about every {hours} hours or more seldom{pace}; once \
         more soon after it has changed, or if something went wrong with us. What answers may be asked who it is, over one \
         connection at a time.</p>\n",
        count = shown.ports.len(),
        hours = (f64::from(shown.interval_s) / 360.0).round() / 10.0,
    )
}

fn link(to: &str, shown: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escaped(to), escaped(shown))
}
