//! One attempt at one target: open a connection - the last place where exclusions and printer ports are checked -, converse,
//! and put what was heard into a banner.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prober_common::address::V4;
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::time::{Instant, timeout};

use super::conversation::{Ending, Exchanged, Limits, converse, converse_by_datagrams};
use super::http;
use super::meter::Meter;
use super::packets::Packets;
use super::recognise::recognise;
use super::service::{Attempt, is_printer};
use super::speak;
use super::stop::Stop;
use super::talk::{Peer, Reading, Talk};
use super::tls::Handshakes;
use crate::model::banner::{Banner, BannerProtocol, GrabOutcome, TEXT_BYTES, Transport};
use crate::model::utc::UtcMicros;
use crate::target::shared_exclusions::SharedExclusions;

/// Who may be connected to, checked at the last moment.
#[derive(Debug)]
pub struct Gate {
    exclusions: Arc<SharedExclusions>,
    turned_away: AtomicU64,
}

impl Gate {
    /// Lets everybody through but these and the printers.
    pub fn new(exclusions: Arc<SharedExclusions>) -> Self {
        Self { exclusions, turned_away: AtomicU64::new(0) }
    }

    /// Whether a connection may be opened; counts if not.
    pub fn lets_through(&self, address: V4, port: u16) -> bool {
        let barred = is_printer(port) || self.exclusions.contains(address);
        if barred {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
        }
        !barred
    }

    /// How often it did not let through; 0 if the plan was right.
    pub fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }
}

/// What every attempt needs.
#[derive(Clone, Copy)]
pub struct Means<'m> {
    /// The end that may come from outside.
    pub stop: &'m Stop,
    /// The last check.
    pub gate: &'m Gate,
    /// For TLS.
    pub handshakes: &'m Handshakes,
    /// What it costs.
    pub packets: &'m Packets,
    /// What it may cost.
    pub limits: &'m Limits,
    /// How to reach whoever asks.
    pub contact: &'m str,
}

/// What an attempt gave.
#[derive(Debug)]
pub enum Tried {
    /// Not let through; nothing was sent.
    Barred,
    /// This host could not open a socket: nothing is known of the target.
    Failed(io::Error),
    /// The stop came before there was a connection.
    Interrupted,
    /// No connection came about.
    NoConnection(GrabOutcome),
    /// What was heard, the most telling banner last, and what to try because of it.
    Heard(Vec<Heard>, Option<Attempt>),
}

/// A banner before it is known when it was grabbed.
#[derive(Debug)]
pub struct Heard {
    /// In which protocol.
    pub protocol: BannerProtocol,
    /// How it went.
    pub outcome: GrabOutcome,
    /// Whether there was more.
    pub truncated: bool,
    /// In words.
    pub text: Vec<u8>,
    /// Bytes received and sent.
    pub bytes: (u32, u32),
}

impl Heard {
    /// From the words and the way it ended.
    fn new(reading: Reading, ending: Ending, heard_anything: bool, bytes: (u32, u32)) -> Self {
        let Reading { protocol, mut text, cut, broken } = reading;
        let outcome = match ending {
            Ending::Interrupted => GrabOutcome::Interrupted,
            _ if !heard_anything && matches!(ending, Ending::Timeout | Ending::Quiet) => GrabOutcome::Silent,
            _ if broken => GrabOutcome::Malformed,
            Ending::TooMuch => GrabOutcome::TooMuch,
            _ if cut => GrabOutcome::TooMuch,
            Ending::Done | Ending::Foreign | Ending::Quiet => GrabOutcome::Answered,
            Ending::Closed => GrabOutcome::Closed,
            Ending::Reset => GrabOutcome::Reset,
            Ending::Timeout => GrabOutcome::Timeout,
        };
        let incomplete =
            matches!(ending, Ending::TooMuch | Ending::Closed | Ending::Reset | Ending::Timeout | Ending::Interrupted);
        let truncated = cut || text.len() > TEXT_BYTES || incomplete && heard_anything;
        text.truncate(TEXT_BYTES);
        Self { protocol, outcome, truncated, text, bytes }
    }

