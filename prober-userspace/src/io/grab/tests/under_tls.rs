//! Services under TLS, on ports that do not say so: found, their certificate read, and asked under it. The certificate and
//! its key were made for this test and are used nowhere else.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{address, config, grab};
use crate::io::grab::HostWork;
use crate::model::banner::{BannerProtocol, GrabOutcome, Transport};
use crate::target::exclusions::Exclusions;

const CERTIFICATE: &[u8] = include_bytes!("camera.crt.der");
const KEY: &[u8] = include_bytes!("camera.key.der");

fn acceptor(certificate: Vec<u8>, versions: &[&'static rustls::SupportedProtocolVersion]) -> TlsAcceptor {
    let key = PrivatePkcs8KeyDer::from(KEY).clone_key();
    let provider = Arc::new(default_provider());
    let signing = provider.key_provider.load_private_key(key.into()).unwrap();
    let certified = rustls::sign::CertifiedKey::new(vec![CertificateDer::from(certificate)], signing);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
    config.send_tls13_tickets = 2;
    TlsAcceptor::from(Arc::new(config))
}

/// Starts a page under TLS; the runtime keeps it up.
fn start(last: u8, acceptor: TlsAcceptor) -> (tokio::runtime::Runtime, Vec<HostWork>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::new(127, 0, 77, last), 0))).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 512];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nServer: camera\r\n\r\n<title>Live</title>").await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (runtime, vec![HostWork { address: address(last), ports: vec![(Transport::Tcp, port)] }])
}

#[test]
fn a_page_under_tls_is_found_on_an_unusual_port() {
    for (last, version, name) in [(231, &rustls::version::TLS13, "TLSv1.3"), (232, &rustls::version::TLS12, "TLSv1.2")]
    {
        let (_server, work) = start(last, acceptor(CERTIFICATE.to_vec(), &[version]));
        let (banners, _) = grab(&config(Exclusions::new([], true)), work);
        let [tls, page] = banners.as_slice() else { panic!("{banners:?}") };
        assert_eq!((tls.protocol, page.protocol), (BannerProtocol::Tls, BannerProtocol::Https));
        assert_eq!((tls.outcome, page.outcome), (GrabOutcome::Answered, GrabOutcome::Answered));
        let text = String::from_utf8(tls.text.clone()).unwrap();
        assert!(text.starts_with(&format!("version: {name}\ncipher: ")), "{text}");
        assert!(text.contains("\nsubject: CN=192.0.2.1, O=Example Cameras, C=JP\n"), "{text}");
        assert!(
            text.contains("\nsan: cam.local, 192.0.2.1\nserial: 3d923b4f53980af806306d985152e6c6eac1ba15\n"),
            "{text}"
        );
        assert!(
            text.contains("\nfingerprint: sha256:8bddbe66479a4a80a60f630e762ca10fbeda154d0f1917c39c876aa432fc13a9\n")
        );
        assert!(page.text.ends_with(b"<title>Live</title>"));
    }
}

#[test]
fn broken_and_huge_certificates_are_kept_within_limits() {
    for (last, certificate) in [(233, vec![0x30, 0x82, 0xff, 0xff, 1, 2, 3]), (234, vec![0x30; 60_000])] {
        let (_server, work) = start(last, acceptor(certificate, &[&rustls::version::TLS13]));
        let (banners, _) = grab(&config(Exclusions::new([], true)), work);
        let tls = &banners[0];
        assert_eq!(tls.protocol, BannerProtocol::Tls, "{last}");
        assert!(matches!(tls.outcome, GrabOutcome::Malformed | GrabOutcome::TooMuch), "{last}: {:?}", tls.outcome);
        assert!(tls.text.len() < 4096 && tls.received_bytes < 300_000, "{last}");
    }
}
