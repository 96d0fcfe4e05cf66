//! A conversation on a real stream or socket: carries out the steps of the pure half, within limits of time and bytes.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::meter::LimitReached;
use super::recognise::recognise;
use super::speak;
use super::talk::{Peer, Step, TURNS, Talk};
use crate::model::banner::{BannerProtocol, Transport};

/// What one conversation may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For the connection to come about.
    pub connect: Duration,
    /// For the first word of a server that speaks first.
    pub listen: Duration,
    /// A pause this long after its words is their end.
    pub quiet: Duration,
    /// For everything on one connection.
    pub conversation: Duration,
    /// For all connections to one host together; after half of it, each port gets one attempt only.
    pub host: Duration,
    /// Bytes received on one connection.
    pub bytes: usize,
}

impl Limits {
    /// Everything scales with the patience for one connection.
    pub fn new(patience: Duration) -> Self {
        Self {
            connect: patience,
            listen: patience.min(Duration::from_secs(3)),
            quiet: patience.min(Duration::from_millis(1500)),
            conversation: patience,
            host: patience * 16,
            bytes: 160 << 10,
        }
    }
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Enough was heard.
    Done,
    /// It was another protocol.
    Foreign,
    /// The other side made a pause.
    Quiet,
    /// The other side closed first.
    Closed,
    /// The other side reset the connection.
    Reset,
    /// Time was up.
    Timeout,
    /// More bytes than allowed.
    TooMuch,
    /// We were told to stop.
    Interrupted,
}

/// Converses; what was heard is in `talk`. Gives the protocol, which the first words may have changed.
pub async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    expected: BannerProtocol,
    talk: &mut Talk,
    peer: &Peer,
    limits: &Limits,
) -> (BannerProtocol, Ending) {
    let started = Instant::now();
    let deadline = started + limits.conversation;
    let mut protocol = expected;
    loop {
        if talk.turn == 0 && !talk.received.is_empty() {
            protocol = adopt(protocol, talk, peer);
        }
        let step = if talk.turn >= TURNS { Step::Done } else { speak::step(protocol, talk, peer, Transport::Tcp) };
        match step {
            Step::Done => return (protocol, Ending::Done),
            Step::Foreign => return (protocol, Ending::Foreign),
            Step::Last(words) => {
                // Leave-taking: nobody waits for an answer, and failing to say it changes nothing.
                let _ = timeout_at(deadline, say(stream, &words)).await;
                return (protocol, Ending::Done);
            }
            Step::Say(words) => match timeout_at(deadline, say(stream, &words)).await {
                Ok(Ok(())) => talk.turn += 1,
                // What it said before it went away may still be there to read.
                Ok(Err(_)) if !talk.ended => talk.turn += 1,
                Ok(Err(error)) => return (protocol, ending_of(&error)),
                Err(_) => return (protocol, Ending::Timeout),
            },
            Step::More if talk.ended => return (protocol, Ending::Closed),
            Step::More if talk.received.len() >= limits.bytes => return (protocol, Ending::TooMuch),
            Step::More => {
                let (until, otherwise) = patience(protocol, talk, limits, started, deadline);
                match timeout_at(until, hear(stream, talk, limits.bytes)).await {
                    Ok(Ok(0)) => talk.ended = true,
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => return (protocol, ending_of(&error)),
                    Err(_) => return (protocol, otherwise),
                }
            }
        }
    }
}

/// Until when to listen, and what it means if nothing comes.
fn patience(
    protocol: BannerProtocol,
    talk: &Talk,
    limits: &Limits,
    started: Instant,
    deadline: Instant,
) -> (Instant, Ending) {
    let earlier = |until: Instant, ending| if until < deadline { (until, ending) } else { (deadline, Ending::Timeout) };
    if !speak::server_first(protocol) {
        (deadline, Ending::Timeout)
    } else if talk.received.is_empty() {
        earlier(started + limits.listen, Ending::Timeout)
    } else {
        earlier(Instant::now() + limits.quiet, Ending::Quiet)
    }
}

/// Whoever speaks first may speak another protocol than expected; go on in that one.
fn adopt(expected: BannerProtocol, talk: &mut Talk, peer: &Peer) -> BannerProtocol {
    match recognise(&talk.received, peer.port) {
        Some(other) if other != expected => {
            if !speak::server_first(other) {
                // It has answered what nobody asked; do not ask as well.
                talk.turn = 1;
            }
            other
        }
        _ => expected,
    }
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, words: &[u8]) -> io::Result<()> {
    stream.write_all(words).await?;
    stream.flush().await
}

async fn hear<S: AsyncRead + Unpin>(stream: &mut S, talk: &mut Talk, most: usize) -> io::Result<usize> {
    talk.received.reserve_exact(4096);
    let read = stream.read_buf(&mut talk.received).await?;
    talk.received.truncate(most);
    Ok(read)
}

/// What an error of a stream says about the other side.
pub fn ending_of(error: &io::Error) -> Ending {
    if error.get_ref().and_then(|inner| inner.downcast_ref::<LimitReached>()).is_some() {
        return Ending::TooMuch;
    }
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => Ending::Reset,
        io::ErrorKind::TimedOut => Ending::Timeout,
        _ => Ending::Closed,
    }
}

/// Longest datagram that is taken.
const DATAGRAM_BYTES: usize = 16 << 10;

/// Bytes received and sent with datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exchanged {
    /// Bytes received.
    pub received: u32,
    /// Bytes sent.
    pub sent: u32,
    /// Datagrams received.
    pub datagrams_received: u64,
    /// Datagrams sent.
    pub datagrams_sent: u64,
}

/// Converses by datagrams on a connected socket; what is not answered is said once more.
pub async fn converse_by_datagrams(
    socket: &UdpSocket,
    protocol: BannerProtocol,
    talk: &mut Talk,
    peer: &Peer,
    limits: &Limits,
    exchanged: &mut Exchanged,
) -> io::Result<Ending> {
    let deadline = Instant::now() + limits.conversation;
    let mut buffer = vec![0; DATAGRAM_BYTES];
    loop {
        let step = if talk.turn >= TURNS { Step::Done } else { speak::step(protocol, talk, peer, Transport::Udp) };
        let words = match step {
            Step::Say(words) => words,
            Step::Foreign => return Ok(Ending::Foreign),
            Step::Done | Step::Last(_) => return Ok(Ending::Done),
            Step::More if talk.received.len() >= limits.bytes => return Ok(Ending::TooMuch),
            Step::More => return Ok(Ending::Timeout),
        };
        talk.turn += 1;
        let mut heard = None;
        for until in [Instant::now() + limits.conversation / 3, deadline] {
            socket.send(&words).await?;
            exchanged.sent += words.len() as u32;
            exchanged.datagrams_sent += 1;
            match timeout_at(until.min(deadline), socket.recv(&mut buffer)).await {
                Ok(Ok(length)) => {
                    heard = Some(length);
                    break;
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => {}
            }
        }
        let Some(length) = heard else { return Ok(Ending::Timeout) };
        exchanged.received += length as u32;
        exchanged.datagrams_received += 1;
        talk.received.extend(&buffer[..length]);
        talk.received.truncate(limits.bytes);
    }
}
