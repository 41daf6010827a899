//! What an operator sees: lines on stderr, and metrics for a monitoring system. There is no secret and no person in
//! either, but they tell how the site fares: metrics are served on loopback only, on a port of their own, so that no
//! proxy in front of the site ever passes them on.

use std::error::Error;
use std::future::ready;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// Lines as `RUST_LOG` asks for them; warnings and errors where it says nothing.
pub fn logs() -> Result<(), Box<dyn Error>> {
    let filter =
        EnvFilter::builder().with_default_directive(tracing_subscriber::filter::LevelFilter::WARN.into());
    tracing_subscriber::fmt()
        .with_env_filter(filter.from_env()?)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init()
        .map_err(|error| format!("logs cannot be written: {error}").into())
}

/// Metrics at `http://127.0.0.1:PORT/metrics`, as Prometheus reads them.
pub async fn metrics(port: u16) -> Result<(), Box<dyn Error>> {
    // Times in buckets, so that those of several nodes can be added up.
    let recorder = PrometheusBuilder::new().set_buckets(&BUCKETS)?.install_recorder()?;
    let tended = recorder.clone();
    tokio::spawn(async move {
        // Times that were not yet asked for are added up, or they would lie about for as long as nobody asks.
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            tended.run_upkeep();
        }
    });
    let page = Router::new().route("/metrics", get(move || ready(recorder.render())));
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(|error| format!("METRICS_PORT {port} cannot be used: {error}"))?;
    println!("metrics at http://127.0.0.1:{port}/metrics");
    tokio::spawn(async move { axum::serve(listener, page).await });
    Ok(())
}

/// Seconds: a store in memory answers in microseconds, a slow hash in hundredths, a crowd waits.
const BUCKETS: [f64; 10] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];
