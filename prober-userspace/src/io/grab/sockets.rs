//! Opening sockets when this host may run out of them: whoever finds none to be had waits until connections end, and the
//! target is not lost. One asks again at a time, so that a crowd does not fight for each file that becomes free.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::{TcpSocket, UdpSocket};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

/// Pause before asking the kernel again.
const PAUSE: Duration = Duration::from_millis(50);
/// How long anybody waits for a socket: connections end much earlier, so others hold the files, and for good.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where sockets come from.
#[derive(Debug)]
pub struct Sockets {
    patience: Duration,
    turn: Mutex<()>,
    is_told: AtomicBool,
}

impl Default for Sockets {
    fn default() -> Self {
        Self { patience: PATIENCE, turn: Mutex::default(), is_told: AtomicBool::default() }
    }
}

impl Sockets {
    /// One for TCP.
    pub async fn tcp(&self) -> io::Result<TcpSocket> {
        self.open(TcpSocket::new_v4).await
    }

    /// One for UDP, of any port.
    pub async fn udp(&self) -> io::Result<UdpSocket> {
        self.open(|| {
            let socket = std::net::UdpSocket::bind(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))?;
            socket.set_nonblocking(true)?;
            UdpSocket::from_std(socket)
        })
        .await
    }

    async fn open<S>(&self, open: impl Fn() -> io::Result<S>) -> io::Result<S> {
        let begun = match open() {
            Err(error) if is_scarcity(&error) => {
                if !self.is_told.swap(true, Ordering::Relaxed) {
                    log::warn!("no socket to be had ({error}): waiting for some; fewer hosts at a time need fewer");
                }
                Instant::now()
            }
            outcome => return outcome,
        };
        let _turn = self.turn.lock().await;
        loop {
            match open() {
                Err(error) if is_scarcity(&error) && begun.elapsed() < self.patience => sleep(PAUSE).await,
                outcome => return outcome,
            }
        }
    }
}

/// Whether it may be better soon: files of this process, files of this host, memory for buffers.
fn is_scarcity(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn scarcity_is_waited_out_and_other_errors_are_not() {
        let (sockets, asked) = (Sockets::default(), AtomicU32::new(0));
        let soon = || match asked.fetch_add(1, Ordering::Relaxed) {
            0..3 => Err(io::Error::from_raw_os_error(libc::EMFILE)),
            asked => Ok(asked),
        };
        assert_eq!(run(sockets.open(soon)).unwrap(), 3);
        let barred = || Err::<(), _>(io::Error::from_raw_os_error(libc::EPERM));
        assert_eq!(run(sockets.open(barred)).unwrap_err().raw_os_error(), Some(libc::EPERM));
        let sockets = Sockets { patience: Duration::ZERO, ..sockets };
        let never = || Err::<(), _>(io::Error::from_raw_os_error(libc::ENFILE));
        assert_eq!(run(sockets.open(never)).unwrap_err().raw_os_error(), Some(libc::ENFILE));
    }
}
