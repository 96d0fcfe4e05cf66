//! Whether new connections are held back, as with a pause or the kill switch. What is open when that begins comes to its end
//! within its time.

use tokio::sync::watch;

/// A switch, shared by whoever holds and those who ask.
#[derive(Debug)]
pub struct Hold(watch::Sender<bool>);

impl Default for Hold {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Hold {
    /// From now on connections are held back, or not.
    pub fn set(&self, is_held: bool) {
        self.0.send_replace(is_held);
    }

    /// Whether they are.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until they are not.
    pub(super) async fn released(&self) {
        // A failure would mean that the sender is gone, and it is `self`.
        let _ = self.0.subscribe().wait_for(|is_held| !is_held).await;
    }
}
