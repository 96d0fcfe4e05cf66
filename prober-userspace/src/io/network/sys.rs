//! The system calls of this folder that have no safe wrapper: a packet socket for ARP and the ethtool requests.
#![allow(unsafe_code)]

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// Frames above this are cut; ARP needs 46 bytes.
const LONGEST_FRAME: usize = 256;

/// A raw packet socket bound to one interface, seeing every frame that arrives there.
pub struct PacketSocket {
    fd: OwnedFd,
}

impl PacketSocket {
    /// Needs `CAP_NET_RAW`.
    pub fn open(ifindex: u32) -> io::Result<Self> {
        let protocol = (libc::ETH_P_ALL as u16).to_be();
        // SAFETY: no pointers are passed; the result is checked before it becomes an owned descriptor.
        let fd = unsafe {
            let fd = libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(fd)
        };
        let on: libc::c_int = 1;
        // SAFETY: the option value is a live c_int of the length given.
        check(unsafe {
            libc::setsockopt(
                fd.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_AUXDATA,
                (&raw const on).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        })?;
        // SAFETY: all-zero is a valid sockaddr_ll; its address and true length are passed.
        check(unsafe {
            let mut address: libc::sockaddr_ll = zeroed();
            address.sll_family = libc::AF_PACKET as u16;
            address.sll_protocol = protocol;
            address.sll_ifindex = ifindex as i32;
            libc::bind(fd.as_raw_fd(), (&raw const address).cast(), size_of::<libc::sockaddr_ll>() as libc::socklen_t)
        })?;
        Ok(Self { fd })
    }

    /// Writes one whole frame.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        // SAFETY: pointer and length are those of a live slice.
        let sent = unsafe { libc::send(self.fd.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
        check(sent as libc::c_int)
    }

    /// Shows each arriving frame, with the VLAN tag that the kernel took out of it, to `wanted` until that returns
    /// something or the time is over (`None`).
    pub fn receive_within<T>(
        &self,
        time: Duration,
        mut wanted: impl FnMut(&[u8], Option<u16>) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let deadline = Instant::now() + time;
        let mut frame = [0; LONGEST_FRAME];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let mut ready = libc::pollfd { fd: self.fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            let wait_ms = left.as_millis() as libc::c_int + 1;
            // SAFETY: one live pollfd is passed with count 1.
            match check(unsafe { libc::poll(&raw mut ready, 1, wait_ms) }) {
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            if let Some((length, tag)) = self.receive(&mut frame)?
                && let Some(found) = wanted(&frame[..length], tag)
            {
                return Ok(Some(found));
            }
        }
    }

    /// One frame without waiting: its length (cut to the buffer's) and its tag.
    fn receive(&self, frame: &mut [u8]) -> io::Result<Option<(usize, Option<u16>)>> {
        let mut part = libc::iovec { iov_base: frame.as_mut_ptr().cast(), iov_len: frame.len() };
        let mut control = [0_u64; 16]; // aligned like cmsghdr, room for the 36 bytes of auxiliary data
        // SAFETY: all-zero is a valid msghdr; the buffers it then names outlive the call and have the lengths given.
        let (received, header) = unsafe {
            let mut header: libc::msghdr = zeroed();
            header.msg_iov = &raw mut part;
            header.msg_iovlen = 1;
            header.msg_control = control.as_mut_ptr().cast();
            header.msg_controllen = size_of_val(&control) as _;
            (libc::recvmsg(self.fd.as_raw_fd(), &raw mut header, libc::MSG_DONTWAIT), header)
        };
        if received < 0 {
            let cause = io::Error::last_os_error();
            let nothing = matches!(cause.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted);
            return if nothing { Ok(None) } else { Err(cause) };
        }
        let mut tag = None;
        // SAFETY: the kernel filled `control`, which is still alive; the macros walk it within msg_controllen, and
        // auxiliary data of this type and level is a tpacket_auxdata, read unaligned.
        unsafe {
            let mut message = libc::CMSG_FIRSTHDR(&raw const header);
            while !message.is_null() {
                if (*message).cmsg_level == libc::SOL_PACKET && (*message).cmsg_type == libc::PACKET_AUXDATA {
                    let data: libc::tpacket_auxdata =
                        libc::CMSG_DATA(message).cast::<libc::tpacket_auxdata>().read_unaligned();
                    if data.tp_status & libc::TP_STATUS_VLAN_VALID != 0 {
                        tag = Some(data.tp_vlan_tci);
                    }
                }
                message = libc::CMSG_NXTHDR(&raw const header, message);
            }
        }
        Ok(Some((received as usize, tag)))
    }
}

/// Runs the ethtool request `command` for the interface; `request` is the kernel's structure for it, whose first
/// word this fills with the command.
///
/// The structure must be as long as the kernel's for that command: the callers in `ethtool` guarantee it by type.
pub fn ethtool<const WORDS: usize>(interface: &str, command: u32, request: &mut [u32; WORDS]) -> io::Result<()> {
    request[0] = command;
    let mut question = question_about(interface)?;
    let socket = control_socket()?;
    question.ifr_ifru.ifru_data = request.as_mut_ptr().cast();
    // SAFETY: a valid ifreq whose ifru_data points at `request`, which is as long as the kernel reads and writes for this
    // command.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut question) })
}

/// A socket to ask about interfaces, of the calling thread's network namespace.
pub fn control_socket() -> io::Result<OwnedFd> {
    // SAFETY: no pointers are passed; the result is checked before it becomes an owned descriptor.
    unsafe {
        let fd = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// The flags of an interface, as `IFF_UP`.
pub fn flags(socket: &OwnedFd, interface: &str) -> io::Result<i16> {
    let mut question = question_about(interface)?;
    // SAFETY: a valid ifreq, into which the kernel writes the flags.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS as _, &raw mut question) })?;
    // SAFETY: the kernel has written this member.
    Ok(unsafe { question.ifr_ifru.ifru_flags })
}

fn question_about(interface: &str) -> io::Result<libc::ifreq> {
    if interface.len() >= libc::IFNAMSIZ {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    // SAFETY: all-zero is a valid ifreq; the name fits with its final zero.
    let mut question: libc::ifreq = unsafe { zeroed() };
    for (to, from) in question.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = from as libc::c_char;
    }
    Ok(question)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Moves the calling thread into a network namespace of its own, or into the one that the file names.
#[cfg(test)]
pub fn enter_namespace(file: Option<&std::fs::File>) -> io::Result<()> {
    // SAFETY: no pointers are passed; only the calling thread's network namespace changes.
    check(unsafe {
        match file {
            None => libc::unshare(libc::CLONE_NEWNET),
            Some(file) => libc::setns(file.as_raw_fd(), libc::CLONE_NEWNET),
        }
    })
}
