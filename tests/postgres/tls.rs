//! The way to the server, where others may read it or stand in it.

use propusk::error::StoreError;
use propusk::store::postgres::{PostgresSettings, PostgresStore};
use propusk::store::{Commit, Committed, FlowStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::opening::raw;
use crate::rows::{T0, flow, token};
use crate::server::{fresh, settings, url};

const ROOT: &[u8] = include_bytes!("../tls/root.pem");

async fn refused(url: &str, settings: PostgresSettings) -> String {
    match PostgresStore::connect_with(url, settings).await {
        Err(StoreError::Unavailable(why)) => why.to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Somebody in the server's place who answers the question for TLS so; and what one client sent them beside that question.
async fn impostor(answer: &'static [u8]) -> (u16, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (mut wire, _) = listener.accept().await.unwrap();
        let mut question = [0; 8];
        wire.read_exact(&mut question).await.unwrap();
        // PostgreSQL, "Message Formats": SSLRequest.
        assert_eq!(question, [0, 0, 0, 8, 4, 210, 22, 47]);
        wire.write_all(answer).await.unwrap();
        let mut rest = Vec::new();
        let _ = wire.read_to_end(&mut rest).await;
        rest
    });
    (port, heard)
}

#[tokio::test]
async fn over_tls_it_is_spoken_to_a_server_that_shows_who_it_is() {
    for word in ["require", "verify-full"] {
        let schema = fresh();
        let url = format!("{}?sslmode={word}&application_name={schema}", url());
        let store = PostgresStore::connect_with(&url, settings(&schema).trusting(ROOT)).await.unwrap();
        for n in 1..=4 {
            assert_eq!(store.commit(vec![flow(n)]).await.unwrap(), Committed::Won);
            assert!(store.find_flow(token(n), T0).await.unwrap().is_some());
        }
        let asked = {
            let schema = schema.clone();
            tokio::task::spawn_blocking(move || raw(&schema)).await.unwrap()
        };
        let row = asked
            .query_one(
                "SELECT count(*), count(*) FILTER (WHERE ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                 WHERE application_name = $1",
                &[&schema],
            )
            .await
            .unwrap();
        let (all, secured): (i64, i64) = (row.get(0), row.get(1));
        assert!(all > 0 && secured == all, "{secured} of {all}");
    }
}

#[tokio::test]
async fn another_server_gets_no_password() {
    let url = format!("{}?sslmode=require", url());
    let (_, address) = url.rsplit_once('@').unwrap();
    let port = address.split([':', '/']).nth(1).unwrap();
    let elsewhere = format!(
        "host=localhost hostaddr=127.0.0.1 port={port} user=app password=secret dbname=postgres sslmode=verify-full"
    );
    let anywhere = url.replace("127.0.0.1", "0.0.0.0").replace("?sslmode=require", "");
    let trusting = || settings(&fresh()).trusting(ROOT);
    for (url, settings, wanted) in [
        // The roots of the web did not sign it.
        (&url, settings(&fresh()), "certificate is not"),
        (&elsewhere, trusting(), "certificate is not for this host"),
        // Not this machine, as far as one can tell: TLS without a word of the URL.
        (&anywhere, trusting(), "certificate is not for this host"),
        (&url, settings(&fresh()).trusting("no certificate"), "not certificates"),
    ] {
        let why = refused(url, settings).await;
        assert!(why.contains(wanted), "{url}: {why}");
    }
    // Only who says so goes on in the clear.
    let plain = format!("{anywhere}?sslmode=disable");
    PostgresStore::connect_with(&plain, settings(&fresh())).await.unwrap();

    for (address, word) in [("0.0.0.0", ""), ("127.0.0.1", "?sslmode=require")] {
        let (port, heard) = impostor(b"N").await;
        let url = format!("postgres://app:secret@{address}:{port}/app{word}");
        assert!(refused(&url, trusting()).await.contains("speaks no TLS"));
        assert_eq!(heard.await.unwrap(), b"", "not a byte beside the question");
    }
    // Behind a yes, in the clear: "send me the password" (AuthenticationCleartextPassword).
    let (port, heard) = impostor(b"SR\0\0\0\x08\0\0\0\x03").await;
    let url = format!("postgres://app:secret@0.0.0.0:{port}/app");
    assert!(refused(&url, trusting()).await.contains("handshake"));
    let heard = heard.await.unwrap();
    assert_eq!(heard.first(), Some(&0x16), "a handshake of TLS (RFC 8446 section 5.1)");
    assert!(!heard.windows(6).any(|some| some == b"secret"));
}
