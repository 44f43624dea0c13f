// SPDX-License-Identifier: BSL-1.0
#[path = "../rust/program.rs"]
mod program;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

async fn all<F>(tasks: u64, one: impl Fn() -> F)
where
    F: std::future::Future<Output = ()> + Send + 'static,
{
    let handles: Vec<_> = (0..tasks).map(|_| tokio::spawn(one())).collect();
    for each in handles {
        each.await.unwrap();
    }
}

// As in spawn_join.hpp, the unmeasured run counts the tasks, and in the measured one they are empty.
async fn run(tasks: u64, counting: bool) -> u64 {
    if !counting {
        all(tasks, || async {}).await;
        return tasks;
    }
    let count = Arc::new(AtomicU64::new(0));
    let one = || {
        let count = count.clone();
        async move {
            count.fetch_add(1, Ordering::Relaxed);
        }
    };
    all(tasks, one).await;
    count.load(Ordering::Relaxed)
}

fn main() {
    program::program(|bench| {
        let tasks = bench.size(500_000, 100_000); // spawn_join.hpp: 1 million
        let first = AtomicBool::new(true);
        bench.measure(tasks, tasks, || run(tasks, first.swap(false, Ordering::Relaxed)));
    });
}
