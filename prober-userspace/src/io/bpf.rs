//! The eBPF object and its typed maps.
#![allow(unsafe_code, reason = "one marker trait; see its comment")]

use aya::maps::{Array, Map, MapData};
use prober_common::rules::Rules;
use prober_common::template::Template;

/// The object, built from source by this crate's build script.
pub static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/prober-ebpf"));

/// A type of `prober-common` as a map value.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Shared<T>(pub T);

/// The types that cross the kernel boundary as values.
trait Crosses: Copy + 'static {}
impl Crosses for Rules {}
impl Crosses for Template {}

// SAFETY: `Crosses` is implemented above only, for `repr(C)` types of integers without padding that are valid in every
// bit pattern.
unsafe impl<T: Crosses> aya::Pod for Shared<T> {}

/// Writes one entry of an array map.
pub(super) fn set<T>(map: &mut Map, index: u32, value: T) -> Result<(), aya::maps::MapError>
where
    Shared<T>: aya::Pod,
{
    let mut array: Array<&mut MapData, Shared<T>> = map.try_into()?;
    array.set(index, Shared(value), 0)
}
