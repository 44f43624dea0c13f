// SPDX-License-Identifier: BSL-1.0
#[path = "../rust/program.rs"]
mod program;

async fn count(yields: u64) -> u64 {
    let mut done = 0;
    while done < yields {
        tokio::task::yield_now().await;
        done += 1;
    }
    done
}

fn main() {
    program::program(|bench| {
        let yields = bench.size(1_000_000, 100_000); // yield.hpp: 10 million
        bench.measure(yields, yields, || count(yields));
    });
}