    /// As it is stored.
    pub fn banner(self, address: V4, transport: Transport, port: u16, grabbed_at: UtcMicros) -> Banner {
        let Self { protocol, outcome, truncated, text, bytes: (received_bytes, sent_bytes) } = self;
        Banner {
            address,
            port,
            transport,
            protocol,
            outcome,
            truncated,
            text,
            grabbed_at,
            duration_us: 0,
            received_bytes,
            sent_bytes,
            connections: 0,
        }
    }
}

/// Tries once over TCP.
pub async fn over_tcp(means: Means<'_>, socket: TcpSocket, address: V4, port: u16, attempt: Attempt) -> Tried {
    if !means.gate.lets_through(address, port) {
        return Tried::Barred;
    }
    let to = SocketAddrV4::new(Ipv4Addr::from(address), port);
    let connecting = timeout(means.limits.connect, socket.connect(SocketAddr::V4(to)));
    let Some(connected) = means.stop.unless(connecting).await else {
        means.packets.add(1, 0);
        return Tried::Interrupted;
    };
    let stream = match connected {
        Err(_) => {
            means.packets.add(1, 0);
            return Tried::NoConnection(GrabOutcome::Timeout);
        }
        Ok(Err(error)) => {
            let tried = refused(error);
            means.packets.add(1, u64::from(matches!(tried, Tried::NoConnection(_))));
            return tried;
        }
        Ok(Ok(stream)) => stream,
    };
    let _counting = means.packets.of(&stream);
    // A system call that only two protocols need.
    let names_us = matches!(attempt, Attempt::Ask(protocol) | Attempt::Tls(protocol) if says_our_address(protocol));
    let local = if names_us { local_address(&stream.local_addr()) } else { V4(0) };
    let peer = Peer { address, port, local, contact: means.contact.to_owned(), under_tls: false };
    let stream = Meter::new(stream, means.limits.bytes as u64);
    match attempt {
        Attempt::Ask(protocol) => ask(means, stream, protocol, &peer).await,
        Attempt::OldTls => ask(means, stream, BannerProtocol::Tls, &peer).await,
        Attempt::Tls(inner) => under_tls(means, stream, inner, peer).await,
    }
}

const fn says_our_address(protocol: BannerProtocol) -> bool {
    matches!(protocol, BannerProtocol::Sip | BannerProtocol::Fox)
}

fn local_address(local: &io::Result<SocketAddr>) -> V4 {
    match local {
        Ok(SocketAddr::V4(local)) => V4::from(*local.ip()),
        _ => V4(0),
    }
}

/// Whose fault it is that there is no connection.
fn refused(error: io::Error) -> Tried {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Tried::NoConnection(GrabOutcome::Refused),
        // It took the connection, and regretted it before we knew.
        io::ErrorKind::ConnectionReset => Tried::NoConnection(GrabOutcome::Reset),
        io::ErrorKind::TimedOut => Tried::NoConnection(GrabOutcome::Timeout),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Tried::NoConnection(GrabOutcome::Unreachable)
        }
        _ => Tried::Failed(error),
    }
}

async fn ask(means: Means<'_>, mut stream: Meter<TcpStream>, expected: BannerProtocol, peer: &Peer) -> Tried {
    let mut talk = Talk::default();
    let said = means.stop.unless(converse(&mut stream, expected, &mut talk, peer, means.limits)).await;
    let (protocol, ending) = said.unwrap_or_else(|| interrupted(&talk, expected, peer));
    let (heard, next) = told(protocol, expected, ending, &talk, peer, stream.counts());
    Tried::Heard(vec![heard], next)
}

/// In which protocol a conversation was when the stop came.
fn interrupted(talk: &Talk, expected: BannerProtocol, peer: &Peer) -> (BannerProtocol, Ending) {
    (recognise(&talk.received, peer.port).unwrap_or(expected), Ending::Interrupted)
}

