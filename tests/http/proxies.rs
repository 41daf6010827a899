//! The client's address behind trusted proxies.

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::routing::get;
use propusk::Profile;
use propusk::axum::{AuthHttp, ClientInfo, TrustedProxies};
use std::net::SocketAddr;

use crate::portal::portal;
use crate::web::Web;

async fn seen(proxies: &TrustedProxies, peer: &str, header: &str, lines: &[&str]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
    seen_in(proxies, peer, header, &lines).await
}

async fn seen_in(proxies: &TrustedProxies, peer: &str, header: &str, lines: &[&[u8]]) -> String {
    let (auth, _) = portal(Profile::nist_aal1());
    let http = AuthHttp::builder(auth).trusted_proxies(proxies.clone()).build().unwrap();
    let show = async |ClientInfo(client): ClientInfo| client.address.unwrap().to_string();
    let router = Router::new().route("/", get(show)).with_state(http);
    let peer: SocketAddr = peer.parse().unwrap();
    let mut request = Request::builder().uri("/").extension(ConnectInfo(peer));
    for line in lines {
        request = request.header(header, *line);
    }
    let reply = Web::browser(&router).send(request.body(Body::empty()).unwrap()).await.expect(200);
    String::from_utf8(reply.body).unwrap()
}

#[tokio::test]
async fn the_rightmost_hop_that_is_not_trusted_is_the_client() {
    let proxies = TrustedProxies::x_forwarded_for(&["10.0.0.0/8", "192.0.2.7", "fd00::/8"]).unwrap();
    let cases: [(&str, &[&str], &str); 16] = [
        // A peer that is no proxy: its header is its own invention.
        ("203.0.113.5:1", &["198.51.100.1"], "203.0.113.5"),
        ("10.0.0.1:1", &[], "10.0.0.1"),
        ("10.0.0.1:1", &["198.51.100.1"], "198.51.100.1"),
        ("[::ffff:10.0.0.1]:1", &["198.51.100.1"], "198.51.100.1"),
        ("[fd00::1]:1", &["2001:db8::1"], "2001:db8::1"),
        ("10.0.0.1:1", &["::ffff:198.51.100.1"], "198.51.100.1"),
        // What the client wrote stands to the left of what the proxy saw.
        ("10.0.0.1:1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1:1", &["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1:1", &["1.1.1.1, 198.51.100.1, 10.9.9.9,192.0.2.7"], "198.51.100.1"),
        ("10.0.0.1:1", &["10.0.0.2, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1:1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        // Nonsense ends the search where it stands.
        ("10.0.0.1:1", &["1.1.1.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1:1", &["1.1.1.1,"], "10.0.0.1"),
        ("10.0.0.1:1", &["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1:1", &["[2001:db8::1]:4711"], "2001:db8::1"),
        ("192.0.2.8:1", &["198.51.100.1"], "192.0.2.8"),
    ];
    for (peer, lines, expected) in cases {
        assert_eq!(seen(&proxies, peer, "x-forwarded-for", lines).await, expected, "{peer} {lines:?}");
        assert_eq!(
            seen(&TrustedProxies::none(), peer, "x-forwarded-for", lines).await,
            peer.parse::<SocketAddr>().unwrap().ip().to_canonical().to_string()
        );
    }
    let long = format!("{}198.51.100.1", "1.1.1.1, ".repeat(10_000));
    assert_eq!(seen(&proxies, "10.0.0.1:1", "x-forwarded-for", &[&long]).await, "198.51.100.1");
    // The header that this proxy does not write is the client's.
    assert_eq!(seen(&proxies, "10.0.0.1:1", "forwarded", &["for=1.1.1.1"]).await, "10.0.0.1");
}

#[tokio::test]
async fn what_is_no_text_hides_no_hop() {
    let proxies = TrustedProxies::x_forwarded_for(&["10.0.0.0/8"]).unwrap();
    for line in [&b"\xff, 198.51.100.1"[..], b"1.1.1.1, \xff\xfe,198.51.100.1, 10.0.0.2"] {
        assert_eq!(seen_in(&proxies, "10.0.0.1:1", "x-forwarded-for", &[line]).await, "198.51.100.1");
    }
    let lines: [&[u8]; 2] = [b"\xff", b"198.51.100.1"];
    assert_eq!(seen_in(&proxies, "10.0.0.1:1", "x-forwarded-for", &lines).await, "198.51.100.1");
    assert_eq!(
        seen_in(&proxies, "10.0.0.1:1", "x-forwarded-for", &[b"198.51.100.1, \xff"]).await,
        "10.0.0.1"
    );
    let proxies = TrustedProxies::forwarded(&["10.0.0.0/8"]).unwrap();
    let line = b"for=\xff, for=198.51.100.1";
    assert_eq!(seen_in(&proxies, "10.0.0.1:1", "forwarded", &[line]).await, "198.51.100.1");
}

#[tokio::test]
async fn forwarded_is_read_as_rfc_7239_writes_it() {
    let proxies = TrustedProxies::forwarded(&["10.0.0.0/8"]).unwrap();
    for (line, expected) in [
        ("for=198.51.100.1", "198.51.100.1"),
        ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
        ("for=1.1.1.1, for=198.51.100.1;proto=http;by=203.0.113.43", "198.51.100.1"),
        ("proto=https ; for=\"198.51.100.1:80\"", "198.51.100.1"),
        ("for=_hidden", "10.0.0.1"),
        ("for=unknown", "10.0.0.1"),
        ("proto=https", "10.0.0.1"),
        ("198.51.100.1", "10.0.0.1"),
    ] {
        assert_eq!(seen(&proxies, "10.0.0.1:1", "forwarded", &[line]).await, expected, "{line}");
    }
    assert_eq!(seen(&proxies, "10.0.0.1:1", "x-forwarded-for", &["1.1.1.1"]).await, "10.0.0.1");
}

#[test]
fn what_is_no_network_is_refused_at_the_start() {
    for bad in ["", "10", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "localhost", "10.0.0.0/8 "] {
        assert!(TrustedProxies::x_forwarded_for(&[bad]).is_err(), "{bad}");
    }
    for good in ["0.0.0.0/0", "::/0", "10.0.0.1", "10.0.0.1/32", "fe80::1/128"] {
        assert!(TrustedProxies::forwarded(&[good]).is_ok(), "{good}");
    }
}

#[tokio::test]
async fn all_of_ipv4_is_not_all_of_ipv6() {
    let proxies = TrustedProxies::x_forwarded_for(&["0.0.0.0/0"]).unwrap();
    assert_eq!(seen(&proxies, "[2001:db8::1]:1", "x-forwarded-for", &["1.1.1.1"]).await, "2001:db8::1");
    assert_eq!(seen(&proxies, "203.0.113.1:1", "x-forwarded-for", &["2001:db8::2"]).await, "2001:db8::2");
}
