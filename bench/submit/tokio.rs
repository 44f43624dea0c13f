// SPDX-License-Identifier: BSL-1.0
#[path = "../rust/program.rs"]
mod program;

use tokio::runtime::Runtime;

// An empty task counts as one when its handle says that it has ended.
fn all(runtime: &Runtime, tasks: u64) -> u64 {
    let handles: Vec<_> = (0..tasks).map(|_| runtime.spawn(async {})).collect();
    runtime.block_on(async {
        let mut ended = 0;
        for each in handles {
            ended += each.await.is_ok() as u64;
        }
        ended
    })
}

fn main() {
    program::program(|bench| {
        let tasks = bench.size(500_000, 100_000); // spawn_join.hpp: 1 million
        bench.measure_outside(tasks, tasks, |runtime| all(runtime, tasks));
    });
}
