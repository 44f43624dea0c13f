// SPDX-License-Identifier: BSL-1.0

//! channel and channel_mpsc of Tokio.

#[path = "../program.rs"]
mod program;

use tokio::sync::mpsc::{channel, Receiver, Sender};

const CAPACITY: usize = 1024;

async fn produce(out: Sender<u64>, first: u64, step: u64, items: u64) {
    for i in (first..items).step_by(step as usize) {
        out.send(i).await.unwrap();
    }
}

async fn consume(mut incoming: Receiver<u64>) -> u64 {
    let mut sum = 0;
    while let Some(item) = incoming.recv().await {
        sum += item;
    }
    sum
}

// The channel is closed when the last sender is gone.
async fn pass(senders: u64, items: u64) -> u64 {
    let (out, incoming) = channel(CAPACITY);
    let start = |first| tokio::spawn(produce(out.clone(), first, senders, items));
    let produced: Vec<_> = (0..senders).map(start).collect();
    drop(out);
    let sum = tokio::spawn(consume(incoming));
    for each in produced {
        each.await.unwrap();
    }
    sum.await.unwrap()
}

/// The whole main function: so many tasks send to one.
pub fn main(senders: u64) {
    program::program(|bench| {
        let items = bench.size(5_000_000, 1_000_000); // as channel.hpp
        bench.measure(items, items * (items - 1) / 2, || pass(senders, items));
    });
}
