//! Server and client together over real sockets in a directory of the test's own.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::{self, JoinHandle};

use super::*;
use crate::model::status::StatusSample;

/// An engine that answers everything but `resume`, until the server is gone.
fn engine(events: std::sync::mpsc::Receiver<ControlEvent>) -> JoinHandle<Vec<ControlCommand>> {
    thread::spawn(move || {
        let mut seen = Vec::new();
        for event in events {
            seen.push(event.command.clone());
            let reply = match event.command {
                ControlCommand::Resume => ControlReply::refused("not paused"),
                ControlCommand::Rate { pps } => {
                    ControlReply::Done(StatusSample { target_pps: pps, ..StatusSample::default() })
                }
                _ => ControlReply::Done(StatusSample::default()),
            };
            event.reply.send(reply).unwrap();
        }
        seen
    })
}

fn started() -> (tempfile::TempDir, ControlServer, JoinHandle<Vec<ControlCommand>>) {
    let directory = tempfile::tempdir().unwrap();
    let (server, events) = ControlServer::listen(&directory.path().join("eth0.sock")).unwrap();
    (directory, server, engine(events))
}

#[test]
fn commands_reach_the_engine_and_answers_come_back() {
    let (directory, server, engine) = started();
    let path = client::find_in(directory.path(), None).unwrap();
    assert_eq!(path, server.path());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let rate = ControlCommand::Rate { pps: 1500.0 };
    let Standing::Scan(sample) = send(&path, &rate).unwrap() else { panic!("a scan answers as one") };
    assert!((sample.target_pps - 1500.0).abs() < f64::EPSILON);
    send(&path, &ControlCommand::Pause).unwrap();
    let refusal = send(&path, &ControlCommand::Resume).unwrap_err();
    assert_eq!(refusal.to_string(), "refused: not paused");
    drop(server);
    assert_eq!(engine.join().unwrap(), [rate, ControlCommand::Pause, ControlCommand::Resume]);
    assert!(!path.exists());
    assert!(matches!(send(&path, &ControlCommand::Status), Err(ControlError::Nobody(_))));
}

#[test]
fn a_live_socket_is_respected_and_a_dead_one_replaced() {
    let (_directory, server, _engine) = started();
    let path = server.path().to_owned();
    let message = ControlServer::listen(&path).unwrap_err().to_string();
    assert!(message.starts_with(&format!("another prober runs on this interface (pid {})", std::process::id())));
    drop(server);
    drop(UnixListener::bind(&path).unwrap()); // leaves its file behind, like a killed process
    assert!(path.exists());
    ControlServer::listen(&path).unwrap();
    std::fs::write(&path, "not a socket").unwrap();
    assert!(matches!(ControlServer::listen(&path), Err(ControlError::NotASocket(_))));
}

#[test]
fn rule_breakers_are_told_and_dropped() {
    let (_directory, server, _engine) = started();
    let mut noisy = UnixStream::connect(server.path()).unwrap();
    noisy.write_all(&vec![b'x'; LONGEST_LINE]).unwrap();
    let mut answer = String::new();
    noisy.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "{\"reply\":\"refused\",\"reason\":\"a line is longer than 262144 bytes\"}\n");

    let mut confused = UnixStream::connect(server.path()).unwrap();
    confused.write_all(b"hello\n{\"command\":\"status\"}\n").unwrap();
    confused.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answers = String::new();
    confused.read_to_string(&mut answers).unwrap();
    let answers: Vec<_> = answers.lines().collect();
    assert!(answers[0].starts_with("{\"reply\":\"refused\",\"reason\":\"not a command: "), "{answers:?}");
    assert!(answers[1].starts_with("{\"reply\":\"done\""), "{answers:?}");
}

#[test]
fn a_ninth_client_is_refused() {
    let (_directory, server, _engine) = started();
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = UnixStream::connect(server.path()).unwrap();
        client.write_all(b"{\"command\":\"status\"}\n").unwrap();
        let mut first = [0];
        client.read_exact(&mut first).unwrap(); // it is being served
        clients.push(client);
    }
    let ninth = send(server.path(), &ControlCommand::Status).unwrap_err();
    assert_eq!(ninth.to_string(), "refused: 8 clients are connected already");
}

#[test]
fn no_socket_and_several_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(client::find_in(directory.path(), None), Err(ControlError::NoneRunning)));
    let _one = ControlServer::listen(&directory.path().join("a.sock")).unwrap();
    let _two = ControlServer::listen(&directory.path().join("b.sock")).unwrap();
    let message = client::find_in(directory.path(), None).unwrap_err().to_string();
    assert!(message.contains("a.sock, ") && message.contains("b.sock"), "{message}");
}

#[test]
fn where_it_cannot_be_told_who_runs_that_is_said() {
    let directory = tempfile::tempdir().unwrap();
    // The tests may read everything; what is no folder nobody can read as one.
    let no_folder = directory.path().join("file");
    std::fs::write(&no_folder, "").unwrap();
    let message = client::find_in(&no_folder, None).unwrap_err().to_string();
    assert!(message.contains("file: Not a directory") && message.contains("--socket"), "{message}");
    assert!(matches!(client::find_in(&directory.path().join("gone"), None), Err(ControlError::NoneRunning)));
    let circle = directory.path().join("circle.sock");
    std::os::unix::fs::symlink(&circle, &circle).unwrap();
    let message = client::find_in(directory.path(), None).unwrap_err().to_string();
    assert!(message.contains("circle.sock: Too many levels"), "{message}");
    // Whoever is found is who was meant, also beside the default place.
    let elsewhere = tempfile::tempdir().unwrap();
    let (own, _events) = ControlServer::listen(&elsewhere.path().join("own.socket")).unwrap();
    assert_eq!(client::find_in(directory.path(), Some(own.path().to_owned())).unwrap(), own.path());
}

#[test]
fn who_leaves_is_waited_for_by_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let (server, events) = ControlServer::listen(&directory.path().join("eth0.sock")).unwrap();
    let mut client = UnixStream::connect(server.path()).unwrap();
    client.write_all(b"{\"command\":\"complaints\"}\n").unwrap();
    // What it has no more to say does not mean that it has left.
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let event = events.recv().unwrap();
    assert_eq!(event.waits.strong_count(), 1);
    drop(client);
    while event.waits.strong_count() > 0 {
        thread::yield_now();
    }
}
