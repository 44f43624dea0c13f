// SPDX-License-Identifier: BSL-1.0
#[path = "../rust/program.rs"]
mod program;

use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};

// To send is no await here: the task gives way to nobody until it is through.
async fn produce(out: UnboundedSender<u64>, items: u64) {
    for i in 0..items {
        out.send(i).unwrap();
    }
}

async fn consume(mut incoming: UnboundedReceiver<u64>) -> u64 {
    let mut sum = 0;
    while let Some(item) = incoming.recv().await {
        sum += item;
    }
    sum
}

async fn pass(items: u64) -> u64 {
    let (out, incoming) = unbounded_channel();
    let produced = tokio::spawn(produce(out, items));
    let sum = tokio::spawn(consume(incoming));
    produced.await.unwrap();
    sum.await.unwrap()
}

fn main() {
    program::program(|bench| {
        let items = bench.size(5_000_000, 1_000_000); // as channel.hpp
        bench.measure(items, items * (items - 1) / 2, || pass(items));
    });
}
