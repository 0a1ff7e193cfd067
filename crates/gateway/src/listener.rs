//! Where consumers come in: addresses, sockets that several threads share, certificates.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use socket2::{Domain, Protocol, Socket, Type};
use terms::environment::Environment;

use crate::server::GatewayError;

/// The addresses to listen on; port 0 picks one, `None` is off.
#[derive(Clone, Default)]
pub struct Listeners {
    /// Live, plain.
    pub live: Option<SocketAddr>,
    /// Live, TLS.
    pub live_tls: Option<(SocketAddr, Certificate)>,
    /// Trial, plain.
    pub trial: Option<SocketAddr>,
    /// Trial, TLS.
    pub trial_tls: Option<(SocketAddr, Certificate)>,
    /// Calls of the national side, plain; [`Settings::inbound`](crate::Settings) says whose.
    pub inbound: Option<SocketAddr>,
    /// The same, TLS.
    pub inbound_tls: Option<(SocketAddr, Certificate)>,
}

/// A certificate chain with its key, ready to be shown: TLS 1.2 and 1.3, HTTP/1.1.
#[derive(Clone)]
pub struct Certificate(pub(crate) Arc<ServerConfig>);

impl Certificate {
    /// Reads a chain and its private key, both PEM. The error says which is wrong, never what is
    /// in them.
    pub fn read(chain: &[u8], key: &[u8]) -> Result<Certificate, GatewayError> {
        let broken = |_| GatewayError::Certificate;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
        let chain = chain.map_err(broken)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| GatewayError::CertificateKey)?;
        if chain.is_empty() {
            return Err(GatewayError::Certificate);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| GatewayError::Certificate)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|_| GatewayError::CertificateKey)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Certificate(Arc::new(config)))
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificate")
    }
}

/// What is served behind a listener.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) environment: Environment,
    pub(crate) certificate: Option<Certificate>,
    /// It is that of the national side.
    pub(crate) inbound: bool,
}

/// The sockets of one listener, one a thread, all on the same address.
pub(crate) struct Bound {
    pub(crate) door: Door,
    pub(crate) address: SocketAddr,
    pub(crate) sockets: Vec<TcpListener>,
}

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4_096;

/// Binds `count` sockets to one address.
pub(crate) fn bind(address: SocketAddr, count: usize, door: Door) -> Result<Bound, GatewayError> {
    let failed = |source| GatewayError::Bind { address, source };
    // without this look another program of the same user could share the port unnoticed
    let probe = TcpListener::bind(address).map_err(failed)?;
    let address = probe.local_addr().map_err(failed)?;
    drop(probe);
    let sockets = (0..count).map(|_| open(address)).collect::<io::Result<_>>().map_err(failed)?;
    Ok(Bound { door, address, sockets })
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
