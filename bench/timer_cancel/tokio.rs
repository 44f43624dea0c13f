// SPDX-License-Identifier: BSL-1.0
#[path = "../rust/program.rs"]
mod program;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

const INTERVAL: u64 = 59 * 60 * 1_000_000_000;

async fn deadline(nanoseconds: u64, asleep: Arc<AtomicU64>) {
    asleep.fetch_add(1, Ordering::Relaxed);
    sleep(Duration::from_secs(60) + Duration::from_nanos(nanoseconds)).await;
}

async fn all(timers: u64) -> u64 {
    let asleep = Arc::new(AtomicU64::new(0));
    let after = |i: u64| i.wrapping_mul(0x9E37_79B9_7F4A_7C15) % INTERVAL; // as timers.hpp
    let start = |i: u64| tokio::spawn(deadline(after(i), asleep.clone()));
    let tasks: Vec<_> = (0..timers).map(start).collect();
    while asleep.load(Ordering::Relaxed) < timers {
        tokio::task::yield_now().await;
    }
    for each in &tasks {
        each.abort();
    }
    let mut cancelled = 0;
    for each in tasks {
        cancelled += matches!(each.await, Err(error) if error.is_cancelled()) as u64;
    }
    cancelled
}

fn main() {
    program::program(|bench| {
        let timers = bench.size(200_000, 50_000); // timers.hpp: 1 million
        bench.measure(timers, timers, || all(timers));
    });
}
