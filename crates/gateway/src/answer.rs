//! The body of an answer on its way to the consumer.

use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::peer::Peer;
use crate::reply::{Cut, Streaming};

/// What hyper writes; when it is dropped the connection knows that the call is over.
pub(crate) struct Answer {
    kind: Kind,
    peer: Rc<Peer>,
}

enum Kind {
    Whole(VecDeque<Bytes>),
    Streaming(Box<Streaming>),
}

impl Answer {
    pub(crate) fn whole(chunks: VecDeque<Bytes>, peer: &Rc<Peer>) -> Answer {
        Answer { kind: Kind::Whole(chunks), peer: peer.clone() }
    }

    pub(crate) fn streaming(streaming: Streaming, peer: &Rc<Peer>) -> Answer {
        Answer { kind: Kind::Streaming(Box::new(streaming)), peer: peer.clone() }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut self.kind {
            Kind::Whole(chunks) => Poll::Ready(chunks.pop_front().map(|c| Ok(Frame::data(c)))),
            Kind::Streaming(streaming) => {
                streaming.poll_chunk(cx).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.kind, Kind::Whole(chunks) if chunks.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole(chunks) => {
                SizeHint::with_exact(chunks.iter().map(|c| c.len() as u64).sum())
            }
            Kind::Streaming(streaming) => streaming.size_hint(),
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.peer.answered();
    }
}
