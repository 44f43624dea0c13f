// SPDX-License-Identifier: BSL-1.0
#[path = "../rust/program.rs"]
mod program;

use std::time::Duration;
use tokio::time::sleep;

async fn ring(nanoseconds: u64) {
    sleep(Duration::from_nanos(nanoseconds)).await;
}

async fn all(timers: u64) -> u64 {
    let soon = |i: u64| i.wrapping_mul(0x9E37_79B9_7F4A_7C15) % (10 * timers); // as timers.hpp
    let tasks: Vec<_> = (0..timers).map(|i| tokio::spawn(ring(soon(i)))).collect();
    let mut fired = 0;
    for each in tasks {
        fired += each.await.is_ok() as u64;
    }
    fired
}

fn main() {
    program::program(|bench| {
        let timers = bench.size(200_000, 50_000); // timers.hpp: 1 million
        bench.measure(timers, timers, || all(timers));
    });
}
