//! The scan's side: a thread that accepts, one thread per client, at most eight. Everything is bounded; a client that
//! is slow, silent or noisy is dropped, and the engine never waits for one.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::protocol::{ControlCommand, ControlReply, parse_command};
use super::{ControlError, LONGEST_ANSWER, LONGEST_LINE, sys, user};
use crate::io::instance::prepare_directory;

const MOST_CLIENTS: usize = 8;
/// A client that says nothing for so long is dropped.
const IDLE_LIMIT: Duration = Duration::from_mins(1);
/// A client that does not take its answer in this time is dropped.
const WRITE_LIMIT: Duration = Duration::from_secs(1);
/// How long the engine may take over a command before the client is told that it is busy; some may take longer.
const ENGINE_LIMIT: Duration = Duration::from_secs(5);
/// How often it is looked whether the client is still there meanwhile.
const LOOK: Duration = Duration::from_millis(200);
/// Commands that wait for the engine.
const QUEUE: usize = 16;

/// A command for the engine and where its answer goes. The answer's queue has room: sending never blocks.
#[derive(Debug)]
pub struct ControlEvent {
    /// What is asked for.
    pub command: ControlCommand,
    /// Who asks, as the kernel says: user and process.
    pub who: String,
    /// Where the answer goes.
    pub reply: SyncSender<ControlReply>,
    /// Gone when nobody waits for the answer any more.
    pub waits: Weak<()>,
}

/// A listening control socket; removed with this value.
#[derive(Debug)]
pub struct ControlServer {
    path: PathBuf,
    closing: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl ControlServer {
    /// Listens on `path`, for its owner only (mode 0600), replacing the socket of a dead process. The engine takes
    /// events from the receiver.
    pub fn listen(path: &Path) -> Result<(Self, Receiver<ControlEvent>), ControlError> {
        let listener = bind(path)?;
        let (events, receiver) = sync_channel(QUEUE);
        let closing = Arc::new(AtomicBool::new(false));
        let accept = {
            let closing = Arc::clone(&closing);
            move || accept(&listener, &events, &closing)
        };
        let acceptor = thread::Builder::new()
            .name("control".into())
            .spawn(accept)
            .map_err(|cause| ControlError::Io { operation: "start a thread for", path: path.into(), cause })?;
        Ok((Self { path: path.into(), closing, acceptor: Some(acceptor) }, receiver))
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        // The acceptor waits in accept(); a connection of our own wakes it.
        let woken = UnixStream::connect(&self.path).is_ok();
        if let Some(acceptor) = self.acceptor.take().filter(|_| woken) {
            let _ = acceptor.join();
        }
        let _ = fs::remove_file(&self.path);
    }
}

fn bind(path: &Path) -> Result<UnixListener, ControlError> {
    let failed = |operation| move |cause| ControlError::Io { operation, path: path.into(), cause };
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        prepare_directory(directory).map_err(failed("make the directory of"))?;
    }
    let listener = match UnixListener::bind(path) {
        Err(cause) if cause.kind() == io::ErrorKind::AddrInUse => {
            make_room(path)?;
            UnixListener::bind(path)
        }
        outcome => outcome,
    }
    .map_err(failed("listen on"))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed("protect"))?;
    Ok(listener)
}

/// Removes the socket of a dead process; a live one keeps it.
fn make_room(path: &Path) -> Result<(), ControlError> {
    let failed = |operation| move |cause| ControlError::Io { operation, path: path.into(), cause };
    if !fs::symlink_metadata(path).map_err(failed("look at"))?.file_type().is_socket() {
        return Err(ControlError::NotASocket(path.into()));
    }
    match UnixStream::connect(path) {
        Ok(stream) => {
            let pid = sys::peer(&stream).map_err(failed("look at"))?.pid;
            Err(ControlError::Taken { path: path.into(), pid })
        }
        Err(_) => fs::remove_file(path).map_err(failed("replace")),
    }
}

fn accept(listener: &UnixListener, events: &SyncSender<ControlEvent>, closing: &AtomicBool) {
    let clients = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        if closing.load(Ordering::Relaxed) {
            return;
        }
        let Ok(stream) = stream else {
            thread::sleep(WRITE_LIMIT); // out of descriptors, most likely: do not spin
            continue;
        };
        if clients.load(Ordering::Relaxed) >= MOST_CLIENTS {
            let _ = answer(&stream, &ControlReply::refused(format!("{MOST_CLIENTS} clients are connected already")));
            continue;
        }
        clients.fetch_add(1, Ordering::Relaxed);
        let (events, leaving) = (events.clone(), Arc::clone(&clients));
        let serve = move || {
            // The client went away or was dropped; either way only it is affected.
            let _ = serve(&stream, &events);
            leaving.fetch_sub(1, Ordering::Relaxed);
        };
        if thread::Builder::new().name("control-client".into()).spawn(serve).is_err() {
            clients.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Answers line after line until the client leaves, stays silent too long, or breaks a rule.
fn serve(stream: &UnixStream, events: &SyncSender<ControlEvent>) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE_LIMIT))?;
    let who = user::shown(sys::peer(stream)?);
    let mut lines = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        if (&mut lines).take(LONGEST_LINE as u64).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.last() != Some(&b'\n') && line.len() == LONGEST_LINE {
            return answer(stream, &ControlReply::refused(format!("a line is longer than {LONGEST_LINE} bytes")));
        }
        let reply = match parse_command(String::from_utf8_lossy(&line).trim()) {
            Ok(command) => ask_engine(stream, events, command, who.clone()),
            Err(reason) => ControlReply::refused(reason),
        };
        answer(stream, &reply)?;
    }
}

fn ask_engine(
    stream: &UnixStream,
    events: &SyncSender<ControlEvent>,
    command: ControlCommand,
    who: String,
) -> ControlReply {
    let (reply, answer) = sync_channel(1);
    let until = Instant::now() + ENGINE_LIMIT + command.takes();
    let waiting = Arc::new(());
    let waits = Arc::downgrade(&waiting);
    if events.try_send(ControlEvent { command, who, reply, waits }).is_err() {
        return ControlReply::refused("the scan is ending or has too many commands waiting");
    }
    loop {
        match answer.recv_timeout(LOOK.min(until.saturating_duration_since(Instant::now()))) {
            Ok(reply) => return reply,
            Err(RecvTimeoutError::Timeout) if Instant::now() < until && !sys::has_left(stream) => {}
            Err(_) => return ControlReply::refused("the scan is ending or too busy to answer"),
        }
    }
}

fn answer(mut stream: &UnixStream, reply: &ControlReply) -> io::Result<()> {
    stream.set_write_timeout(Some(WRITE_LIMIT))?;
    let mut line = serde_json::to_vec(reply)?;
    if line.len() >= LONGEST_ANSWER {
        line = serde_json::to_vec(&ControlReply::refused(format!("the answer is longer than {LONGEST_ANSWER} bytes")))?;
    }
    line.push(b'\n');
    stream.write_all(&line)
}
