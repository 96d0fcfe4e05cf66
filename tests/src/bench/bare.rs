//! Bare loops: the least that each kind of engine can do per frame, sending the same frame again and again. What the
//! prober adds - planning, writing, stamping, checking - shows against them.

use anyhow::{Context, Result, anyhow};
use aya::{
    EbpfLoader, TestRun,
    programs::{TestRunAttrs, TestRunOptions, Xdp},
};
use prober_common::{
    address::V4,
    cookie::Key,
    probe::{
        self,
        tcp_syn::{self, Profile},
    },
    slot::ProbeSlot,
    stamp::Tick,
    template::{Path, Template},
};
use prober_userspace::io::transmit::{TransmitConfig, af_xdp::AfXdp};

use crate::{far_end, lab::Lab, sys, wire};

/// Frames per batch of the live loop, as the prober has.
const BATCH: u32 = 64;

/// Where the constant frames go: a target like any other, which does not answer.
const TARGET: ProbeSlot = ProbeSlot { address: V4(0x1400_0001), port: 80, probe: 0, template: 0 };

/// Sends `count` constant SYNs through live frames.
pub fn live_frames(lab: &Lab, count: u32) -> Result<()> {
    let frame = constant(lab)?;
    lab.prober().run(move || {
        let mut ebpf = EbpfLoader::new().load(far_end::OBJECT).context("cannot load the lab's eBPF object")?;
        let program: &mut Xdp = ebpf.program_mut("lab_bare").context("lab_bare is missing")?.try_into()?;
        program.load().map_err(|e| anyhow!("the kernel refused the XDP program lab_bare: {e:#}"))?;
        let mut context = [0; 24];
        context[4..8].copy_from_slice(&(frame.len() as u32).to_ne_bytes());
        context[12..16].copy_from_slice(&sys::interface_index(wire::NEAR)?.to_ne_bytes());
        let mut options = TestRunOptions::new();
        options.data_in = Some(&frame);
        options.ctx_in = Some(&context);
        // One call: each costs an RCU grace period, since the program is attached nowhere.
        options.repeat = count;
        options.attrs = TestRunAttrs::new().xdp_live_frames(BATCH);
        program.test_run(options).map_err(|e| anyhow!("the live frames failed: {e:#}"))?;
        Ok(())
    })?
}

/// Sends `count` constant SYNs through an AF_XDP socket.
pub fn af_xdp(lab: &Lab, count: usize) -> Result<()> {
    let (template, frame) = (template(lab)?, constant(lab)?);
    lab.prober().run(move || {
        let mut engine = AfXdp::open(&TransmitConfig {
            ifindex: sys::interface_index(wire::NEAR)?,
            interface: wire::NEAR.to_owned(),
            queue: 0,
            senders: 1,
            key: Key::default(),
            templates: vec![template],
        })?;
        engine.send_constant(&frame, count)?;
        Ok(())
    })?
}

/// A whole SYN, valid to the last checksum.
fn constant(lab: &Lab) -> Result<Vec<u8>> {
    let template = template(lab)?;
    let mut frame = template.bytes().to_vec();
    probe::write(frame.as_mut_slice(), &template, Key::default(), TARGET, Tick(1))
        .context("the frame has its length")?;
    Ok(frame)
}

fn template(lab: &Lab) -> Result<Template> {
    let (source_mac, gateway_mac) = lab.macs()?;
    let path = Path { source_mac, gateway_mac, vlan: None, source: V4::from(lab.source()), ttl: None };
    tcp_syn::template(&path, Profile::Mss).context("the template fits")
}
