//! The lab: a prober's side and a far side in two network namespaces of their own, joined by one wire, and what can
//! live at the far side - reflector, counter, emulated world, real servers. Nothing here touches the host's network.
//!
//! Tests start with [`lab::Lab`]; people start with the binary `prober-lab` (`cargo xtask lab`).

pub mod bench;
pub mod command;
pub mod far_end;
pub mod forger;
pub mod frame;
pub mod lab;
pub mod namespace;
pub mod replayer;
pub mod servers;
pub mod state;
pub mod sys;
pub mod trial;
pub mod vectors;
pub mod weeks;
pub mod wire;
pub mod world;
