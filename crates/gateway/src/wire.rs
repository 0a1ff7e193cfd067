//! A consumer's connection as hyper sees it: plain or TLS, watched for the times that hyper does
//! not keep, and for the refusals that hyper would write on its own.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use terms::limit::{LETTER_FIRST, LETTER_PAUSE};
use tokio::io::{
    AsyncBufRead as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf,
};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::peer::Peer;

/// The bytes of a connection.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Calls the same method on whichever stream it is.
macro_rules! either {
    ($stream:expr, $method:ident($($argument:expr),*)) => {
        match $stream {
            Stream::Plain(stream) => Pin::new(stream).$method($($argument),*),
            Stream::Tls(stream) => Pin::new(&mut **stream).$method($($argument),*),
        }
    };
}

/// A stream whose peer knows what passes.
pub(crate) struct Wire {
    stream: Stream,
    peer: Rc<Peer>,
    /// More has come than hyper has taken: the consumer is there.
    waiting: bool,
    /// Letters of the next answer that have been sent ahead of it.
    letters: usize,
    /// When the next one is due, once the consumer has ended its side.
    letter_at: Option<Instant>,
}

impl Wire {
    pub(crate) fn new(stream: Stream, peer: Rc<Peer>) -> Wire {
        Wire { stream, peer, waiting: false, letters: 0, letter_at: None }
    }

    fn socket(&self) -> &TcpStream {
        match &self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.get_ref().0,
        }
    }

    /// Is the consumer still there? While a call runs nobody reads, so it is looked at here. One
    /// that has ended its side (`nc`, some Java clients) looks like one that is gone, until
    /// something is sent: the letters with which every answer begins, which only a consumer that
    /// is gone answers with a reset.
    fn look(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.peer.is_calling() || self.waiting {
            return Ok(());
        }
        if self.letter_at.is_none() {
            let Poll::Ready(come) = self.peek(cx) else { return Ok(()) };
            if come? {
                self.waiting = true;
                return Ok(());
            }
            self.letter_at = Some(self.peer.now() + LETTER_FIRST);
            self.peer.half_closed();
        }
        if let Some(error) = self.socket().take_error()? {
            return Err(error);
        }
        self.send_letter(cx)
    }

    /// Has more come (true), or the end (false)?
    fn peek(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        match &mut self.stream {
            Stream::Plain(stream) => {
                let mut first = [0];
                let come = ready!(stream.poll_peek(cx, &mut ReadBuf::new(&mut first)))?;
                Poll::Ready(Ok(come > 0))
            }
            Stream::Tls(stream) => {
                let come = ready!(Pin::new(&mut **stream).poll_fill_buf(cx))?;
                // what hyper may wait for has left the socket, which will not wake it again
                cx.waker().wake_by_ref();
                Poll::Ready(Ok(!come.is_empty()))
            }
        }
    }

    fn send_letter(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let is_due = self.letter_at.is_some_and(|at| self.peer.now() >= at);
        let Some(letter) = LETTERS.get(self.letters..=self.letters).filter(|_| is_due) else {
            return Ok(());
        };
        if self.peer.is_answering() {
            return Ok(());
        }
        if let Poll::Ready(sent) = either!(&mut self.stream, poll_write(cx, letter)) {
            self.letters += sent?;
            self.letter_at = Some(self.peer.now() + LETTER_PAUSE);
            if let Stream::Tls(stream) = &mut self.stream
                && let Poll::Ready(flushed) = Pin::new(&mut **stream).poll_flush(cx)
            {
                flushed?;
            }
        }
        Ok(())
    }

    /// Writes what is left of an answer whose first letters have been sent ahead.
    fn write_rest(&mut self, cx: &mut Context<'_>, words: &[u8]) -> Poll<io::Result<usize>> {
        let ahead = self.letters.min(words.len());
        if ahead < words.len() {
            let written = ready!(either!(&mut self.stream, poll_write(cx, &words[ahead..])))?;
            self.letters = 0;
            return Poll::Ready(Ok(ahead + written));
        }
        self.letters -= ahead;
        Poll::Ready(Ok(ahead))
    }

    /// Writes our own words in place of hyper's.
    pub(crate) async fn say(&mut self, words: &[u8]) {
        let written = async {
            match &mut self.stream {
                Stream::Plain(stream) => stream.write_all(words).await,
                Stream::Tls(stream) => stream.write_all(words).await,
            }
        };
        // whether the consumer still hears it is no longer ours to know
        let _ = timeout(LINGER, written).await;
    }

    /// Ends our side and reads what is still on its way, so that the last answer is not lost to a
    /// reset (RFC 9112, 9.6); bounded in bytes and time.
    pub(crate) async fn linger(mut self) {
        let lingering = async {
            match &mut self.stream {
                Stream::Plain(stream) => stream.shutdown().await?,
                Stream::Tls(stream) => stream.shutdown().await?,
            }
            let mut sink = vec![0; 16 * 1024];
            for _ in 0..LINGER_READS {
                let read = match &mut self.stream {
                    Stream::Plain(stream) => stream.read(&mut sink).await?,
                    Stream::Tls(stream) => stream.read(&mut sink).await?,
                };
                if read == 0 {
                    break;
                }
            }
            io::Result::Ok(())
        };
        let _ = timeout(LINGER, lingering).await;
    }

    /// Ends the connection so that whoever reads it sees that something is missing.
    pub(crate) fn reset(self) {
        // where the system refuses, the end is as it would be without
        let _ = socket2::SockRef::from(self.socket()).set_linger(Some(Duration::ZERO));
    }

    /// Between calls whatever hyper writes is a refusal of its own: it is noted, not sent.
    fn is_refusal(&self, words: &[u8]) -> bool {
        if !self.peer.is_between_calls() {
            return false;
        }
        let status = words.get(9..12).and_then(|s| std::str::from_utf8(s).ok()?.parse().ok());
        if let Some(status) = status.filter(|_| self.peer.refusal().is_none()) {
            self.peer.note_refusal(status);
        }
        true
    }
}

