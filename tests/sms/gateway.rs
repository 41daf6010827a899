//! A little gateway: a real server on a loopback port that does what it is told, and keeps what it was sent.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

// The certificates in `tests/tls` were made for these tests, for a hundred years; the key of their root is nowhere any more.

/// What it was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// What it does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Does {
    /// These bytes, then the connection ends.
    Says(Vec<u8>),
    /// Nothing, until the client has gone.
    Nothing,
    /// These bytes, then this one again and again until the client has gone.
    Babbles(Vec<u8>, u8),
}

pub(crate) fn status(status: u16, headers: &str, body: &str) -> Does {
    let length = body.len();
    Does::Says(
        format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes(),
    )
}

#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    does: Arc<Mutex<VecDeque<Does>>>,
    pub(crate) connections: Arc<Mutex<usize>>,
}

impl Gateway {
    /// Does these in turn, one for each request, and the last again and again.
    pub(crate) fn that(does: impl IntoIterator<Item = Does>) -> Self {
        Self::with(does, None)
    }

    /// The same under TLS.
    pub(crate) fn tls(certificate: &str, does: impl IntoIterator<Item = Does>) -> Self {
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("../tls/loopback.key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap();
        Self::with(does, Some(Arc::new(config)))
    }

    fn with(does: impl IntoIterator<Item = Does>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gateway = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            does: Arc::new(Mutex::new(does.into_iter().collect())),
            connections: Arc::default(),
        };
        let serving = gateway.clone();
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (serving, tls) = (serving.clone(), tls.clone());
                *serving.connections.lock().unwrap() += 1;
                thread::spawn(move || match tls {
                    Some(config) => {
                        let tls = ServerConnection::new(config).unwrap();
                        serving.serve(StreamOwned::new(tls, stream.unwrap()));
                    }
                    None => serving.serve(stream.unwrap()),
                });
            }
        });
        gateway
    }

    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}/send", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    fn serve(&self, stream: impl Read + Write) {
        let mut stream = BufReader::new(stream);
        let mut asked = Asked::default();
        let Ok(1..) = stream.read_line(&mut asked.line) else { return };
        loop {
            let mut line = String::new();
            let Ok(1..) = stream.read_line(&mut line) else { return };
            match line.trim_end().split_once(": ") {
                Some((name, value)) => asked.headers.push((name.to_ascii_lowercase(), value.to_owned())),
                None => break,
            }
        }
        let mut body = vec![0; asked.header("content-length").parse().unwrap_or(0)];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        asked.body = String::from_utf8(body).unwrap();
        let does = {
            // Taken under the lock of what was asked: the order of both is one.
            let mut list = self.asked.lock().unwrap();
            list.push(asked);
            let mut does = self.does.lock().unwrap();
            if does.len() > 1 { does.pop_front().unwrap() } else { does[0].clone() }
        };
        match does {
            Does::Says(bytes) => {
                let _ = stream.get_mut().write_all(&bytes);
                let _ = stream.get_mut().flush();
            }
            Does::Nothing => {
                let _ = stream.read_to_end(&mut Vec::new());
            }
            Does::Babbles(bytes, byte) => {
                let mut gone = stream.get_mut().write_all(&bytes).is_err();
                while !gone {
                    gone = stream.get_mut().write_all(&[byte]).is_err();
                }
            }
        }
    }
}

/// A port where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
