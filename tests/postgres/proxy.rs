//! A wire between the store and its server that counts, and that can be tampered with.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::server;

/// What happens to the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tamper {
    Nothing,
    /// The server understands no BEGIN.
    SpoilBegin,
    /// Everything is cut off once the server has answered a COMMIT, before the answer arrives.
    LoseAnswerToCommit,
    /// Everything is cut off before the COMMIT arrives.
    LoseCommit,
    /// What the server says does not arrive.
    Mute,
    /// A pooler as it comes: who begins with the parameter `options` is refused.
    RefuseOptions,
    /// A pooler that was told to ignore it.
    DropOptions,
    /// As if a pooler gave each transaction to another connection: what was set for the session is gone with the first.
    ForgetSettings,
}

#[derive(Clone)]
pub(crate) struct Proxy(Arc<Inner>);

struct Inner {
    url: String,
    tamper: Mutex<Tamper>,
    turns: AtomicUsize,
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (before, rest) =
            server::url().split_once('@').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let (host, database) = rest.split_once('/').unwrap();
        let url = format!("{before}@{}/{database}", listener.local_addr().unwrap());
        let inner = Inner { url, tamper: Mutex::new(Tamper::Nothing), turns: AtomicUsize::new(0) };
        let proxy = Self(Arc::new(inner));
        let (mine, host) = (proxy.clone(), host.to_owned());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(mine.clone().carry(client, host.clone()));
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> &str {
        &self.0.url
    }

    pub(crate) fn tamper(&self, how: Tamper) {
        *self.0.tamper.lock().unwrap() = how;
    }

    /// How often the client spoke after the server had: so many round trips since this was last asked.
    pub(crate) fn round_trips(&self) -> usize {
        self.0.turns.swap(0, Ordering::SeqCst)
    }

    async fn carry(self, mut client: TcpStream, host: String) {
        let mut server = TcpStream::connect(host).await.unwrap();
        let (mut from_client, mut from_server) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        let (mut begun, mut server_spoke_last, mut committing) = (false, true, false);
        loop {
            tokio::select! {
                read = client.read(&mut from_client) => {
                    let Ok(read @ 1..) = read else { return };
                    let bytes = &mut from_client[..read];
                    if std::mem::replace(&mut server_spoke_last, false) {
                        self.0.turns.fetch_add(1, Ordering::SeqCst);
                    }
                    let how = *self.0.tamper.lock().unwrap();
                    if !std::mem::replace(&mut begun, true) && place(bytes, b"\0options\0").is_some() {
                        match how {
                            Tamper::RefuseOptions => {
                                let no = b"E\0\0\0\x3bSFATAL\0C08P01\0Munsupported startup parameter: options\0\0";
                                let _ = client.write_all(no).await;
                                return;
                            }
                            Tamper::DropOptions => {
                                server.write_all(&without_options(bytes)).await.unwrap();
                                continue;
                            }
                            _ => {}
                        }
                    }
                    while how == Tamper::ForgetSettings && let Some(at) = place(bytes, b", false)") {
                        bytes[at..at + 8].copy_from_slice(b", true )");
                    }
                    if how == Tamper::SpoilBegin && let Some(at) = place(bytes, b"BEGIN ISOLATION") {
                        bytes[at..at + 5].copy_from_slice(b"BEGIX");
                    }
                    // Written by itself, with nothing behind it.
                    if let Some(at) = place(bytes, b"Q\0\0\0\x0bCOMMIT\0") {
                        committing = true;
                        if how == Tamper::LoseCommit {
                            server.write_all(&bytes[..at]).await.unwrap();
                            // What is before it is done.
                            let _ = server.read(&mut from_server).await;
                            return;
                        }
                    }
                    if server.write_all(bytes).await.is_err() {
                        return;
                    }
                }
                read = server.read(&mut from_server) => {
                    let Ok(read @ 1..) = read else { return };
                    let bytes = &from_server[..read];
                    server_spoke_last = true;
                    let how = *self.0.tamper.lock().unwrap();
                    if committing && how == Tamper::LoseAnswerToCommit && place(bytes, b"COMMIT\0").is_some() {
                        return;
                    }
                    if how != Tamper::Mute && client.write_all(bytes).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// The message that begins a connection, without one of its parameters (PostgreSQL, "Message Formats": StartupMessage).
fn without_options(message: &[u8]) -> Vec<u8> {
    let (version, parameters) = message[4..].split_at(4);
    let mut words = parameters.split(|byte| *byte == 0);
    let mut kept = version.to_vec();
    while let (Some(name @ [_, ..]), Some(value)) = (words.next(), words.next()) {
        if name != b"options" {
            kept.extend([name, value].iter().flat_map(|word| [word, &b"\0"[..]].concat()));
        }
    }
    kept.push(0);
    let length = u32::try_from(kept.len() + 4).unwrap().to_be_bytes();
    [&length[..], &kept].concat()
}

fn place(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
