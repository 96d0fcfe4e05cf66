//! Puts banners together that differ only in what differs from one device to the next of a model. Which words those are,
//! the banners tell themselves: at the place of a serial number or a name given by its owner hardly any two addresses say
//! the same, at that of a model many do.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::template::{Piece, has_name, hash, pieces, skeleton, slots};
use crate::device::aggregate::Aggregated;
use crate::target::splitmix::Digest;

/// A slot differs from device to device if it has at least so many values ...
const VALUES_MIN: usize = 4;
/// ... and fewer than so many addresses have each, on average.
const ADDRESSES_PER_VALUE: usize = 3;
/// The same for words of letters, where names of makers and models stand as well: more values.
const WORDS_MIN: usize = 8;
/// Distinct words of a banner that are tried.
const WORDS_TRIED: usize = 64;

/// Banners that a person looks at as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BannerGroup {
    /// Places of the distinct banners in the aggregated ones, ascending.
    pub members: Vec<u32>,
    /// Addresses that have any of them.
    pub addresses: u32,
}

impl BannerGroup {
    /// Some of its banners as they came, those of most addresses first.
    pub fn banners(&self, of: &Aggregated, most: usize) -> Vec<String> {
        let mut members: Vec<u32> = self.members.clone();
        members.sort_by_key(|member| std::cmp::Reverse(of.groups()[*member as usize].addresses));
        let text = |member: &u32| String::from_utf8_lossy(&of.groups()[*member as usize].sample).into_owned();
        members.iter().take(most).map(text).collect()
    }

    /// A hash of its first normalised banner: the same again as long as that one comes first.
    pub fn id(&self, of: &Aggregated) -> u64 {
        self.members.first().map_or(0, |member| text_hash(&of.groups()[*member as usize].text))
    }
}

/// Stable hash of a normalised text.
pub fn text_hash(text: &[u8]) -> u64 {
    let mut digest = Digest::new(0x7369_6674_0001);
    digest.add(text.len() as u64);
    for chunk in text.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        digest.add(u64::from_le_bytes(word));
    }
    digest.value()
}

/// The groups, those of most addresses first.
pub fn group(banners: &Aggregated) -> Vec<BannerGroup> {
    let texts: Vec<_> = banners.groups().iter().map(|group| String::from_utf8_lossy(&group.text)).collect();
    let texts: Vec<Vec<Piece<'_>>> = texts.iter().map(|text| pieces(text)).collect();
    let addresses: Vec<usize> = banners.groups().iter().map(|group| group.addresses as usize).collect();
    let by_slots = by_slots(&texts, &addresses);
    let keys = by_words(&texts, &addresses, &by_slots);
    collect(banners, &keys)
}

/// What the banners of a group have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    /// The fixed pieces.
    fixed: u64,
    /// The values of those slots that do not differ from device to device.
    kept: u64,
}

/// A key for each banner.
fn by_slots(texts: &[Vec<Piece<'_>>], addresses: &[usize]) -> Vec<Key> {
    let mut families: HashMap<u64, Vec<usize>> = HashMap::new();
    for (place, text) in texts.iter().enumerate() {
        families.entry(skeleton(text)).or_default().push(place);
    }
    let mut keys = vec![Key::default(); texts.len()];
    for (skeleton, members) in families {
        let mut values: Vec<HashSet<&str>> = Vec::new();
        for &member in &members {
            for (slot, value) in slots(&texts[member]).enumerate() {
                if values.len() <= slot {
                    values.push(HashSet::new());
                }
                values[slot].insert(value);
            }
        }
        let all: usize = members.iter().map(|member| addresses[*member]).sum();
        let named = members.first().is_some_and(|member| has_name(&texts[*member], None));
        let differs: Vec<bool> = values.iter().map(|values| named && differs(values.len(), VALUES_MIN, all)).collect();
        for &member in &members {
            let kept: Vec<Piece<'_>> = slots(&texts[member])
                .zip(&differs)
                .filter(|(_, differs)| !**differs)
                .map(|(v, _)| Piece::Slot(v))
                .collect();
            keys[member] = Key { fixed: skeleton, kept: hash(kept.iter()) };
        }
    }
    keys
}

const fn differs(values: usize, least: usize, addresses: usize) -> bool {
    values >= least && values * ADDRESSES_PER_VALUE > addresses
}

/// Joins keys whose banners differ in one word of letters alone, wherever it stands, if hardly two addresses say the same.
fn by_words(texts: &[Vec<Piece<'_>>], addresses: &[usize], keys: &[Key]) -> Vec<Key> {
    struct Of {
        example: usize,
        addresses: usize,
    }
    let mut of_key: HashMap<Key, Of> = HashMap::new();
    for (place, key) in keys.iter().enumerate() {
        of_key.entry(*key).or_insert(Of { example: place, addresses: 0 }).addresses += addresses[place];
    }
    let mut joined: HashMap<Key, (usize, usize)> = HashMap::new();
    let mut tried: HashMap<Key, Vec<Key>> = HashMap::with_capacity(of_key.len());
    for (key, of) in &of_key {
        let text = &texts[of.example];
        let of_words = words(text).into_iter().filter(|word| has_name(text, Some(word))).map(|word| {
            let without = |piece: &Piece<'_>| *piece != Piece::Word(word);
            let is_kept = |piece: &Piece<'_>| without(piece) && !matches!(piece, Piece::Slot(_));
            let fixed = hash(text.iter().map(|piece| if is_kept(piece) { piece } else { &Piece::Slot("") }));
            Key { fixed, kept: key.kept }
        });
        let of_words: Vec<Key> = of_words.collect();
        for key in &of_words {
            let (values, all) = joined.entry(*key).or_default();
            *values += 1;
            *all += of.addresses;
        }
        tried.insert(*key, of_words);
    }
    let chosen = |key: &Key| {
        let best = tried[key].iter().filter(|word| {
            let (values, all) = joined[word];
            differs(values, WORDS_MIN, all)
        });
        best.max_by_key(|word| (joined[word].0, **word)).copied().unwrap_or(*key)
    };
    keys.iter().map(chosen).collect()
}

fn words<'a>(pieces: &[Piece<'a>]) -> BTreeSet<&'a str> {
    let words = pieces.iter().filter_map(|piece| match piece {
        Piece::Word(word) if word.len() >= 2 => Some(*word),
        _ => None,
    });
    words.take(WORDS_TRIED).collect()
}

fn collect(banners: &Aggregated, keys: &[Key]) -> Vec<BannerGroup> {
    let mut places: HashMap<Key, usize> = HashMap::new();
    let mut groups: Vec<BannerGroup> = Vec::new();
    let mut of_banner = Vec::with_capacity(keys.len());
    for (banner, key) in (0..).zip(keys) {
        let place = *places.entry(*key).or_insert(groups.len());
        if place == groups.len() {
            groups.push(BannerGroup { members: Vec::new(), addresses: 0 });
        }
        groups[place].members.push(banner);
        of_banner.push(place);
    }
    for pairs in banners.chunks() {
        let of_address: BTreeSet<usize> = pairs.iter().map(|(_, banner)| of_banner[*banner as usize]).collect();
        for place in of_address {
            groups[place].addresses += 1;
        }
    }
    groups.sort_by(|a, b| b.addresses.cmp(&a.addresses).then(a.members.cmp(&b.members)));
    groups
}
