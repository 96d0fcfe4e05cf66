//! Writing probes into frames of user space: each frame remembers which template it holds, so that most probes are a
//! patch of a few fields.

use prober_common::cookie::Key;
use prober_common::probe;
use prober_common::slot::ProbeSlot;
use prober_common::stamp::Tick;
use prober_common::template::Template;

/// Marks a frame that holds no template yet.
const NONE: u8 = u8::MAX;

/// The templates of a scan and what each frame holds.
#[derive(Debug)]
pub struct ProbeWriter {
    key: Key,
    templates: Vec<Template>,
    held: Vec<u8>,
}

impl ProbeWriter {
    /// For `frames` frames, all empty.
    pub fn new(key: Key, templates: Vec<Template>, frames: usize) -> Self {
        Self { key, templates, held: vec![NONE; frames] }
    }

    /// Writes the probe into `buffer`, which is frame number `frame`, and returns its length in bytes.
    #[inline]
    pub fn write(&mut self, frame: usize, buffer: &mut [u8], slot: ProbeSlot, now: Tick) -> usize {
        let template = &self.templates[usize::from(slot.template)];
        let len = usize::from(template.len);
        let buffer = &mut buffer[..len];
        if self.held[frame] != slot.template {
            buffer.copy_from_slice(template.bytes());
            self.held[frame] = slot.template;
        }
        probe::write(buffer, template, self.key, slot, now).expect("the buffer has the template's length");
        len
    }
}
