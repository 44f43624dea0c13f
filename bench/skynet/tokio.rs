// SPDX-License-Identifier: BSL-1.0
#[path = "../rust/program.rs"]
mod program;

use std::future::Future;
use std::pin::Pin;

const CHILDREN: u64 = 10;

fn node(first: u64, leaves: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if leaves == 1 {
            return first;
        }
        let each = leaves / CHILDREN;
        let below: Vec<_> =
            (0..CHILDREN).map(|i| tokio::spawn(node(first + i * each, each))).collect();
        let mut sum = 0;
        for child in below {
            sum += child.await.unwrap();
        }
        sum
    })
}

fn tasks(leaves: u64) -> u64 {
    if leaves == 1 {
        1
    } else {
        leaves + tasks(leaves / CHILDREN)
    }
}

fn main() {
    program::program(|bench| {
        let leaves = bench.size(1_000_000, 100_000); // skynet.hpp: 10 million
        bench.measure(tasks(leaves), leaves * (leaves - 1) / 2, || node(0, leaves));
    });
}