/// With what every answer begins, whatever it says.
const LETTERS: &[u8] = b"HTTP/1.";
/// Up to this many bytes an answer is sent in one piece.
const GATHER_MAX: usize = 1_024;
/// How long the end of a connection may take.
const LINGER: Duration = Duration::from_secs(2);
/// How often a lingering connection is read.
const LINGER_READS: usize = 2_048;

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        self.waiting = false;
        let polled = either!(&mut self.stream, poll_read(cx, buffer));
        if buffer.filled().len() > before {
            self.peer.received();
        }
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        words: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_refusal(words) {
            return Poll::Ready(Ok(words.len()));
        }
        if self.letters > 0 {
            return self.write_rest(cx, words);
        }
        either!(&mut self.stream, poll_write(cx, words))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        words: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_refusal(words.first().map_or(&[], |first| first)) {
            return Poll::Ready(Ok(words.iter().map(|slice| slice.len()).sum()));
        }
        if self.letters > 0 {
            return self.write_rest(cx, words.first().map_or(&[], |first| first));
        }
        let length: usize = words.iter().map(|slice| slice.len()).sum();
        if length > GATHER_MAX {
            return either!(&mut self.stream, poll_write_vectored(cx, words));
        }
        // copying this little costs less than the system's way of gathering it
        let mut gathered = [0; GATHER_MAX];
        let mut room = &mut gathered[..];
        for slice in words {
            let (taken, rest) = room.split_at_mut(slice.len());
            taken.copy_from_slice(slice);
            room = rest;
        }
        either!(&mut self.stream, poll_write(cx, &gathered[..length]))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = either!(&mut self.stream, poll_flush(cx));
        if let Poll::Ready(Ok(())) = flushed {
            self.peer.flushed();
        }
        match self.look(cx) {
            Ok(()) => flushed,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // our own words come first
        if self.peer.refusal().is_some() {
            return Poll::Ready(Ok(()));
        }
        either!(&mut self.stream, poll_shutdown(cx))
    }
}
