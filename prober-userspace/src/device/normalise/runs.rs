//! Values that are recognised by their shape: dates, times, addresses, long runs of digits.

/// The shortest run of hexadecimal digits, with both digits and letters, that is taken for a number of its own; shorter
/// ones may be model numbers.
const HEX_MIN: usize = 10;
/// The shortest run of decimal digits; shorter ones may be versions and days.
const DECIMAL_MIN: usize = 10;
/// The shortest run of letters and digits that is taken for a random token.
const TOKEN_MIN: usize = 24;
/// Its groups of digits: a long name has its number in one place, chance scatters them.
const TOKEN_GROUPS_MIN: usize = 3;

/// Appends the run of letters and digits at `at`, or what stands for it, and returns where it ends.
pub(super) fn replace(text: &[u8], at: usize, out: &mut Vec<u8>) -> usize {
    let rest = &text[at..];
    let len = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let run = &rest[..len];
    let (digits, hex) = run.iter().fold((0, true), |(digits, hex), byte| {
        (digits + usize::from(byte.is_ascii_digit()), hex && byte.is_ascii_hexdigit())
    });
    let before = at.checked_sub(1).map_or(b' ', |before| text[before]);
    let goes_on = matches!(before, b'.' | b'_' | b'-');
    let begins_word = !goes_on && before != b':';
    let mut put = |kept: usize, placeholder: &[u8], taken: usize| {
        out.extend_from_slice(&rest[..kept]);
        out.extend_from_slice(placeholder);
        at + taken
    };
    if digits == 0 {
        if len == 3
            && let Some(taken) = date(rest)
        {
            return put(0, b"<date>", taken);
        }
        if !hex {
            return put(len, b"", len);
        }
    }
    if hex {
        if len == 8
            && let Some(taken) = uuid(rest)
        {
            return put(0, b"<uuid>", taken);
        }
        if len == 2
            && begins_word
            && let Some((groups, taken)) = pairs(rest)
        {
            match groups {
                // The first three are the maker's.
                6 => return put(9, b"<mac>", taken),
                8.. => return put(0, b"<hex>", taken),
                _ => {}
            }
        }
        if digits == len {
            if !goes_on && let Some((placeholder, taken)) = of_digits(text, at, len, begins_word) {
                return put(0, placeholder, taken);
            }
            if len >= DECIMAL_MIN {
                return put(0, b"<num>", len);
            }
        } else if digits > 0 && len >= HEX_MIN {
            // As long as a hardware address: the first half is the maker's.
            return put(if len == 12 { 6 } else { 0 }, b"<hex>", len);
        }
    }
    if len >= TOKEN_MIN && digit_groups(run) >= TOKEN_GROUPS_MIN {
        return put(0, b"<token>", len);
    }
    put(len, b"", len)
}

fn digit_groups(run: &[u8]) -> usize {
    run.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()).filter(|group| group[0].is_ascii_digit()).count()
}

fn of_digits(text: &[u8], at: usize, len: usize, begins_word: bool) -> Option<(&'static [u8], usize)> {
    let rest = &text[at..];
    match len {
        4 if begins_word => iso(rest).map(|taken| (&b"<date>"[..], taken)),
        1..=3 => {
            let time = if begins_word { time(rest) } else { None };
            time.map(|taken| (&b"<time>"[..], taken)).or_else(|| ip(text, at))
        }
        _ => None,
    }
}

/// Whether `text` begins with the shape `like`: `0` is a digit, `x` a hexadecimal digit, `A` a letter.
fn is_like(text: &[u8], like: &[u8]) -> bool {
    text.len() >= like.len()
        && text.iter().zip(like).all(|(byte, like)| match like {
            b'0' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_hexdigit(),
            b'A' => byte.is_ascii_alphabetic(),
            like => byte == like,
        })
}

/// The length, unless the run goes on.
fn ended(text: &[u8], len: usize) -> Option<usize> {
    (!text.get(len).is_some_and(u8::is_ascii_alphanumeric)).then_some(len)
}

fn uuid(text: &[u8]) -> Option<usize> {
    const LIKE: &[u8] = b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    is_like(text, LIKE).then(|| ended(text, LIKE.len())).flatten()
}

/// Pairs of hexadecimal digits with `:` or `-` between them: how many, and their length.
fn pairs(text: &[u8]) -> Option<(usize, usize)> {
    let separator = *text.get(2).filter(|byte| matches!(byte, b':' | b'-'))?;
    let more = text[2..].chunks(3).take_while(|group| is_like(group, &[separator, b'x', b'x'])).count();
    let len = 2 + 3 * more;
    ended(text, len).filter(|len| text.get(*len) != Some(&separator)).map(|len| (1 + more, len))
}

