//! Starts a program for each connection, with the connection as its input and output: `telnetd` knows no other way.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    process::{Child, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{namespace::Namespace, sys};

/// Connections served at the same time; more are closed at once.
const CLIENTS: usize = 32;

/// A listener; it stops when dropped, and its programs with it.
pub struct Inetd {
    thread: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

impl Inetd {
    /// Listens on a port of every address in `namespace`.
    pub fn start(namespace: &Namespace, port: u16, program: &'static str, arguments: Vec<String>) -> Result<Self> {
        let listener = namespace
            .run(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)))?
            .with_context(|| format!("cannot listen on port {port} in {}", namespace.name()))?;
        listener.set_nonblocking(true)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, inside) = (Arc::clone(&stop), namespace.path());
        let serve = move || {
            if let Err(error) = sys::enter_network_namespace(&inside) {
                log::error!("cannot enter {}: {error}", inside.display());
                return;
            }
            let mut clients: Vec<Child> = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                clients.retain_mut(|client| matches!(client.try_wait(), Ok(None)));
                match listener.accept() {
                    Ok((connection, _)) if clients.len() < CLIENTS => {
                        clients.extend(attach(&connection, program, &arguments));
                    }
                    Ok(_) => {}
                    Err(_) => thread::sleep(Duration::from_millis(20)),
                }
            }
            for mut client in clients {
                let _ = client.kill();
                let _ = client.wait();
            }
        };
        let thread = thread::Builder::new().name(format!("inetd-{port}")).spawn(serve)?;
        Ok(Self { thread: Some(thread), stop })
    }
}

fn attach(connection: &TcpStream, program: &str, arguments: &[String]) -> Option<Child> {
    connection.set_nonblocking(false).ok()?;
    let copy = || connection.try_clone().ok().map(OwnedFd::from);
    let (input, output, errors) = (copy()?, copy()?, copy()?);
    match Command::new(program).args(arguments).stdin(input).stdout(output).stderr(errors).spawn() {
        Ok(child) => Some(child),
        Err(error) => {
            log::warn!("cannot start {program}: {error}");
            None
        }
    }
}

impl Drop for Inetd {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
