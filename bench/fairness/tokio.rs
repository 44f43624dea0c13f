// SPDX-License-Identifier: BSL-1.0
#[path = "../rust/program.rs"]
mod program;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

const PINGERS: u64 = 1000;
const STEP: Duration = Duration::from_micros(100); // as fairness.hpp

/// How many steps it had.
async fn hog(ended: Arc<AtomicU64>) -> u64 {
    let mut steps = 0;
    while ended.load(Ordering::Relaxed) < PINGERS {
        let start = Instant::now();
        while start.elapsed() < STEP {}
        steps += 1;
        tokio::task::yield_now().await;
    }
    steps
}

async fn pinger(times: u64, ended: Arc<AtomicU64>) -> Vec<Duration> {
    let mut delays = Vec::with_capacity(times as usize);
    for _ in 0..times {
        let ready = Instant::now();
        tokio::task::yield_now().await;
        delays.push(ready.elapsed());
    }
    ended.fetch_add(1, Ordering::Relaxed);
    delays
}

/// How many delays were measured, and their 99th percentile.
async fn play(times: u64) -> (u64, f64) {
    let ended = Arc::new(AtomicU64::new(0));
    let hog = tokio::spawn(hog(ended.clone()));
    let start = |_| tokio::spawn(pinger(times, ended.clone()));
    let pingers: Vec<_> = (0..PINGERS).map(start).collect();
    let mut delays = Vec::new();
    for each in pingers {
        delays.append(&mut each.await.unwrap());
    }
    let steps = hog.await.unwrap();
    assert!(steps * 20 >= times, "the hog had {} steps only", steps); // as fairness.hpp
    let microseconds = program::percentile_99(&mut delays);
    (delays.len() as u64, microseconds)
}

fn main() {
    program::program(|bench| {
        let (times, figure) = (bench.size(1000, 200), program::Figure::OfMeasuredRun);
        let pings = times * PINGERS; // as fairness.hpp
        bench.measure_and_report(pings, pings, figure, || play(times));
    });
}
