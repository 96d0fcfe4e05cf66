//! Elements of BER and DER (X.690) as certificates and SNMP have them: tag, length, body. Borrowing, bounded, total.

pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const OBJECT: u8 = 0x06;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// An element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'e> {
    /// Its identifier byte; longer ones do not occur here.
    pub tag: u8,
    /// What is inside.
    pub body: &'e [u8],
}

/// The first element and what follows it; `None` if it is not complete or of a form that does not occur.
pub fn element(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (body, rest) = rest.split_at_checked(length)?;
    Some((Element { tag, body }, rest))
}

/// The elements that follow each other in `bytes`, up to the first that is not complete.
#[derive(Clone, Debug)]
pub struct Elements<'e>(pub &'e [u8]);

impl<'e> Iterator for Elements<'e> {
    type Item = Element<'e>;

    fn next(&mut self) -> Option<Element<'e>> {
        let (element, rest) = element(self.0)?;
        self.0 = rest;
        Some(element)
    }
}

impl<'e> Elements<'e> {
    /// The next element if it has this tag; its body.
    pub fn body(&mut self, tag: u8) -> Option<&'e [u8]> {
        self.next().filter(|element| element.tag == tag).map(|element| element.body)
    }

    /// The next element if it is a non-negative INTEGER of at most eight bytes.
    pub fn unsigned(&mut self) -> Option<u64> {
        let body = self.body(INTEGER)?;
        let digits = if let [0, rest @ ..] = body { rest } else { body };
        (digits.len() <= 8).then(|| digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)))
    }
}

/// An object identifier with dots; at most 32 arcs.
pub fn object_name(body: &[u8]) -> String {
    let mut arcs = Vec::new();
    let mut arc: u64 = 0;
    for byte in body {
        arc = arc << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.extend([first, arc - 40 * first]);
            } else {
                arcs.push(arc);
            }
            arc = 0;
        }
        if arcs.len() >= 32 {
            break;
        }
    }
    arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_with_every_form_of_length() {
        assert_eq!(element(&[2, 1, 5, 9]), Some((Element { tag: 2, body: &[5] }, &[9][..])));
        assert_eq!(element(&[4, 0x81, 2, 1, 2]), Some((Element { tag: 4, body: &[1, 2] }, &[][..])));
        assert_eq!(element(&[4, 0x82, 0, 1, 7]), Some((Element { tag: 4, body: &[7] }, &[][..])));
        for broken in [&[][..], &[2], &[2, 2, 1], &[4, 0x80, 0, 0], &[4, 0x84, 0xff, 0xff, 0xff, 0xff, 1], &[4, 0x85]] {
            assert_eq!(element(broken), None, "{broken:?}");
        }
        assert_eq!(Elements(&[2, 2, 0, 200]).unsigned(), Some(200));
        assert_eq!(Elements(&[2, 1, 1, 2, 1, 2, 2]).count(), 2);
    }

    #[test]
    fn object_identifiers_print_with_dots() {
        assert_eq!(object_name(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]), "1.2.840.113549.1.1.11");
        assert_eq!(object_name(&[0x55, 4, 3]), "2.5.4.3");
        assert_eq!(object_name(&[]), "");
    }
}
