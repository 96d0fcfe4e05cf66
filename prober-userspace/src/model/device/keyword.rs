//! One thing that the banners of a device hold.

/// A pattern and what finding it counts for.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyword {
    /// Regular expression over the bytes of a banner: `.` is any byte but a line feed, `\w` is ASCII, letters beyond
    /// ASCII stand for their UTF-8 bytes.
    pub pattern: String,
    /// w_i of METHODS section 8: above 0, at most 1.
    pub weight: f64,
    /// Line of its file, from 1.
    pub line: usize,
}
