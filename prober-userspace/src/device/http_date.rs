//! A date as web servers write it (RFC 9110 section 5.6.7), drawn by chance: for banners that are made up.

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Within so many years from `first_year` on; `below(n)` draws a number below n.
pub(super) fn http_date(first_year: u64, years: u64, mut below: impl FnMut(u64) -> u64) -> String {
    format!(
        "{}, {:02} {} {} {:02}:{:02}:{:02} GMT",
        DAYS[below(7) as usize],
        1 + below(28),
        MONTHS[below(12) as usize],
        first_year + below(years),
        below(24),
        below(60),
        below(60)
    )
}
