//! The end that comes from outside, as with Ctrl-C: whoever waits for something is woken, and what was heard until then is
//! kept.

use std::future::Future;

use tokio::sync::watch;

/// Whether all is to come to an end; once it is, it stays so.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// Not yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Now.
    pub fn set(&self) {
        self.0.send_replace(true);
    }

    /// Whether it has come.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// What `future` gives; `None` if the stop comes before, and then `future` is dropped.
    pub async fn unless<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut news = self.0.subscribe();
        tokio::select! {
            // A failure would mean that the sender is gone, and it is `self`.
            _ = news.wait_for(|is_set| *is_set) => None,
            out = future => Some(out),
        }
    }
}
