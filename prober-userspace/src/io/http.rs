//! A small HTTP server for what the daemon tells: figures for Prometheus, pages for those who are probed. Reads only;
//! bounded in connections, header bytes and time, so that nobody can hold up the daemon with it. What a page says is
//! decided in `pages` and `metrics`; TLS is left to whatever stands in front.

pub mod metrics;
pub mod pages;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Notify, Semaphore};

/// Connections to each address at a time; further ones are closed at once.
const CONNECTIONS: usize = 64;
/// The request line and all headers together.
const HEADER_BYTES: usize = 16 * 1024;
/// From accepting to having answered.
const PATIENCE: Duration = Duration::from_secs(10);
/// Until the headers are in.
const HEADER_PATIENCE: Duration = Duration::from_secs(5);
/// After an accept that failed: out of descriptors, most likely.
const BREATH: Duration = Duration::from_millis(200);

/// What is found under a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Media type.
    pub content_type: &'static str,
    /// Text.
    pub body: String,
}

/// Gives the page under a path. Must not wait for anything long: all connections share a thread.
pub type Answer = Arc<dyn Fn(&str) -> Option<Page> + Send + Sync>;

/// The server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address cannot be listened on.
    #[error("cannot serve HTTP on {address}: {cause}; choose another address or port in [http]")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        cause: io::Error,
    },
    /// The thread or what it runs on could not be made.
    #[error("cannot start the HTTP server: {0}")]
    Start(io::Error),
}

/// A running server; stops with this value.
#[derive(Debug)]
pub struct HttpServer {
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
    addresses: Vec<SocketAddr>,
}

impl HttpServer {
    /// Serves on each address what its answer gives, on one thread of its own.
    pub fn start(places: Vec<(SocketAddr, Answer)>) -> Result<Self, HttpError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(HttpError::Start)?;
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for (address, answer) in places {
            let listen = |cause| HttpError::Listen { address, cause };
            let listener = TcpListener::bind(address).map_err(listen)?;
            listener.set_nonblocking(true).map_err(listen)?;
            addresses.push(listener.local_addr().map_err(listen)?);
            let entered = runtime.enter();
            listeners.push((tokio::net::TcpListener::from_std(listener).map_err(listen)?, answer));
            drop(entered);
        }
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let run = move || {
            runtime.block_on(async {
                for (listener, answer) in listeners {
                    tokio::spawn(accept(listener, answer));
                }
                stopped.notified().await;
            });
        };
        let thread = std::thread::Builder::new().name("http".into()).spawn(run).map_err(HttpError::Start)?;
        Ok(Self { stop, thread: Some(thread), addresses })
    }

    /// Where it listens, in the order in which the places were given.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        // A permit is kept even if the thread is not waiting yet.
        self.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: tokio::net::TcpListener, answer: Answer) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        // Without room the connection is closed here.
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else { continue };
        let answer = Arc::clone(&answer);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let response = respond(&request, &answer);
                async move { Ok::<_, Infallible>(response) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_PATIENCE)
                .max_buf_size(HEADER_BYTES)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            // However it ends, only this client is affected.
            let _ = tokio::time::timeout(PATIENCE, connection).await;
            drop(permit);
        });
    }
}

fn respond(request: &Request<Incoming>, answer: &Answer) -> Response<Full<Bytes>> {
    let plain = |body: &str| Page { content_type: "text/plain; charset=utf-8", body: body.to_owned() };
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, page) = if !is_read {
        (StatusCode::METHOD_NOT_ALLOWED, plain("Only GET and HEAD.\n"))
    } else if let Some(page) = answer(request.uri().path()) {
        (StatusCode::OK, page)
    } else {
        (StatusCode::NOT_FOUND, plain("Nothing here.\n"))
    };
    let mut response = Response::new(Full::new(Bytes::from(page.body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}
