// SPDX-License-Identifier: BSL-1.0
#[path = "../rust/program.rs"]
mod program;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use tokio::sync::Notify;

#[derive(Default)]
struct Meeting {
    over: Notify,
    come: AtomicU64,
    gone: AtomicU64,
}

async fn guest(at: Arc<Meeting>) {
    let over = at.over.notified(); // from here on, no call is missed
    at.come.fetch_add(1, Ordering::Relaxed);
    over.await;
    at.gone.fetch_add(1, Ordering::Relaxed);
}

/// How many have gone, and bytes a task.
async fn host(tasks: u64, before: f64) -> (u64, f64) {
    let here = Arc::new(Meeting::default());
    let mut guests = Vec::with_capacity(tasks as usize);
    for _ in 0..tasks {
        guests.push(tokio::spawn(guest(here.clone())));
    }
    while here.come.load(Ordering::Relaxed) < tasks {
        tokio::task::yield_now().await;
    }
    let each = (program::resident_bytes() - before) / tasks as f64;
    here.over.notify_waiters();
    for each in guests {
        each.await.unwrap();
    }
    (here.gone.load(Ordering::Relaxed), each)
}

fn main() {
    program::program(|bench| {
        let tasks = bench.size(1_000_000, 100_000); // as memory.hpp
        let before = program::resident_bytes();
        let figure = program::Figure::OfFirstRun;
        bench.measure_and_report(tasks, tasks, figure, || host(tasks, before));
    });
}
