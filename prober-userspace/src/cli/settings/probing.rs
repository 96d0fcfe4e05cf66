//! What settings say to whatever probes: a scan, a watch, a study.

use anyhow::Context;
use prober_common::address::V4;

use super::Settings;
use crate::model::link::LinkRequest;
use crate::model::request::{GrabLimits, ProbeStyle, Record};

impl Settings {
    /// The way out, to be found by a target; `is_only` if there is no other.
    pub fn link(&self, any_target: V4, is_only: bool) -> LinkRequest {
        LinkRequest {
            interface: self.interface.clone(),
            source_ip: self.source_ip,
            gateway_mac: self.gateway_mac,
            source_mac: self.source_mac,
            vlan: self.vlan,
            any_target,
            single_target: is_only,
        }
    }

    /// How probes look.
    pub fn style(&self) -> ProbeStyle {
        ProbeStyle { profile: self.profile, ttl: self.ttl, contact: self.contact.clone() }
    }

    /// Within which limits banners are asked for, if they are.
    pub fn grab_limits(&self) -> Option<GrabLimits> {
        self.grab.then(|| GrabLimits {
            rate: self.grab_rate,
            rate_per_24: self.grab_rate_per_24,
            concurrency: self.grab_concurrency.into(),
            timeout: self.grab_timeout,
        })
    }

    /// What is stored of who asked for what.
    pub fn record(&self) -> anyhow::Result<Record> {
        Ok(Record {
            operator: self.operator.clone(),
            notes: self.notes.clone(),
            contact: self.contact.clone(),
            command: std::env::args().collect::<Vec<_>>().join(" "),
            settings: serde_json::to_string(self).context("cannot record the settings")?,
            ports: self.target_ports.clone(),
        })
    }
}
