//! TLS without trust: the handshake is carried through, whatever the certificate says, and the certificate is read. What
//! is said under it is no secret of ours or theirs: the same questions that are asked in the clear.

use std::fmt::Write;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, InvalidMessage, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificate::{CERTIFICATE_BYTES, describe};
use super::conversation::{Ending, ending_of};
use super::talk::Reading;
use super::tls_hello::version_name;
use crate::model::banner::BannerProtocol;

/// Shakes hands with anyone.
#[derive(Clone)]
pub struct Handshakes {
    config: ClientConfig,
}

/// A handshake that was tried.
pub struct Handshake<S> {
    /// Version, cipher and certificate, as far as they came; `None` if nothing of TLS was heard.
    pub reading: Option<Reading>,
    /// How it ended: `Done` with a stream, `Foreign` if the other side does not speak TLS.
    pub ending: Ending,
    /// The stream under TLS.
    pub stream: Option<TlsStream<S>>,
    /// The bare stream if there is none under TLS.
    pub bare: Option<S>,
    /// Whether the other side speaks TLS, but none that we do: an older handshake may read its certificate.
    pub too_old: bool,
}

impl Handshakes {
    /// TLS 1.2 and 1.3, nothing remembered from one connection to the next.
    pub fn new() -> Self {
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Seen::default()))
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        config.enable_sni = false;
        Self { config }
    }

    /// Shakes hands, until `deadline` at the latest.
    pub async fn shake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        address: Ipv4Addr,
        deadline: Instant,
    ) -> Handshake<S> {
        let seen = Arc::new(Seen::default());
        let mut config = self.config.clone();
        config.dangerous().set_certificate_verifier(Arc::clone(&seen) as Arc<dyn ServerCertVerifier>);
        let mut connecting =
            TlsConnector::from(Arc::new(config)).connect(ServerName::IpAddress(address.into()), stream).into_fallible();
        let outcome = timeout_at(deadline, &mut connecting).await;
        let certificate = || seen.certificate.lock().unwrap_or_else(PoisonError::into_inner).take();
        match outcome {
            Ok(Ok(stream)) => {
                let reading = reading(Some(&stream), certificate());
                Handshake {
                    reading: Some(reading),
                    ending: Ending::Done,
                    stream: Some(stream),
                    bare: None,
                    too_old: false,
                }
            }
            Ok(Err((error, bare))) => {
                let (ending, words, too_old) = judge(&error);
                let certificate = certificate();
                let said = words.is_some() || certificate.is_some();
                let mut reading = reading::<S>(None, certificate);
                reading.broken |= ending == Ending::Done;
                reading.text.extend(words.unwrap_or_default().into_bytes());
                Handshake { reading: said.then_some(reading), ending, stream: None, bare: Some(bare), too_old }
            }
            Err(_) => {
                let certificate = certificate();
                let reading = certificate.is_some().then(|| reading::<S>(None, certificate));
                Handshake { reading, ending: Ending::Timeout, stream: None, bare: None, too_old: false }
            }
        }
    }
}

/// What a failed handshake means, what is to be written down, and whether the other side is too old for it. `Done` says
/// that it speaks TLS and breaks its rules.
fn judge(error: &io::Error) -> (Ending, Option<String>, bool) {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return (ending_of(error), None, false);
    };
    match error {
        Error::AlertReceived(alert) => (Ending::Foreign, Some(format!("alert: {}\n", u8::from(*alert))), true),
        Error::PeerIncompatible(_) => (Ending::Foreign, None, true),
        Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            (Ending::Foreign, None, false)
        }
        Error::InvalidMessage(
            InvalidMessage::HandshakePayloadTooLarge
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::CertificatePayloadTooLarge,
        ) => (Ending::TooMuch, Some("error: message too large\n".into()), false),
        _ => (Ending::Done, Some(format!("error: {error}\n")), false),
    }
}

fn reading<S>(stream: Option<&TlsStream<S>>, certificate: Option<Certificate>) -> Reading {
    let mut reading = Reading::of(BannerProtocol::Tls, Vec::new());
    let mut text = String::new();
    if let Some(stream) = stream {
        let (_, session) = stream.get_ref();
        let version = session.protocol_version().map_or("unknown", |version| version_name(version.into()));
        let _ = writeln!(text, "version: {version}");
        if let Some(suite) = session.negotiated_cipher_suite() {
            let _ = writeln!(text, "cipher: {:?}", suite.suite());
        }
    }
    if let Some(certificate) = certificate {
        let (lines, whole) = describe(&certificate.bytes);
        text.push_str(&lines);
        reading.cut = certificate.cut;
        reading.broken = !whole;
    }
    reading.text = text.into_bytes();
    reading
}

struct Certificate {
    bytes: Vec<u8>,
    cut: bool,
}

/// Keeps the certificate and believes everything: nothing is decided by it.
#[derive(Default)]
struct Seen {
    certificate: Mutex<Option<Certificate>>,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Seen")
    }
}

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let cut = end_entity.len() > CERTIFICATE_BYTES;
        let bytes = end_entity[..end_entity.len().min(CERTIFICATE_BYTES)].to_vec();
        *self.certificate.lock().unwrap_or_else(PoisonError::into_inner) = Some(Certificate { bytes, cut });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ECDSA_NISTP521_SHA512,
            SignatureScheme::ED25519,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA512,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
            SignatureScheme::RSA_PKCS1_SHA1,
            SignatureScheme::ECDSA_SHA1_Legacy,
        ]
    }
}