/// `1:02:03`, `01:02:03`, with fractions.
fn time(text: &[u8]) -> Option<usize> {
    let seconds = [&b"0:00:00"[..], b"00:00:00"].into_iter().find(|like| is_like(text, like))?.len();
    let fraction = seconds + fraction(&text[seconds..]);
    let ends = |len: &usize| text.get(*len) != Some(&b':');
    [fraction, seconds].into_iter().find_map(|len| ended(text, len)).filter(ends)
}

fn fraction(text: &[u8]) -> usize {
    let digits = text.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
    if matches!(text.first(), Some(b'.' | b',')) && digits > 0 { 1 + digits } else { 0 }
}

/// `2026-01-05T10:00:00Z`, with a blank, a fraction or an offset.
fn iso(text: &[u8]) -> Option<usize> {
    let days = [&b"0000-00-00"[..], b"0000/00/00"].into_iter().find(|like| is_like(text, like))?.len();
    let times = text.get(days).is_some_and(|byte| matches!(byte, b'T' | b't' | b' '))
        && is_like(&text[days + 1..], b"00:00:00");
    if !times {
        return None;
    }
    let seconds = days + 9;
    let fraction = seconds + fraction(&text[seconds..]);
    for len in [fraction, seconds] {
        let zones = [&b"Z"[..], b"+00:00", b"-00:00", b"+0000", b"-0000"];
        let zone = zones.into_iter().find(|zone| is_like(&text[len..], zone)).map_or(0, <[u8]>::len);
        if let Some(len) = ended(text, len + zone) {
            return Some(len);
        }
    }
    None
}

/// `Mon, 05 Jan 2026 10:00:00 GMT`, `Monday` excepted; `Mon Jan  5 10:00:00 2026`.
fn date(text: &[u8]) -> Option<usize> {
    const DAYS: [&[u8]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
    const LIKE: [&[u8]; 8] = [
        b"AAA, 00 AAA 0000 00:00:00",
        b"AAA, 0 AAA 0000 00:00:00",
        b"AAA, 00-AAA-0000 00:00:00",
        b"AAA, 00-AAA-00 00:00:00",
        b"AAA AAA 00 00:00:00",
        b"AAA AAA  0 00:00:00",
        b"AAA AAA 0 00:00:00",
        b"AAA 00 AAA 0000 00:00:00",
    ];
    if !DAYS.iter().any(|day| text[..3].eq_ignore_ascii_case(day)) {
        return None;
    }
    let mut len = LIKE.into_iter().find(|like| is_like(text, like))?.len();
    for tail in [&b" GMT"[..], b" UTC", b" +0000", b" -0000", b" AAA 0000", b" 0000"] {
        let fits = if tail == b" GMT" || tail == b" UTC" {
            text[len..].starts_with(tail)
        } else {
            is_like(&text[len..], tail)
        };
        if fits {
            len += tail.len();
            break;
        }
    }
    ended(text, len)
}

/// Four numbers that are an address rather than a version: at least two of them have two digits, none leads with 0, and
/// what stands before and after is not of a version.
fn ip(text: &[u8], at: usize) -> Option<(&'static [u8], usize)> {
    let mut len = 0;
    let mut long = 0;
    for part in 0..4 {
        if part > 0 {
            (text.get(at + len) == Some(&b'.')).then_some(())?;
            len += 1;
        }
        let digits = text[at + len..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let number = &text[at + len..at + len + digits];
        let value = number.iter().fold(0u32, |value, digit| value * 10 + u32::from(digit - b'0'));
        if digits == 0 || digits > 3 || value > 255 || (digits > 1 && number[0] == b'0') {
            return None;
        }
        long += usize::from(digits > 1);
        len += digits;
    }
    let after = text.get(at + len).copied().unwrap_or(b' ');
    let follows =
        after == b'.' && text.get(at + len + 1).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'<');
    if follows || after == b'-' || after == b'_' || after.is_ascii_alphanumeric() {
        return None;
    }
    let before = &text[..at];
    if (before.ends_with(b"/") && !before.ends_with(b"//")) || announces_version(before) {
        return None;
    }
    let private = [&b"10."[..], b"192.168.", b"127.0.0."].iter().any(|net| text[at..].starts_with(net));
    (long >= 2 || private).then_some((b"<ip>", len))
}

/// Whether the last word is one that a version follows.
fn announces_version(before: &[u8]) -> bool {
    const WORDS: [&[u8]; 12] = [
        b"version",
        b"ver",
        b"v",
        b"firmware",
        b"fw",
        b"software",
        b"sw",
        b"release",
        b"rel",
        b"revision",
        b"rev",
        b"build",
    ];
    let blank = |byte: &&u8| matches!(byte, b' ' | b':' | b'=' | b'"' | b'.');
    let end = before.len() - before.iter().rev().take(4).take_while(blank).count();
    let len = before[..end].iter().rev().take(10).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let whole = !before[..end - len].last().is_some_and(u8::is_ascii_alphanumeric);
    whole && WORDS.iter().any(|word| word.eq_ignore_ascii_case(&before[end - len..end]))
}