/// What was heard in words, and what to try because of it.
fn told(
    protocol: BannerProtocol,
    expected: BannerProtocol,
    ending: Ending,
    talk: &Talk,
    peer: &Peer,
    bytes: (u32, u32),
) -> (Heard, Option<Attempt>) {
    let mut reading = speak::read(protocol, &talk.received, peer);
    let next = match reading.protocol {
        _ if peer.under_tls => None,
        BannerProtocol::Tls if expected != BannerProtocol::Tls => Some(Attempt::Tls(BannerProtocol::Http)),
        BannerProtocol::Http if http::wants_tls(&talk.received) => Some(Attempt::Tls(BannerProtocol::Http)),
        // It gave itself away while it was asked something else.
        other @ (BannerProtocol::Ssh | BannerProtocol::Rtsp | BannerProtocol::Http) if other != protocol => {
            Some(Attempt::Ask(other))
        }
        _ => None,
    };
    if talk.received.is_empty() {
        reading.protocol = expected;
    }
    (Heard::new(reading, ending, !talk.received.is_empty(), bytes), next)
}

async fn under_tls(means: Means<'_>, stream: Meter<TcpStream>, inner: BannerProtocol, mut peer: Peer) -> Tried {
    let deadline = Instant::now() + means.limits.conversation;
    let shaking = means.handshakes.shake(stream, Ipv4Addr::from(peer.address), deadline);
    let Some(shaken) = means.stop.unless(shaking).await else { return Tried::Interrupted };
    let Some(mut stream) = shaken.stream else {
        let bytes = shaken.bare.as_ref().map_or((0, 0), Meter::counts);
        let next = shaken.too_old.then_some(Attempt::OldTls);
        // A word that is not TLS's was heard if it was foreign.
        let anything = shaken.reading.is_some() || bytes.0 > 0;
        let foreign = shaken.reading.is_none() && anything;
        let protocol = if foreign { BannerProtocol::Unknown } else { BannerProtocol::Tls };
        let reading = shaken.reading.unwrap_or_else(|| Reading::of(protocol, Vec::new()));
        let mut heard = Heard::new(reading, shaken.ending, anything, bytes);
        if foreign && heard.outcome == GrabOutcome::Answered {
            heard.outcome = GrabOutcome::Malformed;
        }
        return Tried::Heard(vec![heard], next);
    };
    peer.under_tls = true;
    let reading = shaken.reading.unwrap_or_else(|| Reading::of(BannerProtocol::Tls, Vec::new()));
    let mut certificate = Heard::new(reading, Ending::Done, true, stream.get_ref().0.counts());
    let mut talk = Talk::default();
    let said = means.stop.unless(converse(&mut stream, inner, &mut talk, &peer, means.limits)).await;
    let (protocol, ending) = said.unwrap_or_else(|| interrupted(&talk, inner, &peer));
    let all = stream.get_ref().0.counts();
    let bytes = (all.0.saturating_sub(certificate.bytes.0), all.1.saturating_sub(certificate.bytes.1));
    if talk.received.is_empty() {
        // The certificate is all that there was to be had.
        certificate.outcome =
            if ending == Ending::Interrupted { GrabOutcome::Interrupted } else { certificate.outcome };
        return Tried::Heard(vec![certificate], None);
    }
    let (said, _) = told(protocol, inner, ending, &talk, &peer, bytes);
    Tried::Heard(vec![certificate, said], None)
}

/// Tries once over UDP.
pub async fn over_udp(means: Means<'_>, socket: UdpSocket, address: V4, port: u16, protocol: BannerProtocol) -> Tried {
    if !means.gate.lets_through(address, port) {
        return Tried::Barred;
    }
    if let Err(error) = socket.connect((Ipv4Addr::from(address), port)).await {
        return refused(error);
    }
    let local = local_address(&socket.local_addr());
    let peer = Peer { address, port, local, contact: means.contact.to_owned(), under_tls: false };
    let (mut talk, mut exchanged) = (Talk::default(), Exchanged::default());
    let conversation = converse_by_datagrams(&socket, protocol, &mut talk, &peer, means.limits, &mut exchanged);
    let ending = means.stop.unless(conversation).await.unwrap_or(Ok(Ending::Interrupted));
    means.packets.add(exchanged.datagrams_sent, exchanged.datagrams_received);
    let ending = match ending {
        Ok(ending) => ending,
        Err(error) if talk.received.is_empty() => return refused(error),
        Err(_) => Ending::Closed,
    };
    let (heard, _) = told(protocol, protocol, ending, &talk, &peer, (exchanged.received, exchanged.sent));
    Tried::Heard(vec![heard], None)
}
