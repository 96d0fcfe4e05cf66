//! What the lab's XDP programs and its user space agree on. Only tests use it; it lies here because this is the one
//! crate that both sides of the kernel boundary compile.

use crate::address::V4;

/// Constant frames of the bare loop; a power of two.
pub const BARE_FRAMES: u32 = 16;
/// One of them, with Ethernet padding.
pub type BareFrame = [u64; 8];

/// Bytes of a frame that an [`Arrival`] carries: every header, and all of a small UDP request.
pub const CAPTURE_LEN: usize = 128;
/// How many ports [`LabRules`] can count one by one.
pub const CELL_PORTS: usize = 4;
/// How many prefixes [`LabRules`] can hand to the kernel's own stack.
pub const PASS_PREFIXES: usize = 4;

/// Count each (address, port) of [`LabRules::cell_base`] by itself.
pub const FLAG_CELLS: u32 = 1;
/// Count arrivals per time bucket.
pub const FLAG_ARRIVALS: u32 = 2;
/// Verify the checksums of each frame; wrong ones are counted and dropped, as a real host does.
pub const FLAG_VERIFY: u32 = 4;
/// World: hand the segments of connections to user space as well, not only what opens them.
pub const FLAG_TALK: u32 = 8;

/// Arrival buckets are 2^17 ns = 131 us long.
pub const ARRIVAL_BUCKET_SHIFT: u32 = 17;
/// Number of arrival buckets: 137 s, then they come round again.
pub const ARRIVAL_BUCKETS: u32 = 1 << 20;

/// A prefix as base and mask, both in host order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Prefix {
    /// First address.
    pub base: V4,
    /// Ones where the prefix is fixed.
    pub mask: u32,
}

impl Prefix {
    /// The prefix of `len` bits (0 to 32) that holds `address`.
    pub const fn new(address: V4, len: u32) -> Self {
        let mask = if len == 0 { 0 } else { u32::MAX << (32 - len) };
        Self { base: V4(address.0 & mask), mask }
    }

    /// Whether `address` lies inside.
    #[inline(always)]
    pub const fn contains(self, address: V4) -> bool {
        address.0 & self.mask == self.base.0
    }
}

/// How the lab's programs treat a frame; one entry of a kernel map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct LabRules {
    /// Decides who lives where, see [`population_hash`].
    pub seed: u64,
    /// An address answers (reflector) or is populated (world) if its hash is below this.
    pub answer_below: u32,
    /// Reflector: of the others, an address refuses with RST if its hash is below this.
    pub refuse_below: u32,
    /// `FLAG_*`.
    pub flags: u32,
    /// First address that is counted by itself.
    pub cell_base: V4,
    /// How many addresses from there are counted by themselves.
    pub cell_addresses: u32,
    /// How many entries of `cell_ports` are in use.
    pub cell_port_count: u32,
    /// The ports that are counted by themselves; 0 stands for ICMP echo.
    pub cell_ports: [u16; CELL_PORTS],
    /// How many entries of `pass` are in use.
    pub pass_count: u32,
    /// Keeps the size a multiple of eight.
    pub reserved: u32,
    /// Frames to these go to the kernel's own stack: gateway and real servers.
    pub pass: [Prefix; PASS_PREFIXES],
}

const _: () = assert!(size_of::<LabRules>() == 80 && align_of::<LabRules>() == 8);

/// The hash that decides whether an address is populated: uniform over 2^32 (finaliser of `splitmix64`, Steele, Lea,
/// Flood 2014).
#[inline(always)]
pub const fn population_hash(seed: u64, address: V4) -> u32 {
    (mix(seed ^ (address.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)) >> 32) as u32
}

/// The finaliser of `splitmix64`: a bijection of 64 bits in which every input bit moves every output bit.
#[inline(always)]
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The `below` value for one in `n` addresses; 1 means everyone (but for one hash in 2^32).
pub const fn one_in(n: u32) -> u32 {
    u32::MAX / if n == 0 { 1 } else { n }
}

/// What the lab's programs counted: one per CPU, summed by the reader. Every frame is in `frames` and in exactly one of
/// the fields after `bytes` up to `passed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct LabCounts {
    /// All frames.
    pub frames: u64,
    /// All bytes, without preamble and FCS.
    pub bytes: u64,
    /// TCP SYN without ACK.
    pub syn: u64,
    /// TCP RST.
    pub rst: u64,
    /// Other TCP.
    pub tcp_other: u64,
    /// ICMP echo requests.
    pub echo: u64,
    /// Other ICMP.
    pub icmp_other: u64,
    /// UDP datagrams.
    pub udp: u64,
    /// Neither TCP, UDP nor ICMP, fragments, and IPv4 with options.
    pub other: u64,
    /// Shorter than their headers say.
    pub truncated: u64,
    /// Frames whose IPv4, TCP, UDP or ICMP checksum is wrong (with [`FLAG_VERIFY`]).
    pub bad_checksum: u64,
    /// Handed to the kernel's own stack: ARP, IPv6, gateway, real servers.
    pub passed: u64,
    /// SYN-ACKs sent by the reflector.
    pub syn_ack_sent: u64,
    /// RSTs sent by the reflector.
    pub rst_sent: u64,
    /// Echo replies sent by the reflector.
    pub echo_reply_sent: u64,
    /// Probes outside the range or the ports that are counted by themselves (with [`FLAG_CELLS`]).
    pub outside_cells: u64,
    /// World: probes to addresses where nobody lives.
    pub unpopulated: u64,
    /// World: arrivals handed to user space.
    pub arrivals: u64,
    /// World: arrivals lost because the ring was full. The emulation was too slow: results do not count.
    pub arrivals_lost: u64,
}

const _: () = assert!(size_of::<LabCounts>() == LabCounts::FIELDS * 8);

impl LabCounts {
    /// Number of counters.
    pub const FIELDS: usize = 19;

    /// Probes of any kind.
    pub const fn probes(&self) -> u64 {
        self.syn + self.echo + self.udp
    }

    /// Answers sent by the reflector.
    pub const fn answers(&self) -> u64 {
        self.syn_ack_sent + self.rst_sent + self.echo_reply_sent
    }
}

/// A frame for the emulated world, as its XDP program writes it into the ring.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Arrival {
    /// `CLOCK_MONOTONIC` in ns.
    pub at_ns: u64,
    /// Length of the frame.
    pub frame_len: u32,
    /// How many bytes of `data` are the frame's.
    pub captured: u32,
    /// The frame's first bytes.
    pub data: [u8; CAPTURE_LEN],
}

const _: () = assert!(size_of::<Arrival>() == 16 + CAPTURE_LEN);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_sixteen_is_one_in_sixteen() {
        let populated = (0..1 << 16).filter(|&i| population_hash(7, V4(0x1400_0000 + i)) < one_in(16)).count();
        assert!((3_900..4_300).contains(&populated), "{populated}");
    }

    #[test]
    fn prefixes_hold_their_addresses() {
        let prefix = Prefix::new(V4(0x1401_02ff), 24);
        assert!(prefix.contains(V4(0x1401_0200)) && !prefix.contains(V4(0x1401_0300)));
        assert!(Prefix::new(V4(1), 0).contains(V4(u32::MAX)));
    }
}
