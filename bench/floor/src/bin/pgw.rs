//! pingora-proxy floor, 1 thread.
use async_trait::async_trait;
use floor::{env, Job};
use pingora_core::{
    server::{
        configuration::{Opt, ServerConf},
        Server,
    },
    upstreams::peer::HttpPeer,
    Result,
};
use pingora_http::RequestHeader;
use pingora_proxy::{http_proxy_service, ProxyHttp, Session};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
struct P {
    g: Arc<Job>,
    be: String,
}
struct Ctx {
    who: String,
    t0: Instant,
}
#[async_trait]
impl ProxyHttp for P {
    type CTX = Ctx;
    fn new_ctx(&self) -> Ctx {
        Ctx { who: String::from("-"), t0: Instant::now() }
    }
    async fn request_filter(&self, s: &mut Session, c: &mut Ctx) -> Result<bool> {
        s.set_keepalive(Some(300));
        if self.g.on {
            let h = s.req_header();
            match self.g.admit(h.headers.get("authorization").map(|v| v.as_bytes()), h.uri.path()) {
                Ok(w) => c.who = w,
                Err(st) => {
                    s.respond_error(st).await?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
    async fn upstream_request_filter(
        &self,
        _s: &mut Session,
        h: &mut RequestHeader,
        c: &mut Ctx,
    ) -> Result<()> {
        if self.g.on {
            h.remove_header("authorization");
            h.insert_header("x-consumer", c.who.as_str())?;
        }
        Ok(())
    }
    async fn upstream_peer(&self, _s: &mut Session, _c: &mut Ctx) -> Result<Box<HttpPeer>> {
        let mut p = HttpPeer::new(self.be.as_str(), false, String::new());
        p.options.read_timeout = Some(Duration::from_secs(30));
        p.options.idle_timeout = Some(Duration::from_secs(300));
        Ok(Box::new(p))
    }
    async fn logging(&self, s: &mut Session, _e: Option<&pingora_core::Error>, c: &mut Ctx) {
        if self.g.on {
            let st = s.response_written().map_or(0, |r| r.status.as_u16());
            let n = s.body_bytes_sent() as u64;
            let h = s.req_header();
            self.g.log(&c.who, h.method.as_str(), h.uri.path(), st, n, c.t0);
        }
    }
}
fn main() {
    let mut conf = ServerConf::default();
    conf.threads = 1;
    conf.upstream_keepalive_pool_size = 10000;
    conf.grace_period_seconds = Some(0);
    conf.graceful_shutdown_timeout_seconds = Some(0);
    let mut srv = Server::new_with_opt_and_conf(Opt::default(), conf);
    srv.bootstrap();
    let g = Arc::new(Job::load());
    {
        let g = g.clone();
        std::thread::spawn(move || loop {
            std::thread::sleep(Duration::from_secs(1));
            g.flush();
        });
    }
    let mut s = http_proxy_service(
        &srv.configuration,
        P { g, be: format!("127.0.0.1:{}", env("BACKEND_PORT", "9000")) },
    );
    s.add_tcp(&format!("127.0.0.1:{}", env("PORT", "8080")));
    srv.add_service(s);
    srv.run_forever();
}
