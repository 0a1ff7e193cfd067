//! TLS towards providers: whom to trust, and who we are.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use terms::endpoint::{Endpoint, TlsMaterial};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::connection::Socket;

/// Made configurations by what they were made of; the one without material trusts the system's
/// certificates.
#[derive(Default)]
pub(crate) struct TlsStore(RefCell<HashMap<Option<Arc<TlsMaterial>>, Arc<ClientConfig>>>);

impl TlsStore {
    /// Shakes hands with `endpoint` over `socket`; the caller sets the limit of time.
    pub(crate) async fn shake(
        &self,
        socket: Socket,
        endpoint: &Endpoint,
        material: Option<&Arc<TlsMaterial>>,
    ) -> io::Result<TlsStream<Socket>> {
        let config = self.config(material)?;
        let name = ServerName::try_from(endpoint.host.to_string()).map_err(io::Error::other)?;
        TlsConnector::from(config).connect(name, socket).await
    }

    /// Forgets what nobody but this store holds: the material of a version that has changed.
    pub(crate) fn forget_unused(&self) {
        let used = |material: &Option<Arc<TlsMaterial>>| {
            material.as_ref().is_none_or(|material| Arc::strong_count(material) > 1)
        };
        self.0.borrow_mut().retain(|material, _| used(material));
    }

    fn config(&self, material: Option<&Arc<TlsMaterial>>) -> io::Result<Arc<ClientConfig>> {
        let key = material.cloned();
        if let Some(config) = self.0.borrow().get(&key) {
            return Ok(config.clone());
        }
        let config = Arc::new(build(material.map(|m| &**m))?);
        self.0.borrow_mut().insert(key, config.clone());
        Ok(config)
    }
}

fn build(material: Option<&TlsMaterial>) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match material.and_then(|m| m.ca.as_ref()) {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(io::Error::other)?;
                roots.add(certificate).map_err(io::Error::other)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots);
    let identity = material.and_then(|m| m.certificate.as_ref().zip(m.key.as_ref()));
    match identity {
        Some((chain, key)) => {
            let chain: Result<Vec<_>, _> =
                CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(io::Error::other)?;
            builder
                .with_client_auth_cert(chain.map_err(io::Error::other)?, key)
                .map_err(io::Error::other)
        }
        None => Ok(builder.with_no_client_auth()),
    }
}
