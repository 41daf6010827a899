//! What `benches/run` talks to: see the README beside it.
#![allow(unreachable_pub, reason = "a module of several programs")]

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

/// The measures of one round.
pub struct Round(());

impl Round {
    /// One measure; lower is better.
    pub fn tell(&mut self, measure: &str, unit: &str, value: f64) {
        line(&format!(r#"{{"measure":"{measure}","unit":"{unit}","value":{value:.3}}}"#));
    }
}

/// Answers `round N` until the input ends. Set up before the call.
pub fn serve(name: &str, mut round: impl FnMut(&mut Round)) {
    line(&format!(r#"{{"ready":"{name}"}}"#));
    for asked in std::io::stdin().lock().lines().map_while(Result::ok) {
        if let Some(number) = asked.strip_prefix("round ") {
            round(&mut Round(()));
            line(&format!(r#"{{"done":{}}}"#, number.trim()));
        }
    }
}

/// The least time of one call, over `batches` batches of `each` calls.
#[allow(dead_code, reason = "each program takes what it needs")]
pub fn least(batches: usize, each: u32, mut call: impl FnMut()) -> Duration {
    (0..batches)
        .map(|_| {
            let start = Instant::now();
            (0..each).for_each(|_| call());
            start.elapsed() / each
        })
        .min()
        .unwrap_or_default()
}

/// The resident memory of this process in bytes.
#[allow(dead_code, reason = "each program takes what it needs")]
pub fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4096
}

fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    // A closed pipe ends the program the same way as a closed input.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
