//! A consumer that speaks raw HTTP and sees whether an answer is whole.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use rustls_pki_types::CertificateDer;

use super::provider::{read_chunks, read_head};

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) head: Vec<String>,
    pub(crate) body: Vec<u8>,
    /// It came to its promised end.
    pub(crate) whole: bool,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head[1..].iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The code of the fault that it carries.
    pub(crate) fn fault(&self) -> String {
        let problem: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        assert_eq!(problem["status"].as_u64(), Some(u64::from(self.status)), "{self:?}");
        assert_eq!(problem["exchange"].as_str(), self.header("exchange-id"), "{self:?}");
        assert!(self.whole, "a fault is complete: {self:?}");
        problem["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn problem(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Bytes both ways, plain or TLS.
trait Duplex: Read + Write {
    /// Ends our side; the other may still speak.
    fn finish(&mut self);
}

impl Duplex for TcpStream {
    fn finish(&mut self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
}

impl Duplex for StreamOwned<ClientConnection, TcpStream> {
    fn finish(&mut self) {
        self.conn.send_close_notify();
        self.flush().unwrap();
        self.sock.finish();
    }
}

/// One connection.
pub(crate) struct Consumer {
    reader: BufReader<Box<dyn Duplex + Send>>,
}

impl Consumer {
    pub(crate) fn connect(to: SocketAddr) -> Consumer {
        Consumer { reader: BufReader::new(Box::new(open(to))) }
    }

    /// Over TLS of exactly this version, trusting this certificate.
    pub(crate) fn connect_tls(
        to: SocketAddr,
        trusted: &CertificateDer<'static>,
        version: &'static SupportedProtocolVersion,
    ) -> Consumer {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = "localhost".try_into().unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        Consumer { reader: BufReader::new(Box::new(StreamOwned::new(session, open(to)))) }
    }

    pub(crate) fn say(&mut self, words: impl AsRef<[u8]>) -> &mut Consumer {
        // a gateway that has heard enough may close before all is said
        let _ = self.reader.get_mut().write_all(words.as_ref());
        self
    }

    /// Says no more, and listens on.
    pub(crate) fn finish(&mut self) -> &mut Consumer {
        self.reader.get_mut().finish();
        self
    }

    /// Waits for the first byte of an answer.
    pub(crate) fn begins(&mut self) -> bool {
        self.reader.fill_buf().is_ok_and(|words| !words.is_empty())
    }

    /// Reads one answer; interim ones are passed over.
    pub(crate) fn hear(&mut self) -> Seen {
        self.hear_to("GET")
    }

    pub(crate) fn hear_to(&mut self, method: &str) -> Seen {
        loop {
            let head = read_head(&mut self.reader).expect("an answer");
            let status = head[0].split(' ').nth(1).unwrap().parse().unwrap();
            let mut seen = Seen { status, head, body: Vec::new(), whole: true };
            if status == 100 {
                continue;
            }
            if method == "HEAD" || status == 204 || status == 304 {
                return seen;
            }
            if seen.header("transfer-encoding").is_some() {
                match read_chunks(&mut self.reader) {
                    Some(body) => seen.body = body,
                    None => seen.whole = false,
                }
            } else {
                let length = seen.header("content-length").expect("a length").parse().unwrap();
                let limited = &mut self.reader;
                let read = limited.take(length).read_to_end(&mut seen.body);
                seen.whole = read.is_ok() && seen.body.len() as u64 == length;
            }
            return seen;
        }
    }

    /// Has the other side closed, with nothing more to say?
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.reader.read(&mut [0]), Ok(0) | Err(_))
    }
}

fn open(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    stream
}
