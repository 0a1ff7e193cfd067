//! The life of a connection: accepted, served by hyper, ended in time and never without a word.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io::Write as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, Version};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use terms::fault::{Fault, FaultCode};
use terms::limit::{HANDSHAKE_TIMEOUT, HEAD_BYTES_MAX};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::call;
use crate::lane::Lane;
use crate::listener::Door;
use crate::peer::{Peer, Phase};
use crate::record::{Arrival, Record};
use crate::wire::{Stream, Wire};

/// What a consumer is told when no connection is left.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
    content-length: 0\r\nconnection: close\r\n\r\n";
/// After a failed accept (no file descriptors, say) the next one waits this long.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Accepts connections until it is aborted.
pub(crate) async fn accept(lane: Rc<Lane>, door: Door, socket: TcpListener) {
    loop {
        match socket.accept().await {
            Ok((stream, from)) => {
                spawn_local(serve(lane.clone(), door.clone(), stream, from));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

/// Counts a connection out when it ends, however it does.
struct Presence {
    lane: Rc<Lane>,
    number: u64,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.lane.leave(self.number);
    }
}

async fn serve(lane: Rc<Lane>, door: Door, stream: TcpStream, from: SocketAddr) {
    // only speed is lost if the system refuses it
    let _ = stream.set_nodelay(true);
    let secure = door.certificate.is_some();
    let clock = lane.shared.clock.clone();
    let peer = Rc::new(Peer::new(door.environment, from.ip(), secure, door.inbound, clock));
    let Some(number) = lane.enter(&peer) else {
        let mut wire = Wire::new(Stream::Plain(stream), peer);
        if !secure {
            wire.say(FULL).await;
        }
        return;
    };
    let _presence = Presence { lane: lane.clone(), number };
    let stream = match door.certificate {
        None => Stream::Plain(stream),
        Some(certificate) => {
            let accept = TlsAcceptor::from(certificate.0).accept(stream);
            match timeout(HANDSHAKE_TIMEOUT, accept).await {
                Ok(Ok(stream)) => Stream::Tls(Box::new(stream)),
                Ok(Err(_)) | Err(_) => return,
            }
        }
    };
    peer.opened();
    let wire = Wire::new(stream, peer.clone());
    if let Some(wire) = converse(&lane, &peer, wire).await {
        wire.linger().await;
    }
}

/// Serves call after call; gives the wire back when there is an end to be said on it.
async fn converse(lane: &Rc<Lane>, peer: &Rc<Peer>, wire: Wire) -> Option<Wire> {
    let is_old = Cell::new(false);
    let service = service_fn(|request| {
        is_old.set(request.version() == Version::HTTP_10);
        peer.called(lane.shared.clock.instant());
        // boxed, so that an idle connection holds no room for a call
        let carried = Box::pin(call::carry(lane.clone(), peer.clone(), request));
        let peer = peer.clone();
        async move {
            let answer = carried.await;
            peer.answers();
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = http1::Builder::new()
        .header_read_timeout(None)
        // whether the consumer is still there, the wire looks for itself
        .half_close(true)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(wire), service);
    let mut told = false;
    let ended = poll_fn(|cx| {
        peer.attend(cx.waker());
        if lane.is_stopping() && !told {
            told = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        if peer.is_expired() {
            return Poll::Ready(None);
        }
        Pin::new(&mut connection).poll(cx).map(Some)
    })
    .await;
    // without chunks the end of the connection would look like that of the answer
    let is_cut = !matches!(ended, Some(Ok(()))) && is_old.get() && !peer.is_between_calls();
    if is_cut && peer.is_answering() {
        connection.into_parts().io.into_inner().reset();
        return None;
    }
    let code = match (&ended, peer.phase()) {
        (None, Phase::Head(_)) => Some(FaultCode::RequestTimeout),
        // the call is dropped with the connection, and its record says why
        (None, Phase::Call(_) | Phase::Leaving(_)) => return None,
        (Some(Err(error)), _) if error.is_parse() => Some(match peer.refusal() {
            Some(414 | 431) => FaultCode::HeaderTooLarge,
            _ => FaultCode::RequestInvalid,
        }),
        _ => None,
    };
    let speaks = peer.is_between_calls();
    let mut wire = connection.into_parts().io.into_inner();
    if let Some(code) = code {
        let words = refuse(lane, peer, code).await;
        if speaks {
            wire.say(&words).await;
        }
    }
    Some(wire)
}

/// Records a request whose head could not be read and makes the answer to it.
async fn refuse(lane: &Rc<Lane>, peer: &Rc<Peer>, code: FaultCode) -> Vec<u8> {
    let arrival = Arrival { environment: peer.environment, client: peer.address };
    let record = Record::blank(lane, arrival);
    print(&record.refuse(Fault::new(code)).await)
}

/// An answer as bytes, the last on its connection.
fn print(response: &Response<Bytes>) -> Vec<u8> {
    let mut words = Vec::with_capacity(512 + response.body().len());
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or_default();
    // writing to memory does not fail
    let _ = write!(words, "HTTP/1.1 {} {reason}\r\n", status.as_str());
    for (name, value) in response.headers() {
        words.extend_from_slice(name.as_str().as_bytes());
        words.extend_from_slice(b": ");
        words.extend_from_slice(value.as_bytes());
        words.extend_from_slice(b"\r\n");
    }
    let length = response.body().len();
    let _ = write!(words, "content-length: {length}\r\nconnection: close\r\n\r\n");
    words.extend_from_slice(response.body());
    words
}
