//! Which device a banner speaks of: signature files, the matcher, scores, and what prepares banners for it. Pure: texts
//! and settings come in as arguments; reading files and clocks is the caller's.
//!
//! ```text
//! signature files ─► database ─► matcher ─hits of each distinct banner─► scorer ─► estimates of an address
//! banners ─► normalise ─► aggregate ─────────▲
//! ```

pub mod aggregate;
pub mod build;
pub mod database;
pub mod evaluate;
pub mod export;
pub mod generator;
mod http_date;
pub mod import;
pub mod lint;
mod literal;
pub mod matcher;
pub mod normalise;
pub mod pattern;
pub mod review;
pub mod score;
pub mod sift;
pub mod signature;
pub mod starter;
pub mod suggest;
pub mod variation;
