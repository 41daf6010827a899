//! Clients by their addresses, over TLS where those say so (`rediss://`).

use redis::cluster::ClusterClientBuilder;
use redis::{Client, ConnectionAddr, IntoConnectionInfo, RedisResult};

use crate::error::StoreError;

/// Whose signature under a server's certificate is believed; `None`: the roots of the web.
pub(super) type Roots = Option<Vec<u8>>;

/// Refuses addresses that mean TLS and would not get it, or not with a server that shows who it is.
pub(super) fn judge(urls: &[&str], roots: &Roots) -> Result<(), StoreError> {
    let mut over_tls = 0;
    for url in urls {
        // As the driver reads it: in any case of letters, and by other names of the scheme, too.
        let info = (*url).into_connection_info().map_err(|_| match cfg!(feature = "redis-tls") {
            true => StoreError::Unfit("the Redis address is not one"),
            false => StoreError::Unfit("the Redis address is not one, or needs the feature redis-tls"),
        })?;
        if let ConnectionAddr::TcpTls { insecure, .. } = info.addr() {
            over_tls += 1;
            // Another crate may have built the driver with what this asks for.
            if *insecure {
                return Err(StoreError::Unfit(
                    "a server that need not show who it is (#insecure) may be anybody",
                ));
            }
        }
    }
    if over_tls == 0 {
        return match roots {
            None => Ok(()),
            Some(_) => Err(StoreError::Unfit(
                "roots are given, and the address is not rediss://: all would go in the clear",
            )),
        };
    }
    if over_tls < urls.len() {
        return Err(StoreError::Unfit("one cluster is reached over TLS at all of its nodes, or at none"));
    }
    ready(roots)
}

#[cfg(not(feature = "redis-tls"))]
const fn ready(_: &Roots) -> Result<(), StoreError> {
    Err(StoreError::Unfit("rediss:// needs the feature redis-tls"))
}

#[cfg(feature = "redis-tls")]
fn ready(roots: &Roots) -> Result<(), StoreError> {
    use rustls::crypto::{CryptoProvider, ring};

    // The driver would take it for a server that does not answer.
    if roots.as_ref().is_some_and(|pem| crate::store::roots::read(pem).is_none()) {
        return Err(StoreError::Unfit("the roots to trust are not certificates in PEM"));
    }
    if CryptoProvider::get_default().is_none() {
        // The driver takes the process's, and panics where other crates leave two to choose from. Lost to another
        // thread: there is one then.
        let _ = ring::default_provider().install_default();
    }
    Ok(())
}

// Roots are given to addresses of TLS only: `judge` has seen to it.

#[cfg(feature = "redis-tls")]
pub(super) fn client(url: &str, roots: &Roots) -> RedisResult<Client> {
    match roots {
        Some(_) => Client::build_with_tls(url, certificates(roots)),
        None => Client::open(url),
    }
}

#[cfg(not(feature = "redis-tls"))]
pub(super) fn client(url: &str, _: &Roots) -> RedisResult<Client> {
    Client::open(url)
}

#[cfg(feature = "redis-tls")]
pub(super) fn cluster(nodes: Vec<&str>, roots: &Roots) -> ClusterClientBuilder {
    let builder = ClusterClientBuilder::new(nodes);
    if roots.is_some() { builder.certs(certificates(roots)) } else { builder }
}

#[cfg(not(feature = "redis-tls"))]
pub(super) fn cluster(nodes: Vec<&str>, _: &Roots) -> ClusterClientBuilder {
    ClusterClientBuilder::new(nodes)
}

#[cfg(feature = "redis-tls")]
fn certificates(roots: &Roots) -> redis::TlsCertificates {
    redis::TlsCertificates { client_tls: None, root_cert: roots.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(urls: &[&str], roots: &Roots) -> String {
        judge(urls, roots).err().map(|error| error.to_string()).unwrap_or_default()
    }

    /// By whatever name and case an address asks for TLS, it gets it with a server that shows who it is, or nothing.
    #[test]
    fn addresses_that_mean_tls_get_it() {
        let roots = Some(b"-----BEGIN".to_vec());
        for clear in ["redis://a.example", "REDIS://a.example:7000/1", "valkey://a.example"] {
            assert_eq!(why(&[clear], &None), "", "{clear}");
            assert!(why(&[clear], &roots).contains("in the clear"), "{clear}");
        }
        for tls in ["rediss://a.example", "REDISS://a.example", "valkeys://a.example"] {
            #[cfg(feature = "redis-tls")]
            {
                assert_eq!(why(&[tls], &None), "", "{tls}");
                assert!(why(&[tls], &roots).contains("not certificates"), "{tls}");
                assert!(why(&[&format!("{tls}/#insecure")], &None).contains("#insecure"), "{tls}");
                assert!(why(&[tls, "redis://b.example"], &None).contains("at all of its nodes"), "{tls}");
            }
            #[cfg(not(feature = "redis-tls"))]
            assert!(why(&[tls], &None).contains("redis-tls"), "{tls}");
        }
    }
}
