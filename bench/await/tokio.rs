// SPDX-License-Identifier: BSL-1.0
#[path = "../rust/program.rs"]
mod program;

use std::future::Future;
use std::pin::Pin;

// A plain async fn lies within the state of who awaits it, and the compiler leaves an addition of
// it. A future in a box of its own is what a recursion or a trait object takes, and what a task of
// the others is.
#[inline(never)]
fn number(i: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move { i })
}

async fn add_up(awaits: u64) -> u64 {
    let mut sum = 0;
    for i in 0..awaits {
        sum += number(i).await;
    }
    sum
}

fn main() {
    program::program(|bench| {
        let awaits = bench.size(10_000_000, 1_000_000); // as await.hpp
        bench.measure(awaits, awaits * (awaits - 1) / 2, || add_up(awaits));
    });
}
