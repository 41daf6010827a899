//! Where things are, from the environment.

use std::env;
use std::error::Error;
use std::fs::DirBuilder;
use std::path::{Path, PathBuf};

use crate::demo::DemoAccount;

/// Where things are.
#[derive(Debug)]
pub struct Config {
    pub port: u16,
    /// Where metrics are served, on loopback; nowhere unless it is given.
    pub metrics: Option<u16>,
    pub origin: String,
    /// The address of the ledger, and of the hot stores where they live elsewhere.
    pub database: String,
    pub redis: Option<String>,
    pub keys: PathBuf,
    pub outbox: PathBuf,
    pub demo: PathBuf,
    pub services: PathBuf,
}

impl Config {
    /// Reads `PORT`, `METRICS_PORT`, `CABINET_DATA`, `DATABASE_URL` and `REDIS_URL`, and makes the data folder.
    pub fn from_env() -> Result<Self, Box<dyn Error>> {
        let web = port("PORT")?.unwrap_or(8080);
        let data = PathBuf::from(env::var_os("CABINET_DATA").unwrap_or_else(|| "cabinet-data".into()));
        private_folder(&data)
            .map_err(|error| format!("the folder {} cannot be made: {error}", data.display()))?;
        let database = env::var("DATABASE_URL")
            .unwrap_or_else(|_| format!("sqlite:{}", data.join("cabinet.db").display()));
        Ok(Self {
            port: web,
            metrics: port("METRICS_PORT")?,
            // Never from a request's Host header: links, form checks and cookies are built on it.
            origin: format!("http://localhost:{web}"),
            database,
            redis: env::var("REDIS_URL").ok(),
            keys: data.join("keys"),
            outbox: data.join("outbox.jsonl"),
            demo: data.join("demo.json"),
            services: data.join("services.jsonl"),
        })
    }

    /// What one needs to go on.
    pub fn print(&self, demo: &DemoAccount) {
        let Self { origin, database, redis, keys, outbox, .. } = self;
        let office = demo.office.as_ref().map_or_else(String::new, |(identifier, password)| {
            format!("\n\n  first sign-in {identifier}\n  temporary     {password}")
        });
        let bare = demo.bare.as_ref().map_or_else(String::new, |(identifier, _)| {
            format!(
                "\n\n  no second step {identifier}, with the same password: adds one at its first sign-in"
            )
        });
        let hot = redis.as_deref().unwrap_or(database);
        println!(
            "\nCabinet, the demo portal of propusk\n\
             \n  address       {origin}\
             \n  demo account  {}\
             \n  password      {}\
             \n  second step   a code by e-mail, to be read at {origin}/outbox\
             {office}{bare}\
             \n\n  database      {}\n  sessions      {}\n  keys          {}\n  messages      {}\
             \n  settings      PORT, METRICS_PORT, RUST_LOG, CABINET_DATA, DATABASE_URL=sqlite:path or postgres://.., REDIS_URL=redis://..\
             \n  to stop       Ctrl+C\n",
            demo.identifier,
            demo.password,
            without_password(database),
            without_password(hot),
            keys.display(),
            outbox.display(),
        );
    }
}

fn port(name: &str) -> Result<Option<u16>, String> {
    let Ok(text) = env::var(name) else { return Ok(None) };
    let port = text.parse().map_err(|_| format!("{name} is a number from 1 to 65535, not `{text}`"))?;
    Ok(Some(port))
}

/// An address for the eye: the password that may stand in it is for nobody's screen.
fn without_password(url: &str) -> String {
    let shown = url.split(',').map(|one| match (one.split_once("://"), one.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => one.to_owned(),
    });
    shown.collect::<Vec<_>>().join(",")
}

fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
