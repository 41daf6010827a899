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
    pub origin: String,
    pub database: PathBuf,
    pub keys: PathBuf,
    pub outbox: PathBuf,
    pub demo: PathBuf,
}

impl Config {
    /// Reads `PORT`, `CABINET_DATA` and `DATABASE_URL`, and makes the data folder.
    pub fn from_env() -> Result<Self, Box<dyn Error>> {
        let port = match env::var("PORT") {
            Ok(port) => {
                port.parse().map_err(|_| format!("PORT is a number from 1 to 65535, not `{port}`"))?
            }
            Err(_) => 8080,
        };
        let data = PathBuf::from(env::var_os("CABINET_DATA").unwrap_or_else(|| "cabinet-data".into()));
        private_folder(&data)
            .map_err(|error| format!("the folder {} cannot be made: {error}", data.display()))?;
        let database = match env::var("DATABASE_URL") {
            Ok(url) => match url.strip_prefix("sqlite:") {
                Some(path) => PathBuf::from(path),
                None => {
                    return Err("DATABASE_URL is sqlite:path, other databases are not built in yet".into());
                }
            },
            Err(_) => data.join("cabinet.db"),
        };
        Ok(Self {
            port,
            // Never from a request's Host header: links, form checks and cookies are built on it.
            origin: format!("http://localhost:{port}"),
            database,
            keys: data.join("keys"),
            outbox: data.join("outbox.jsonl"),
            demo: data.join("demo.json"),
        })
    }

    /// What one needs to go on.
    pub fn print(&self, demo: &DemoAccount) {
        let Self { origin, database, keys, outbox, .. } = self;
        println!(
            "\nCabinet, the demo portal of propusk\n\
             \n  address       {origin}\
             \n  demo account  {}\
             \n  password      {}\
             \n  second step   a code by e-mail, to be read at {origin}/outbox\
             \n\n  database      {}\n  keys          {}\n  messages      {}\
             \n  settings      PORT, CABINET_DATA, DATABASE_URL=sqlite:path\
             \n  to stop       Ctrl+C\n",
            demo.identifier,
            demo.password,
            database.display(),
            keys.display(),
            outbox.display(),
        );
    }
}

fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
