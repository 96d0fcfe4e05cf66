//! Frames on which the kernel's program and the host's function must agree: replies of every kind, and what can be wrong
//! with them, each under a name; and mutations of them without end. Only made here; who runs them says what must hold.
//!
//! The tokens are made for a send time that the caller chooses, because the kernel's program reads its own clock.

pub mod mutation;
pub mod reply;
pub mod token;
pub mod twist;

use std::{fs, io, path::Path};

use prober_common::{
    address::V4,
    cookie::Key,
    counter::Counter,
    rules::{FLAG_RST_BY_XDP, Rules},
};

pub use reply::Reply;

/// The rules that the replies are made for. Replies more than 32 s old are refused, so that a genuine token can be too old.
pub const RULES: Rules = Rules {
    key: Key([0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908]),
    source: V4(0x0a63_0002),
    max_age_ticks: 4_000_000,
    flags: FLAG_RST_BY_XDP,
    reserved: 0,
    live_pass: 0,
};

/// What is certain about the verdict beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It is a reply to us.
    Accepted,
    /// It is not, for this reason.
    Refused(Counter),
    /// It is not, whatever the reason.
    NotAccepted,
    /// Depends on the reply that was changed: only the agreement counts.
    Whatever,
}

/// A frame with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vector {
    /// `<reply>/<what is wrong with it>`
    pub name: String,
    /// From the Ethernet header on.
    pub frame: Vec<u8>,
    /// What must come out.
    pub expected: Expected,
}

/// Writes every vector into a file of its own below `directory`, named like the vector but for characters that file names
/// cannot have.
pub fn write(directory: &Path, sent_ns: u64) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for vector in Reply::all().into_iter().flat_map(|reply| of(reply, sent_ns)) {
        fs::write(directory.join(vector.name.replace(['/', ' '], "-")), vector.frame)?;
    }
    Ok(())
}

/// Every named vector of one reply to a probe that was sent at `sent_ns` (`CLOCK_MONOTONIC`).
pub fn of(reply: Reply, sent_ns: u64) -> Vec<Vector> {
    let whole = reply.frame(sent_ns);
    let mut vectors: Vec<Vector> = Vec::new();
    let mut add = |name: &str, frame: Vec<u8>, expected| {
        vectors.push(Vector { name: format!("{}/{name}", reply.name()), frame, expected });
    };
    add("whole", whole.clone(), Expected::Accepted);
    for len in 0..whole.len() {
        add(&format!("cut to {len}"), whole[..len].to_vec(), Expected::Refused(Counter::Truncated));
    }
    for at in 12..whole.len() {
        let mut frame = whole.clone();
        frame[at] ^= 0xff;
        add(&format!("byte {at} inverted"), frame, Expected::Whatever);
    }
    for (name, frame, expected) in twist::all(reply, &whole) {
        add(&name, frame, expected);
    }
    let too_old_ns = 40_000_000_000;
    if sent_ns > too_old_ns {
        add("too old", reply.frame(sent_ns - too_old_ns), Expected::Refused(Counter::BadToken));
    }
    vectors
}
