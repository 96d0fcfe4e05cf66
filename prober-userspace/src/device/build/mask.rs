//! What in a banner no keyword may hold: the protocol's own words, and what differs from one device to the next of the
//! same model - dates, versions, addresses, identifiers.

use std::sync::LazyLock;

use regex::Regex;

/// Dates and times, addresses, identifiers, versions; header lines that tell nothing; names of headers, tags and
/// attributes, and the documents of the W3C that pages refer to.
static MASKED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+\S+\s+\S+\s+[\d:]+(?:\s+\S+)?",
        r"\b\d{1,2}:\d{2}(?::\d{2})?\b",
        r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
        r"\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b",
        r"\b[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{20,}\b",
        r"\b\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b",
        r"\b\d{4}[/.-]\d{1,2}[/.-]\d{1,2}\b",
        r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?\s+\d{1,2},?\s+\d{2,4}\b",
        r"\b[vVrR]?\d+(?:[._]\d+)+[A-Za-z0-9]*(?:[-._][A-Za-z0-9]+)*|\b[vV]\d+\b",
        r"(?i)\b(?:S/?N|serial(?: ?(?:number|no\.?|#))?)[ :=#-]*[A-Z0-9-]+",
        r"(?mi)^(?:HTTP/\d\.\d [^\n]*|(?:Date|Expires|Last-Modified|ETag|Content-[A-Za-z-]+|Cache-Control|Connection|Pragma|Accept-[A-Za-z]+|Keep-Alive|Transfer-Encoding|Vary|Ext|Max-Age|USN|ST|P3P|Age|Allow|Public|CSeq|Call-ID|Via|From|To|Contact)\s*:[^\n]*)",
        r"(?mi)^(?:Server|WWW-Authenticate|Set-Cookie|Location|User-Agent|subject|issuer)\s*:",
        r"(?s)<script.*?(?:</script>|$)|<style.*?(?:</style>|$)|<!--.*?(?:-->|$)|<[^>]*>",
        r#"https?://www\.w3\.org[^" <]*|&[a-z]+;"#,
        // Algorithms that a handshake offers.
        r"[A-Za-z0-9@.-]+(?:,[A-Za-z0-9@.-]+){5,}",
        r"(?i)\b(?:3des|aes\d+|arcfour|blowfish|cast128|chacha20|curve25519|diffie|ecdh|ecdsa|hmac|kexguess2|rijndael|rsa-sha2|sntrup\d+|ssh-(?:dss|ed25519|rsa)|twofish|umac)[a-z0-9@._-]*",
        // Codes of replies.
        r"(?m)^\d{3}[ -]",
        r#""[a-z_0-9]+"\s*:"#,
    ]
    .into_iter()
    .map(|pattern| Regex::new(pattern).expect("each of these is a valid pattern"))
    .collect()
});

/// Which bytes are masked, one entry for each.
pub(super) fn mask(banner: &str) -> Vec<bool> {
    let mut masked = vec![false; banner.len()];
    for regex in MASKED.iter() {
        for found in regex.find_iter(banner) {
            masked[found.range()].fill(true);
        }
    }
    masked
}
