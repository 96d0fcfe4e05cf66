//! Whether an interface is up, carrier included: one system call, cheap enough for a look before every batch of probes.

use std::io;
use std::os::fd::OwnedFd;

use super::sys;

/// An interface that is looked at, in the network namespace of whoever opened this.
#[derive(Debug)]
pub struct LinkState {
    socket: OwnedFd,
    interface: String,
}

impl LinkState {
    /// Needs no privileges.
    pub fn open(interface: &str) -> io::Result<Self> {
        Ok(Self { socket: sys::control_socket()?, interface: interface.to_owned() })
    }

    /// Its name.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// Whether frames can leave: it is there, switched on, and has carrier.
    pub fn is_up(&self) -> bool {
        const UP: i16 = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
        sys::flags(&self.socket, &self.interface).is_ok_and(|flags| flags & UP == UP)
    }
}
