//! P8: a protected page of the cabinet against a bare axum handler that gives the same bytes, each a server of its own
//! asked over one connection; the processor's time of the server, user and system.
//!
//! The page is the profile, which needs a session and its account; the home page reads histories and lists besides, and
//! is told for information.
//!
//! The cabinet is the example as it is, started as its program, named on the command line; what asks signs in as a
//! browser would.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a bench")]

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::response::Html;
use axum::routing::get;

#[path = "protocol/http.rs"]
mod http;
#[path = "protocol/protocol.rs"]
mod protocol;

const PAGE: &str = "/profile";
const EACH: u32 = 500;
const BATCHES: usize = 4;

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "bare").skip(1);
    if let (Some(port), Some(page)) = (arguments.next(), arguments.next()) {
        return bare(port.parse().expect("a port"), &page);
    }
    let cabinet = std::env::args().nth(1).expect("the cabinet's program, as benches/run names it");
    let folder = std::env::temp_dir().join(format!("propusk-portal-{}", std::process::id()));
    let mut servers = vec![];
    for (name, database) in [("memory", Some("memory:")), ("sqlite", None)] {
        let data = folder.join(name);
        let mut command = Command::new(&cabinet);
        command.env("CABINET_DATA", &data).env_remove("REDIS_URL").env_remove("DATABASE_URL");
        if let Some(database) = database {
            command.env("DATABASE_URL", database);
        }
        let mut server = Server::start(name, command, |command, port| {
            command.env("PORT", port.to_string());
        });
        server.cookies = sign_in(server.at, &data);
        let page = server.page(PAGE);
        fs::write(folder.join("page.html"), page).expect("a file");
        servers.push(server);
    }
    let page = folder.join("page.html").display().to_string();
    let itself = Command::new(std::env::current_exe().expect("a path"));
    servers.push(Server::start("bare", itself, |command, port| {
        command.args(["bare", &port.to_string(), &page]);
    }));
    protocol::serve("portal", |round| {
        for server in &servers {
            round.tell(&format!("page_{}", server.name), "us", server.cost(PAGE));
            if server.name != "bare" {
                round.tell(&format!("home_{}", server.name), "us", server.cost("/home"));
            }
        }
    });
    drop(servers);
    let _ = fs::remove_dir_all(&folder);
}

/// A running server; stopped when this is dropped.
struct Server {
    name: &'static str,
    at: SocketAddr,
    cookies: String,
    process: Child,
}

impl Server {
    fn start(name: &'static str, mut command: Command, told: impl FnOnce(&mut Command, u16)) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        told(&mut command, free.port());
        let process = command.stdout(Stdio::null()).spawn().expect("a process");
        let begun = Instant::now();
        while TcpStream::connect(free).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{name} does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { name, at: free, cookies: String::new(), process }
    }

    fn request(&self, path: &str) -> String {
        http::get(path, &format!("Cookie: {}\r\nAccept-Language: ru\r\n", self.cookies))
    }

    fn page(&self, path: &str) -> String {
        let answer = http::Client::connect(self.at).ask(&self.request(path));
        assert_eq!(answer.status, 200, "{}", answer.head);
        answer.body
    }

    /// The least time of the processor for one request, in microseconds.
    fn cost(&self, path: &str) -> f64 {
        let (mut client, request) = (http::Client::connect(self.at), self.request(path));
        let mut least = f64::MAX;
        for _ in 0..BATCHES {
            let before = self.spent();
            for _ in 0..EACH {
                assert_eq!(client.ask(&request).status, 200);
            }
            least = least.min((self.spent() - before) as f64 / f64::from(EACH) / 1e3);
        }
        least
    }

    /// Nanoseconds of processor time that all its threads took so far.
    fn spent(&self) -> u64 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("Linux");
        let times =
            threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("schedstat")).ok());
        times.filter_map(|text| text.split(' ').next()?.parse::<u64>().ok()).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn bare(port: u16, page: &str) {
    let page: &'static str = fs::read_to_string(page).expect("the page").leak();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let app = Router::new().route(PAGE, get(move || async move { Html(page) }));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
        axum::serve(listener, app).await.expect("it serves");
    });
}

/// Signs in to the demo account, and gives the cookies of a browser that has.
fn sign_in(at: SocketAddr, data: &Path) -> String {
    let origin = format!("Origin: http://localhost:{}\r\n", at.port());
    let begun = Instant::now();
    let demo = loop {
        match fs::read_to_string(data.join("demo.json"))
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
        {
            Some(demo) => break demo,
            None => assert!(begun.elapsed() < Duration::from_secs(20), "the demo account is not there"),
        }
    };
    let demo: serde_json::Value = demo;
    let field = |name: &str| demo[name].as_str().expect("text").replace(' ', "+").replace('@', "%40");
    let mut client = http::Client::connect(at);
    let mut jar = std::collections::BTreeMap::new();
    let mut ask = |path: &str, body: Option<String>| {
        let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers = format!("Cookie: {}\r\n{origin}", cookies.join("; "));
        let answer = client.ask(&match body {
            Some(body) => http::post(path, "application/x-www-form-urlencoded", &headers, &body),
            None => http::get(path, &headers),
        });
        for (name, value) in answer.cookies().filter_map(|pair| pair.split_once('=')) {
            jar.insert(name.to_owned(), value.to_owned());
        }
        answer
    };
    let token = |page: &str, action: &str| {
        let form = page.split(&format!("action=\"{action}\"")).nth(1).expect("the form").to_owned();
        let value = form.split("name=\"form_token\" value=\"").nth(1).expect("a token").to_owned();
        value.split('"').next().expect("a token").to_owned()
    };
    let page = ask("/sign-in", None).body;
    let body = format!(
        "form_token={}&identifier={}&password={}",
        token(&page, "/sign-in"),
        field("identifier"),
        field("password")
    );
    assert_eq!(ask("/sign-in", Some(body)).status, 303);
    let page = ask("/sign-in/code", None).body;
    let begun = Instant::now();
    let code = loop {
        let letters = fs::read_to_string(data.join("outbox.jsonl")).expect("the outbox");
        // The first letter opened the account, the second is this one.
        let codes = letters.lines().filter_map(|line| {
            let letter: serde_json::Value = serde_json::from_str(line).ok()?;
            let digits = letter["body"].as_str()?.split(|c: char| !c.is_ascii_digit());
            digits.map(str::to_owned).find(|digits| digits.len() == 6)
        });
        match codes.skip(1).last() {
            Some(code) => break code,
            None => assert!(begun.elapsed() < Duration::from_secs(20), "no code came"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let body = format!("form_token={}&code={code}", token(&page, "/sign-in/code"));
    let answer = ask("/sign-in/code", Some(body));
    assert_eq!(answer.status, 303, "{}", answer.body);
    jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}
