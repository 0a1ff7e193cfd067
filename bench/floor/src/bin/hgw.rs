//! The hyper floor: current-thread tokio, http1 server, hyper-util's pooled client.
use bytes::Bytes;
use floor::{env, Job};
use http_body_util::{combinators::BoxBody, BodyExt, Full};
use hyper::{body::Incoming, header, service::service_fn, Request, Response};
use hyper_util::{
    client::legacy::{connect::HttpConnector, Client},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use std::{
    fs::File,
    io::BufReader,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{rustls, TlsAcceptor};

type Body = BoxBody<Bytes, hyper::Error>;

#[derive(Clone)]
struct Gateway {
    job: Rc<Job>,
    client: Client<HttpConnector, Incoming>,
    provider: Rc<str>,
}

fn say(status: u16) -> Response<Body> {
    let body = Full::new(Bytes::from_static(b"{}")).map_err(|never| match never {}).boxed();
    Response::builder().status(status).body(body).unwrap()
}

impl Gateway {
    async fn call(self, mut request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
        let began = Instant::now();
        let path = request.uri().path().to_string();
        let method = request.method().clone();
        let mut who = String::from("-");
        if self.job.on {
            let token = request.headers().get(header::AUTHORIZATION).map(|value| value.as_bytes());
            match self.job.admit(token, &path) {
                Err(status) => {
                    self.job.log("-", method.as_str(), &path, status, 0, began);
                    return Ok(say(status));
                }
                Ok(consumer) => who = consumer,
            }
            request.headers_mut().remove(header::AUTHORIZATION);
            request.headers_mut().insert("x-consumer", who.parse().unwrap());
        }
        let rest = request.uri().path_and_query().map_or("/", |rest| rest.as_str());
        *request.uri_mut() = format!("http://{}{rest}", self.provider).parse().unwrap();
        let limit = Duration::from_secs(30);
        let answer = match tokio::time::timeout(limit, self.client.request(request)).await {
            Ok(Ok(answer)) => answer.map(|body| body.boxed()),
            Ok(Err(_)) => say(502),
            Err(_) => say(504),
        };
        if self.job.on {
            let length = answer.headers().get(header::CONTENT_LENGTH);
            let length = length.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
            self.job.log(&who, method.as_str(), &path, answer.status().as_u16(), length, began);
        }
        Ok(answer)
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + 'static) {
        let mut server = hyper::server::conn::http1::Builder::new();
        server.timer(TokioTimer::new());
        server.header_read_timeout(Duration::from_secs(300)).pipeline_flush(true);
        let service = service_fn(move |request| self.clone().call(request));
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    }
}

/// TLS 1.3 without resumption, as with the other contenders.
fn acceptor() -> TlsAcceptor {
    let gen = env("GEN", "");
    let open = |name: &str| BufReader::new(File::open(format!("{gen}/{name}")).unwrap());
    let chain: Result<Vec<_>, _> = rustls_pemfile::certs(&mut open("tls.crt")).collect();
    let key = rustls_pemfile::private_key(&mut open("tls.key")).unwrap().unwrap();
    let versions = [&rustls::version::TLS13];
    let mut config = rustls::ServerConfig::builder_with_protocol_versions(&versions)
        .with_no_client_auth()
        .with_single_cert(chain.unwrap(), key)
        .unwrap();
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    TlsAcceptor::from(Arc::new(config))
}

async fn run() {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let gateway = Gateway {
        job: Rc::new(Job::load()),
        client: Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(10000)
            .build(connector),
        provider: format!("127.0.0.1:{}", env("BACKEND_PORT", "9000")).into(),
    };
    let job = gateway.job.clone();
    tokio::task::spawn_local(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            job.flush();
        }
    });
    let tls = (env("MODE", "") == "tls").then(acceptor);
    let port = env(if tls.is_some() { "TLSPORT" } else { "PORT" }, "8080");
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(format!("127.0.0.1:{port}").parse().unwrap()).unwrap();
    let listener = socket.listen(4096).unwrap();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let (gateway, tls) = (gateway.clone(), tls.clone());
        tokio::task::spawn_local(async move {
            match tls {
                None => gateway.serve(stream).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        gateway.serve(stream).await;
                    }
                }
            }
        });
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, run());
}
