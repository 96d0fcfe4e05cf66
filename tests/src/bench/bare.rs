//! Bare loops: the least that each kind of engine can do per frame, sending the same sixteen frames again and again. One
//! of them is answered, as of the prober's one in sixteen is, so that the wire carries the same. What the prober adds -
//! planning, hashing, stamping, checking, storing - shows against them.

use anyhow::{Context, Result, anyhow};
use aya::{
    EbpfLoader, TestRun,
    maps::Array,
    programs::{TestRunAttrs, TestRunOptions, Xdp, xdp::XdpMode},
};
use prober_common::{
    address::V4,
    cookie::Key,
    lab::{BARE_FRAMES, BareFrame, one_in, population_hash},
    probe::{
        self,
        tcp_syn::{self, Profile},
    },
    slot::ProbeSlot,
    stamp::Tick,
    template::{Path, Template},
};
use prober_userspace::io::transmit::{TransmitConfig, af_xdp::AfXdp};

use crate::{
    far_end::{self, FarEndConfig},
    lab::Lab,
    sys, wire,
};

/// Frames per batch of the live loop, as the prober has.
const BATCH: u32 = 64;

/// Metadata in front of a live frame, which tells it from one that the wire brought.
const META_LEN: usize = 8;

/// Sends `count` constant SYNs through live frames.
pub fn live_frames(lab: &Lab, far_end: &FarEndConfig, count: u32) -> Result<()> {
    let frames = constant(lab, far_end)?;
    lab.prober().run(move || {
        let mut ebpf = EbpfLoader::new().load(far_end::OBJECT).context("cannot load the lab's eBPF object")?;
        let map = ebpf.map_mut("LAB_BARE_FRAMES").context("LAB_BARE_FRAMES is missing")?;
        let mut map: Array<_, BareFrame> = map.try_into()?;
        for (index, frame) in (0..).zip(&frames) {
            let mut words = BareFrame::default();
            for (word, bytes) in words.iter_mut().zip(frame.chunks(8)) {
                let mut padded = [0; 8];
                padded[..bytes.len()].copy_from_slice(bytes);
                *word = u64::from_ne_bytes(padded);
            }
            map.set(index, words, 0)?;
        }
        let program: &mut Xdp = ebpf.program_mut("lab_bare").context("lab_bare is missing")?.try_into()?;
        program.load().map_err(|e| anyhow!("the kernel refused the XDP program lab_bare: {e:#}"))?;
        program.attach(wire::NEAR, XdpMode::Driver).context("cannot attach lab_bare")?;
        let data = [0; META_LEN + size_of::<BareFrame>()];
        let mut context = [0; 24];
        context[0..4].copy_from_slice(&(META_LEN as u32).to_ne_bytes());
        context[4..8].copy_from_slice(&(data.len() as u32).to_ne_bytes());
        context[12..16].copy_from_slice(&sys::interface_index(wire::NEAR)?.to_ne_bytes());
        let mut options = TestRunOptions::new();
        options.data_in = Some(&data);
        options.ctx_in = Some(&context);
        options.repeat = count;
        options.attrs = TestRunAttrs::new().xdp_live_frames(BATCH);
        program.test_run(options).map_err(|e| anyhow!("the live frames failed: {e:#}"))?;
        Ok(())
    })?
}

/// Sends `count` constant SYNs through an AF_XDP socket.
pub fn af_xdp(lab: &Lab, far_end: &FarEndConfig, count: usize) -> Result<()> {
    let (template, frames) = (template(lab)?, constant(lab, far_end)?);
    lab.prober().run(move || {
        let mut ebpf = EbpfLoader::new().load(far_end::OBJECT).context("cannot load the lab's eBPF object")?;
        let program: &mut Xdp = ebpf.program_mut("lab_bare").context("lab_bare is missing")?.try_into()?;
        program.load().map_err(|e| anyhow!("the kernel refused the XDP program lab_bare: {e:#}"))?;
        program.attach(wire::NEAR, XdpMode::Driver).context("cannot attach lab_bare")?;
        let mut engine = AfXdp::open(&TransmitConfig {
            ifindex: sys::interface_index(wire::NEAR)?,
            interface: wire::NEAR.to_owned(),
            queue: 0,
            senders: 1,
            key: Key::default(),
            templates: vec![template],
        })?;
        engine.send_constant(&frames, count)?;
        Ok(())
    })?
}

/// Whole SYNs, valid to the last checksum, to targets of which one answers.
fn constant(lab: &Lab, far_end: &FarEndConfig) -> Result<Vec<Vec<u8>>> {
    let template = template(lab)?;
    let answers = |address: &V4| population_hash(far_end.seed, *address) < one_in(far_end.answer_one_in);
    let targets = || (0x1400_0001..=0x14ff_ffff).map(V4);
    let silent = targets().filter(|address| !answers(address)).take(BARE_FRAMES as usize - 1);
    let write = |address| {
        let mut frame = template.bytes().to_vec();
        let slot = ProbeSlot { address, port: 80, probe: 0, template: 0 };
        probe::write(frame.as_mut_slice(), &template, Key::default(), slot, Tick(1)).context("a short frame")?;
        Ok(frame)
    };
    targets().filter(answers).take(1).chain(silent).map(write).collect()
}

fn template(lab: &Lab) -> Result<Template> {
    let (source_mac, gateway_mac) = lab.macs()?;
    let path = Path { source_mac, gateway_mac, vlan: None, source: V4::from(lab.source()), ttl: None };
    tcp_syn::template(&path, Profile::Mss).context("the template fits")
}
