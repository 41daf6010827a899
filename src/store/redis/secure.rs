//! Clients by their addresses, over TLS where those say so (`rediss://`).

use redis::Client;
use redis::cluster::ClusterClientBuilder;

use crate::error::StoreError;

/// Whose signature under a server's certificate is believed; `None`: the roots of the web.
pub(super) type Roots = Option<Vec<u8>>;

/// Refuses addresses that mean TLS and would not get it, or not with a server that shows who it is.
pub(super) fn judge(urls: &[&str]) -> Result<(), StoreError> {
    let over_tls = |url: &&&str| url.starts_with("rediss:");
    let all = urls.iter().filter(over_tls).count();
    if all == 0 {
        return Ok(());
    }
    if cfg!(not(feature = "redis-tls")) {
        return Err(StoreError::Unfit("rediss:// needs the feature redis-tls"));
    }
    if all < urls.len() {
        return Err(StoreError::Unfit("one cluster is reached over TLS at all of its nodes, or at none"));
    }
    // Another crate may have built the driver with what this asks for.
    if urls.iter().any(|url| url.contains('#')) {
        return Err(StoreError::Unfit("a server that need not show who it is (#insecure) may be anybody"));
    }
    #[cfg(feature = "redis-tls")]
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // The driver takes the process's, and panics where other crates leave two to choose from. Lost to another
        // thread: there is one then.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Ok(())
}

#[cfg(feature = "redis-tls")]
pub(super) fn client(url: &str, roots: &Roots) -> redis::RedisResult<Client> {
    match (url.starts_with("rediss:"), roots) {
        (true, Some(_)) => Client::build_with_tls(url, certificates(roots)),
        _ => Client::open(url),
    }
}

#[cfg(not(feature = "redis-tls"))]
pub(super) fn client(url: &str, _: &Roots) -> redis::RedisResult<Client> {
    Client::open(url)
}

#[cfg(feature = "redis-tls")]
pub(super) fn cluster(nodes: Vec<&str>, roots: &Roots) -> ClusterClientBuilder {
    let over_tls = roots.is_some() && nodes.iter().all(|url| url.starts_with("rediss:"));
    let builder = ClusterClientBuilder::new(nodes);
    if over_tls { builder.certs(certificates(roots)) } else { builder }
}

#[cfg(not(feature = "redis-tls"))]
pub(super) fn cluster(nodes: Vec<&str>, _: &Roots) -> ClusterClientBuilder {
    ClusterClientBuilder::new(nodes)
}

#[cfg(feature = "redis-tls")]
fn certificates(roots: &Roots) -> redis::TlsCertificates {
    redis::TlsCertificates { client_tls: None, root_cert: roots.clone() }
}
