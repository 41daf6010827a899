//! A node's routes behind a socket on loopback, and the connections of its clients.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use propusk::{Auth, Token};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use crate::portal::ORIGIN;

/// Serves a node's routes on a free port.
pub async fn serve(auth: &Auth) -> SocketAddr {
    listen(propusk::axum::router(auth.clone()).unwrap()).await
}

pub async fn listen(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// One connection that stays, one request at a time.
#[derive(Debug)]
pub struct Line(Mutex<SendRequest<Body>>);

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub json: Value,
}

impl Line {
    pub async fn to(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (send, connection) = handshake(TokioIo::new(socket)).await.unwrap();
        tokio::spawn(connection);
        Self(Mutex::new(send))
    }

    /// Posts as a page of the site does, with these cookies and further headers.
    pub async fn post(
        &self,
        path: &str,
        cookies: &[(&str, String)],
        more: &[(&str, String)],
        body: &Value,
    ) -> Reply {
        let mut request = Request::post(path)
            .header(header::HOST, "portal.example")
            .header(header::ORIGIN, ORIGIN)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in more {
            request = request.header(*name, value);
        }
        if !cookies.is_empty() {
            let jar: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, jar.join("; "));
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let mut send = self.0.lock().await;
        send.ready().await.unwrap();
        let (head, body) = send.send_request(request).await.unwrap().into_parts();
        let body = to_bytes(Body::new(body), 1 << 20).await.unwrap();
        let json = serde_json::from_slice(&body).unwrap();
        Reply { status: head.status, headers: head.headers, json }
    }
}

impl Reply {
    /// Whether a cookie is set or removed.
    pub fn sets(&self, name: &str) -> bool {
        let lines = self.headers.get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap());
        lines.filter_map(|line| line.split('=').next()).any(|set| set == name)
    }

    /// A cookie that was set.
    pub fn cookie(&self, name: &str) -> Option<Token> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap());
        let pairs = lines.filter_map(|line| line.split(';').next()?.split_once('='));
        Token::parse(pairs.filter(|(set, _)| *set == name).map(|(_, value)| value).next_back()?)
    }
}
