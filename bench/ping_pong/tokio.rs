// SPDX-License-Identifier: BSL-1.0
#[path = "../rust/program.rs"]
mod program;

use tokio::sync::mpsc::{channel, Receiver, Sender};

async fn ping(out: Sender<u64>, mut back: Receiver<u64>, rounds: u64) -> u64 {
    let mut ball = 0;
    for _ in 0..rounds {
        out.send(ball).await.unwrap();
        ball = back.recv().await.unwrap();
    }
    ball
}

async fn pong(mut incoming: Receiver<u64>, back: Sender<u64>) -> u64 {
    let mut hits = 0;
    while let Some(ball) = incoming.recv().await {
        back.send(ball + 1).await.unwrap();
        hits += 1;
    }
    hits
}

async fn game(rounds: u64) -> u64 {
    let (out, incoming) = channel(1);
    let (to_ping, back) = channel(1);
    let ball = tokio::spawn(ping(out, back, rounds));
    let hits = tokio::spawn(pong(incoming, to_ping));
    let last = ball.await.unwrap();
    if last == hits.await.unwrap() {
        last
    } else {
        0
    }
}

fn main() {
    program::program(|bench| {
        let rounds = bench.size(1_000_000, 200_000); // ping_pong.hpp: 2 million
        bench.measure(rounds, rounds, || game(rounds));
    });
}
