//! TOK-11: stock OAuth 2 libraries, unmodified, over TLS. `./test` brings the libraries.

use std::process::Command;

use crate::world::World;

#[test]
fn stock_oauth_libraries_get_a_token_and_call_through() {
    #[allow(clippy::disallowed_methods, reason = "where ./test put the libraries")]
    let python = std::env::var("LGSP_TEST_PYTHON")
        .expect("LGSP_TEST_PYTHON names a Python with authlib and requests-oauthlib: run ./test");
    let world = World::start_with_tls();
    let base = format!("https://{}", world.listening.live_tls.expect("a TLS listener"));
    let ca = world.certificate();
    let credential = world.credential("one-stop", "live");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/oauth.py");
    for library in ["authlib", "requests-oauthlib"] {
        for method in ["basic", "body"] {
            let output = Command::new(&python)
                .args([script, library, &base])
                .env("REQUESTS_CA_BUNDLE", &ca)
                .args([&credential.consumer_key, &credential.secret_key, method])
                .output()
                .unwrap();
            print!("{}", String::from_utf8_lossy(&output.stdout));
            assert!(output.status.success(), "{library}: {}", crate::world::text(&output));
        }
    }
    assert_eq!(world.rows(&["--outcome", "answered", "--kind", "call"]).len(), 4);
}
