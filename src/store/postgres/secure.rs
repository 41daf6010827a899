//! What goes to the server over TLS, and what in the clear.

use std::net::IpAddr;

use deadpool_postgres::Connect;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::PostgresSettings;
use super::failure::Failure;

/// The URL as the driver reads it.
pub(super) fn config(url: &str) -> Result<Config, Failure> {
    // What TLS means here, and a word that the driver does not know.
    let mut known = url.to_owned();
    for before in ["?", "&", " "] {
        known = known.replace(&format!("{before}sslmode=verify-full"), &format!("{before}sslmode=require"));
    }
    // The driver's own error would quote the URL, and the password with it.
    known.parse().map_err(|_| {
        Failure::Unavailable(match url.contains("sslrootcert=") || url.contains("verify-ca") {
            true => {
                "the URL asks for sslrootcert or verify-ca: say sslmode=require, and give the roots to \
                 PostgresSettings::trusting"
            }
            false => "the URL is not one of PostgreSQL",
        })
    })
}

/// Whether everything goes over TLS. In the clear it leaves this machine only where the URL says so; and it stays in the
/// clear here only where nobody has said whom to believe.
pub(super) fn wanted(config: &Config, roots: bool) -> Result<bool, Failure> {
    Ok(match config.get_ssl_mode() {
        SslMode::Disable if roots => {
            return Err(Failure::Unavailable(
                "roots are given, and the URL says sslmode=disable: all would go in the clear",
            ));
        }
        SslMode::Disable => false,
        // The default of the driver and of libpq: it would believe anybody on the way who says that the server speaks
        // no TLS, and send what it was to hide.
        SslMode::Prefer => roots || !stays_here(config),
        _ => true,
    })
}

fn stays_here(config: &Config) -> bool {
    let addresses = config.get_hostaddrs();
    if !addresses.is_empty() {
        return addresses.iter().all(IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

/// The way over TLS, to a server whose certificate is for the host of the URL and signed by one of the roots.
#[cfg(feature = "postgres-tls")]
pub(super) fn way(config: &mut Config, settings: &PostgresSettings) -> Result<Box<dyn Connect>, Failure> {
    use std::sync::Arc;

    use deadpool_postgres::ConfigConnectImpl;
    use rustls::{ClientConfig, RootCertStore, crypto};

    let roots = match &settings.roots {
        None => webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect::<RootCertStore>(),
        Some(pem) => crate::store::roots::read(pem)
            .ok_or(Failure::Unavailable("the roots to trust are not certificates in PEM"))?,
    };
    // Named, not the process's: which one that is, and whether there is one, other crates decide.
    let provider = Arc::new(crypto::ring::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Failure::Unavailable("no version of TLS that is safe is built in"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // What `sslnegotiation=direct` demands (PostgreSQL 17, section 54.2.11).
    tls.alpn_protocols = vec![b"postgresql".to_vec()];
    config.ssl_mode(SslMode::Require);
    Ok(Box::new(ConfigConnectImpl { tls: tokio_postgres_rustls::MakeRustlsConnect::new(tls) }))
}

#[cfg(not(feature = "postgres-tls"))]
pub(super) fn way(_: &mut Config, _: &PostgresSettings) -> Result<Box<dyn Connect>, Failure> {
    Err(Failure::Unavailable(
        "the URL asks for TLS, or leads to another machine: switch on the feature postgres-tls, or write \
         sslmode=disable to send everything in the clear",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_the_clear_it_leaves_this_machine_only_where_the_url_says_so() {
        let tls = |url: &str| wanted(&config(url).expect("a URL"), false).expect("no contradiction");
        for here in [
            "postgres://app:secret@127.0.0.1/app",
            "postgres://app:secret@127.9.9.9:5433/app",
            "postgres://app:secret@localhost/app",
            "postgres://app:secret@[::1]/app",
            "postgres://app:secret@127.0.0.1/app?sslmode=prefer",
            "host=/run/postgresql user=app",
            "host=db.example hostaddr=127.0.0.1 user=app",
            "host=localhost,/run/postgresql user=app",
        ] {
            assert!(!tls(here), "{here}");
        }
        for there in [
            "postgres://app:secret@db.example/app",
            "postgres://app:secret@db.example/app?sslmode=prefer",
            "postgres://app:secret@10.0.0.1/app",
            "postgres://app:secret@localhost.evil.example/app",
            "postgres://app:secret@localhost,db.example/app",
            "postgres://app:secret@[::ffff:10.0.0.1]/app",
            "host=localhost hostaddr=10.0.0.1 user=app",
            "postgres://app:secret@127.0.0.1/app?sslmode=require",
            "postgres://app:secret@127.0.0.1/app?connect_timeout=3&sslmode=verify-full",
            "host=localhost sslmode=verify-full user=app",
        ] {
            assert!(tls(there), "{there}");
        }
        assert!(!tls("postgres://app:secret@db.example/app?sslmode=disable"));
        let here = config("postgres://app:secret@127.0.0.1/app").expect("a URL");
        assert!(wanted(&here, true).expect("no contradiction"), "whom to believe was said");
        let off = config("postgres://app:secret@db.example/app?sslmode=disable").expect("a URL");
        assert!(wanted(&off, true).is_err(), "one of the two is a mistake");
    }

    #[test]
    fn what_the_driver_does_not_know_is_named_without_the_password() {
        for (url, wanted) in [
            ("postgres://app:secret@db.example/app?sslmode=verify-ca", "PostgresSettings::trusting"),
            ("postgres://app:secret@db.example/app?sslrootcert=/etc/ca.pem", "PostgresSettings::trusting"),
            ("postgres://app:secret@db.example/app?sslmode=maybe", "not one of PostgreSQL"),
        ] {
            let why = format!("{:?}", config(url).expect_err("no URL"));
            assert!(why.contains(wanted) && !why.contains("secret"), "{why}");
        }
    }

    #[cfg(not(feature = "postgres-tls"))]
    #[test]
    fn without_the_feature_it_goes_nowhere() {
        let mut there = config("postgres://app:secret@db.example/app").expect("a URL");
        let why = way(&mut there, &PostgresSettings::default()).err().map(|why| format!("{why:?}"));
        assert!(why.is_some_and(|why| why.contains("postgres-tls")));
    }
}
