// SPDX-License-Identifier: BSL-1.0
#[path = "../rust/program.rs"]
mod program;

const MANY: u64 = 1000;

async fn count(yields: u64) -> u64 {
    let mut done = 0;
    while done < yields {
        tokio::task::yield_now().await;
        done += 1;
    }
    done
}

async fn all(yields_each: u64) -> u64 {
    let tasks: Vec<_> = (0..MANY).map(|_| tokio::spawn(count(yields_each))).collect();
    let mut done = 0;
    for each in tasks {
        done += each.await.unwrap();
    }
    done
}

fn main() {
    program::program(|bench| {
        let yields = bench.size(5_000_000, 500_000); // yield.hpp: 10 million
        bench.measure(yields, yields, || all(yields / MANY));
    });
}
