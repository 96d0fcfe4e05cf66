//! Where the daemon listens for commands: on the socket of the start, and besides on those that a reload names, because
//! whoever asks looks where the configuration says.

use std::path::Path;
use std::sync::mpsc::Receiver;

use crate::io::control::{ControlError, ControlEvent, ControlServer};

/// The sockets, each with what came over it.
pub struct Listening(Vec<(ControlServer, Receiver<ControlEvent>)>);

impl Listening {
    /// Listens on one.
    pub fn on(socket: &Path) -> Result<Self, ControlError> {
        Ok(Self(vec![ControlServer::listen(socket)?]))
    }

    /// Listens on this one as well; whether it did not before.
    pub fn also_on(&mut self, socket: &Path) -> Result<bool, ControlError> {
        if self.0.iter().any(|(server, _)| server.path() == socket) {
            return Ok(false);
        }
        self.0.push(ControlServer::listen(socket)?);
        Ok(true)
    }

    /// A command that has come.
    pub fn next(&self) -> Option<ControlEvent> {
        self.0.iter().find_map(|(_, commands)| commands.try_recv().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::control::{ControlCommand, ControlReply, ask};

    #[test]
    fn whoever_asks_is_heard_on_the_old_socket_and_on_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old.sock"), folder.path().join("new.sock"));
        let mut listening = Listening::on(&old).unwrap();
        assert!(!listening.also_on(&old).unwrap() && listening.also_on(&new).unwrap());
        assert!(listening.also_on(&folder.path().join("old.sock/x.sock")).is_err());
        for socket in [old, new] {
            let asking = std::thread::spawn(move || ask(&socket, &ControlCommand::Complaints));
            let event = std::iter::repeat_with(|| {
                std::thread::yield_now();
                listening.next()
            });
            let event = event.flatten().next().expect("it goes on until there is one");
            assert_eq!(event.command, ControlCommand::Complaints);
            event.reply.send(ControlReply::Complaints { complaints: Vec::new() }).unwrap();
            assert!(matches!(asking.join().unwrap(), Ok(ControlReply::Complaints { .. })));
        }
    }
}
