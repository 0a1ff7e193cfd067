//! An answer of the token endpoints that does not come in time.

use std::time::Duration;

use tokio::task::LocalSet;

use super::*;

#[test]
fn an_answer_that_is_late_is_told_and_goes_on() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (go_on, gone_on) = tokio::sync::oneshot::channel::<()>();
    let (done, is_done) = tokio::sync::oneshot::channel::<()>();
    LocalSet::new().block_on(&runtime, async {
        let answering = spawn_local(async {
            gone_on.await.unwrap();
            done.send(()).unwrap();
            Response::new(Bytes::from_static(b"{}"))
        });
        let answer =
            wait(answering, Instant::now() + Duration::from_millis(20), Endpoint::Token, false)
                .await;
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.body(), r#"{"error":"temporarily_unavailable"}"#);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        go_on.send(()).unwrap();
        is_done.await.expect("the work is not dropped with its answer");
        let answering = spawn_local(async { Response::new(Bytes::from_static(b"{}")) });
        let answer =
            wait(answering, Instant::now() + Duration::from_secs(20), Endpoint::Token, false).await;
        assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, &b"{}"[..]));
    });
}
