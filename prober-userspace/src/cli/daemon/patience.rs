//! Asking the service manager for patience (`EXTEND_TIMEOUT_USEC` of sd_notify(3)) while a start or an end takes long, with a
//! line that says what is under way. A thread of its own, so that neither a long query nor a slow disk keeps it quiet. What
//! makes no headway is not excused for ever: after [`HEADWAY`] without news it asks no more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::io::service_notice::{Notice, ServiceNotice};

/// How often it asks; the first time at once.
const EVERY: Duration = Duration::from_secs(10);
/// For how long each time: a few of its notices may come late or be lost.
const LONGER: Duration = Duration::from_mins(1);
/// The longest that one thing may take without a sign of headway.
const HEADWAY: Duration = Duration::from_mins(15);

/// Asks until it is dropped.
#[derive(Debug)]
pub struct Patience {
    news: Arc<Mutex<News>>,
    ends: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What was last heard.
#[derive(Debug)]
struct News {
    line: String,
    at: Instant,
}

impl Patience {
    /// `line`: what is under way. Without a service manager there is nobody to ask.
    pub fn begin(notice: &Arc<ServiceNotice>, line: &str) -> std::io::Result<Self> {
        Self::every(EVERY, notice, line)
    }

    fn every(period: Duration, notice: &Arc<ServiceNotice>, line: &str) -> std::io::Result<Self> {
        let news = Arc::new(Mutex::new(News { line: line.to_owned(), at: Instant::now() }));
        if !notice.is_heard() {
            return Ok(Self { news, ends: None, thread: None });
        }
        let (ends, end) = channel();
        let (own, notice, is_told) = (Arc::clone(&news), Arc::clone(notice), AtomicBool::new(false));
        let run = move || {
            loop {
                let (line, since) = {
                    let news = own.lock().unwrap_or_else(PoisonError::into_inner);
                    (news.line.clone(), news.at)
                };
                if since.elapsed() < HEADWAY {
                    notice.tell(Notice::Extend(LONGER, &line));
                } else if !is_told.swap(true, Ordering::Relaxed) {
                    log::error!("no headway for {} min: {line}", HEADWAY.as_secs() / 60);
                }
                match end.recv_timeout(period) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        let thread = std::thread::Builder::new().name("patience".into()).spawn(run)?;
        Ok(Self { news, ends: Some(ends), thread: Some(thread) })
    }

    /// There is headway, with this now.
    pub fn note(&self, line: &str) {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        line.clone_into(&mut news.line);
        news.at = Instant::now();
    }
}

impl Drop for Patience {
    fn drop(&mut self) {
        self.ends = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn the_manager_is_asked_again_and_again_and_hears_what_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let heard = || {
            let mut text = [0; 256];
            let length = manager.recv(&mut text).unwrap();
            String::from_utf8_lossy(&text[..length]).into_owned()
        };
        let notice = Arc::new(ServiceNotice::to(path.as_os_str()).unwrap());
        let patience = Patience::every(Duration::from_millis(1), &notice, "starting: opening").unwrap();
        assert_eq!(heard(), "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=starting: opening");
        patience.note("starting: states");
        while heard() != "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=starting: states" {}
        drop(patience);
        manager.set_nonblocking(true).unwrap();
        while manager.recv(&mut [0; 256]).is_ok() {}
        std::thread::sleep(Duration::from_millis(20));
        assert!(manager.recv(&mut [0; 256]).is_err(), "it asks no more");
    }

    #[test]
    fn without_a_manager_there_is_no_thread() {
        let notice = Arc::new(ServiceNotice::from_environment().unwrap());
        if !notice.is_heard() {
            assert!(Patience::begin(&notice, "starting").unwrap().thread.is_none());
        }
    }
}
