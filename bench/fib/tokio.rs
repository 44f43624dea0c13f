// SPDX-License-Identifier: BSL-1.0
#[path = "../rust/program.rs"]
mod program;

use std::future::Future;
use std::pin::Pin;

fn fibonacci(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if n < 2 {
            return n;
        }
        let a = tokio::spawn(fibonacci(n - 1));
        let b = tokio::spawn(fibonacci(n - 2));
        a.await.unwrap() + b.await.unwrap()
    })
}

fn value(n: u64) -> u64 {
    (0..n).fold((0, 1), |(a, b), _| (b, a + b)).0
}

fn main() {
    program::program(|bench| {
        let n = bench.size(26, 20); // not fib.hpp's 33: a call takes ten times as long
        bench.measure(2 * value(n + 1) - 1, value(n), || fibonacci(n));
    });
}
