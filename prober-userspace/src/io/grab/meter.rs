//! A stream that counts its bytes and ends at a limit: what is under TLS must be bounded as well.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream with counters.
#[derive(Debug)]
pub struct Meter<S> {
    stream: S,
    most: u64,
    received: u64,
    sent: u64,
}

/// More was received than allowed.
#[derive(Debug, thiserror::Error)]
#[error("more bytes than allowed")]
pub struct LimitReached;

impl<S> Meter<S> {
    /// Lets `most` bytes in.
    pub fn new(stream: S, most: u64) -> Self {
        Self { stream, most, received: 0, sent: 0 }
    }

    /// Bytes received and sent.
    pub fn counts(&self) -> (u32, u32) {
        (u32::try_from(self.received).unwrap_or(u32::MAX), u32::try_from(self.sent).unwrap_or(u32::MAX))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Meter<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.received > self.most {
            return Poll::Ready(Err(io::Error::other(LimitReached)));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.received += (buffer.filled().len() - before) as u64;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Meter<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.sent += written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
