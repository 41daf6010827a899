//! The pages of the examples over a real port: served under a strict policy, whole in both languages, and of one piece with
//! their scripts.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use axum::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::portal::Outbox;
use crate::{passkey_only, single_page};

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    (listener, origin)
}

async fn get(at: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

/// What stands between `before` and the next `after`, each time.
fn between<'t>(text: &'t str, before: &str, after: &str) -> BTreeSet<&'t str> {
    text.split(before).skip(1).filter_map(|rest| rest.split_once(after)).map(|(found, _)| found).collect()
}

async fn sound(listener: TcpListener, app: Router, script: &str) {
    let at = listener.local_addr().unwrap();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let (head, page) = get(at, "/").await;
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: text/html"), "{head}");
    assert!(head.contains("content-security-policy: default-src 'none'; script-src 'self'"), "{head}");
    assert!(!page.contains("style=") && !page.contains("onclick") && page.matches("<script").count() == 1);
    let (english, russian) =
        (page.matches("<span lang=\"en\">").count(), page.matches("<span lang=\"ru\">").count());
    assert_eq!((english, english > 5), (russian, true), "a text in one language only");
    for label in between(&page, "for=\"", "\"") {
        assert!(page.contains(&format!("<input id=\"{label}\"")), "{label}");
    }
    let (head, text) = get(at, script).await;
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: text/javascript"), "{head}");
    let ids = between(&page, "id=\"", "\"");
    let named: BTreeSet<_> =
        between(&text, "$(\"", "\"").into_iter().chain(between(&text, "on(\"", "\"")).collect();
    assert!(named.len() > 8 && named.is_subset(&ids), "{:?}", named.difference(&ids));
    let (head, _) = get(at, "/plain.css").await;
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: text/css"), "{head}");
    // The JSON routes answer beside the page.
    let (head, _) = get(at, "/auth/session").await;
    assert!(head.starts_with("http/1.1 401") && head.contains("application/problem+json"), "{head}");
    server.abort();
}

#[tokio::test]
async fn the_page_for_passkeys_is_of_one_piece() {
    let (listener, origin) = listen().await;
    let auth = passkey_only::auth(&origin, Outbox::default()).unwrap();
    sound(listener, passkey_only::app(auth).unwrap(), "/keys.js").await;
}

#[tokio::test]
async fn the_single_page_is_of_one_piece() {
    let (listener, origin) = listen().await;
    let auth = single_page::auth(&origin, Outbox::default()).unwrap();
    sound(listener, single_page::app(auth).unwrap(), "/client.js").await;
}
