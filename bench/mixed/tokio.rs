// SPDX-License-Identifier: BSL-1.0
#[path = "../rust/program.rs"]
mod program;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

// As mixed.hpp.
const CALLERS: u32 = 64;
const CRUNCHERS: u32 = 8;
const STEP: Duration = Duration::from_micros(20);
const PAUSE: Duration = Duration::from_millis(20);
const SIZE: usize = 64;

/// How many steps it had.
async fn crunch(ended: Arc<AtomicU32>) -> u32 {
    let mut steps = 0;
    while ended.load(Ordering::Relaxed) < CALLERS {
        let start = Instant::now();
        while start.elapsed() < STEP {}
        steps += 1;
        tokio::task::yield_now().await;
    }
    steps
}

async fn echo(mut peer: TcpStream) {
    let mut some = [0; SIZE];
    loop {
        match peer.read(&mut some).await {
            Ok(n) if n > 0 => peer.write_all(&some[..n]).await.unwrap(),
            _ => return, // the end of the stream
        }
    }
}

async fn serve(listener: TcpListener) {
    loop {
        let (peer, _) = listener.accept().await.unwrap();
        peer.set_nodelay(true).unwrap();
        tokio::spawn(echo(peer));
    }
}

/// How many answers were right, and how long each took.
async fn call(
    number: u32,
    times: u64,
    server: SocketAddr,
    ended: Arc<AtomicU32>,
) -> (u64, Vec<Duration>) {
    tokio::time::sleep(number * PAUSE / CALLERS).await;
    let mut server = TcpStream::connect(server).await.unwrap();
    server.set_nodelay(true).unwrap();
    let mut delays = Vec::with_capacity(times as usize);
    let mut right = 0;
    for i in 0..times {
        tokio::time::sleep(PAUSE).await;
        let asked = [i as u8; SIZE];
        let mut answer = [0; SIZE];
        let start = Instant::now();
        server.write_all(&asked).await.unwrap();
        server.read_exact(&mut answer).await.unwrap();
        delays.push(start.elapsed());
        right += (answer == asked) as u64;
    }
    ended.fetch_add(1, Ordering::Relaxed);
    (right, delays)
}

/// How many answers were right, and the 99th percentile of what they took.
async fn play(times: u64) -> (u64, f64) {
    let begin = Instant::now();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve(listener));
    let ended = Arc::new(AtomicU32::new(0));
    let compute = |_| tokio::spawn(crunch(ended.clone()));
    let crunchers: Vec<_> = (0..CRUNCHERS).map(compute).collect();
    let start = |i| tokio::spawn(call(i, times, server, ended.clone()));
    let callers: Vec<_> = (0..CALLERS).map(start).collect();
    let (mut right, mut delays) = (0, Vec::new());
    for each in callers {
        let (answers, mut took) = each.await.unwrap();
        right += answers;
        delays.append(&mut took);
    }
    let mut steps = 0;
    for each in crunchers {
        steps += each.await.unwrap();
    }
    serving.abort();
    assert!(STEP * steps * 10 >= begin.elapsed(), "the crunchers had {} steps only", steps);
    let microseconds = program::percentile_99(&mut delays);
    (right, microseconds)
}

fn main() {
    program::program_with_io(|bench| {
        let (times, figure) = (bench.size(40, 8), program::Figure::OfMeasuredRun);
        let calls = times * u64::from(CALLERS); // as mixed.hpp
        bench.measure_and_report(calls, calls, figure, || play(times));
    });
}
