//! Telling the service manager how it goes: the datagrams of sd_notify(3) on the socket that systemd names in
//! `NOTIFY_SOCKET`. Without that variable nothing is told and nothing fails.

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::io::sys::monotonic_ns;

/// Where to tell, and how often at least.
#[derive(Debug)]
pub struct ServiceNotice {
    to: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice<'n> {
    /// Started, or done with reloading.
    Ready,
    /// Reads its configuration again.
    Reloading,
    /// About to end.
    Stopping,
    /// Still alive.
    Watchdog,
    /// One line for `systemctl status`.
    Status(&'n str),
    /// The start or the end goes on for up to so long from now, with this.
    Extend(Duration, &'n str),
}

impl ServiceNotice {
    /// What the environment names. A socket that cannot be used is an error: the manager would wait for ever.
    pub fn from_environment() -> io::Result<Self> {
        let watched = |pid: Option<String>| pid.is_none_or(|pid| pid == std::process::id().to_string());
        let text = |name: &str| std::env::var(name).ok();
        let watchdog_us = text("WATCHDOG_USEC").filter(|_| watched(text("WATCHDOG_PID")));
        Self::new(std::env::var_os("NOTIFY_SOCKET"), watchdog_us.as_deref())
    }

    fn new(socket: Option<OsString>, watchdog_us: Option<&str>) -> io::Result<Self> {
        let watchdog = watchdog_us.and_then(|text| text.parse().ok()).filter(|us| *us > 0).map(Duration::from_micros);
        let Some(name) = socket.filter(|name| !name.is_empty()) else { return Ok(Self { to: None, watchdog: None }) };
        let address = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            _ => SocketAddr::from_pathname(&name)?,
        };
        let socket = UnixDatagram::unbound()?;
        // A manager that does not read must not hold us up.
        socket.set_nonblocking(true)?;
        Ok(Self { to: Some((socket, address)), watchdog })
    }

    /// Tells it to the socket of this name.
    #[cfg(test)]
    pub fn to(socket: &std::ffi::OsStr) -> io::Result<Self> {
        Self::new(Some(socket.to_owned()), None)
    }

    /// Whether there is anybody to tell.
    pub const fn is_heard(&self) -> bool {
        self.to.is_some()
    }

    /// How often at least it must hear that we are alive; half of it is a good interval.
    pub const fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Tells it. A failure is logged: there is nobody else to tell.
    pub fn tell(&self, notice: Notice<'_>) {
        let Some((socket, address)) = &self.to else { return };
        if let Err(cause) = socket.send_to_addr(notice.text().as_bytes(), address) {
            log::warn!("cannot tell the service manager ({}): {cause}", notice.text().replace('\n', " "));
        }
    }
}

impl Notice<'_> {
    fn text(self) -> String {
        match self {
            Self::Ready => "READY=1".to_owned(),
            // systemd matches the time with its own request (sd_notify(3)).
            Self::Reloading => format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic_ns() / 1000),
            Self::Stopping => "STOPPING=1".to_owned(),
            Self::Watchdog => "WATCHDOG=1".to_owned(),
            Self::Status(line) => format!("STATUS={}", line.replace('\n', " ")),
            Self::Extend(longer, line) => {
                format!("EXTEND_TIMEOUT_USEC={}\nSTATUS={}", longer.as_micros(), line.replace('\n', " "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut text = [0; 256];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    }

    #[test]
    fn the_manager_hears_everything_by_path_and_by_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let abstract_name = format!("prober-test-{}", std::process::id());
        let abstract_address = SocketAddr::from_abstract_name(abstract_name.as_bytes()).unwrap();
        let managers = [
            (UnixDatagram::bind(&path).unwrap(), path.into_os_string()),
            (UnixDatagram::bind_addr(&abstract_address).unwrap(), format!("@{abstract_name}").into()),
        ];
        for (manager, name) in managers {
            let notice = ServiceNotice::new(Some(name), Some("30000000")).unwrap();
            assert_eq!(notice.watchdog(), Some(Duration::from_secs(30)));
            for (told, expected) in [
                (Notice::Ready, "READY=1"),
                (Notice::Stopping, "STOPPING=1"),
                (Notice::Watchdog, "WATCHDOG=1"),
                (Notice::Status("two\nlines"), "STATUS=two lines"),
                (Notice::Extend(Duration::from_secs(3), "a\nb"), "EXTEND_TIMEOUT_USEC=3000000\nSTATUS=a b"),
            ] {
                notice.tell(told);
                assert_eq!(heard(&manager), expected);
            }
            notice.tell(Notice::Reloading);
            let text = heard(&manager);
            let time = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect("both fields");
            assert!(time.parse::<u64>().unwrap() > 0);
        }
    }

    #[test]
    fn without_a_manager_nothing_is_told() {
        let notice = ServiceNotice::new(None, Some("5")).unwrap();
        notice.tell(Notice::Ready);
        assert_eq!(notice.watchdog(), None);
    }
}
