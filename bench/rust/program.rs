// SPDX-License-Identifier: BSL-1.0

//! What program.cpp is for contenders in C++, for those in Rust: flags, warm-up, the check of the
//! result, one measured run, and the answer in Google Benchmark's form.
#![allow(dead_code)] // no workload needs all of it

#[cfg(feature = "jemalloc")]
use std::ffi::{c_void, CStr};
use std::future::Future;
#[cfg(feature = "jemalloc")]
use std::os::raw::{c_char, c_int};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// What a contender gets.
pub struct Bench {
    name: String,
    quick: bool,
    runtime: Runtime,
    correct: bool,
    answer: String,
}

/// Which run's figure counts, where it is not about time. Of memory, the first one's, in which the
/// process is new.
pub enum Figure {
    OfFirstRun,
    OfMeasuredRun,
}

/// Runs a task on the workers; the calling thread only waits.
fn on_workers<F>(runtime: &Runtime, main: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    runtime.block_on(runtime.spawn(main)).expect("a task that ends")
}

impl Bench {
    /// Picks the size of the workload.
    pub fn size(&self, full: u64, quick: u64) -> u64 {
        if self.quick {
            quick
        } else {
            full
        }
    }

    fn check(&mut self, result: u64, expected: u64) {
        if result != expected {
            self.correct = false;
            eprintln!("{}: wrong result {}, expected {}", self.name, result, expected);
        }
    }

    /// Runs what `make` makes once unmeasured, then measured; each has to return what is expected.
    pub fn measure<F>(&mut self, items: u64, expected: u64, make: impl Fn() -> F)
    where
        F: Future<Output = u64> + Send + 'static,
    {
        self.measure_outside(items, expected, |runtime| on_workers(runtime, make()));
    }

    /// The same for what is called on this thread, which is none of the runtime's.
    pub fn measure_outside(&mut self, items: u64, expected: u64, run: impl Fn(&Runtime) -> u64) {
        self.measure_both(items, expected, |runtime| (run(runtime), 0.0), Figure::OfMeasuredRun);
    }

    /// The same where what is run returns its figure, too.
    pub fn measure_and_report<F>(
        &mut self,
        items: u64,
        expected: u64,
        figure: Figure,
        make: impl Fn() -> F,
    ) where
        F: Future<Output = (u64, f64)> + Send + 'static,
    {
        self.measure_both(items, expected, |runtime| on_workers(runtime, make()), figure);
    }

    fn measure_both(
        &mut self,
        items: u64,
        expected: u64,
        run: impl Fn(&Runtime) -> (u64, f64),
        figure: Figure,
    ) {
        let (warm_up, first) = run(&self.runtime);
        self.check(warm_up, expected);
        let start = Instant::now();
        let (result, second) = run(&self.runtime);
        let elapsed = start.elapsed();
        self.check(result, expected);
        let reported = match figure {
            Figure::OfFirstRun => first,
            Figure::OfMeasuredRun => second,
        };
        self.answer = format!(
            r#"{{"name": "{}", "real_time": {}, "time_unit": "ns", "items": {}, "reported": {},
             "peak_mib": {}}}"#,
            self.name,
            elapsed.as_nanos(),
            items,
            reported,
            kibibytes("VmHWM:") / 1024.0
        );
    }
}

/// What of this process lies in memory at the moment.
pub fn resident_bytes() -> f64 {
    kibibytes("VmRSS:") * 1024.0
}

/// The 99th percentile of delays, of which there is one at least, in microseconds.
pub fn percentile_99(delays: &mut [Duration]) -> f64 {
    let at = (delays.len() - 1) * 99 / 100;
    let (_, p99, _) = delays.select_nth_unstable(at);
    p99.as_secs_f64() * 1e6
}

/// A line of /proc/self/status, or 0.
fn kibibytes(key: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(key));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|number| number.parse().ok()).unwrap_or(0.0)
}

// jemalloc in the place of the C library's malloc, as in the programs in C++: what is linked before
// the C library serves Rust's default allocator, too.
#[cfg(feature = "jemalloc")]
#[link(name = "jemalloc")]
extern "C" {
    fn mallctl(
        name: *const c_char,
        old: *mut c_void,
        old_length: *mut usize,
        new: *mut c_void,
        new_length: usize,
    ) -> c_int;
}

#[cfg(feature = "jemalloc")]
fn allocator() -> String {
    let mut version: *const c_char = std::ptr::null();
    let mut length = std::mem::size_of_val(&version);
    let name = b"version\0".as_ptr() as *const c_char;
    let into = &mut version as *mut _ as *mut c_void;
    // SAFETY: "version" is a const char* of static duration, for which there is room.
    let failed = unsafe { mallctl(name, into, &mut length, std::ptr::null_mut(), 0) } != 0;
    if failed {
        return "jemalloc".to_string();
    }
    let full = unsafe { CStr::from_ptr(version) }.to_string_lossy();
    format!("jemalloc {}", full.split('-').next().unwrap_or_default())
}

#[cfg(not(feature = "jemalloc"))]
fn allocator() -> String {
    "the C library's".to_string()
}

/// The whole main function; `prepare` measures once.
pub fn program(prepare: impl Fn(&mut Bench)) {
    run(Builder::new_multi_thread().enable_time(), prepare);
}

/// The same for a workload that has sockets. (Those that have none don't pay for them.)
pub fn program_with_io(prepare: impl Fn(&mut Bench)) {
    run(Builder::new_multi_thread().enable_time().enable_io(), prepare);
}

fn run(builder: &mut Builder, prepare: impl Fn(&mut Bench)) {
    let mut arguments = std::env::args();
    let path = arguments.next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default().to_string();
    let (mut threads, mut quick) = (1, false);
    for flag in arguments {
        let count = flag.strip_prefix("--threads=").and_then(|n| n.parse::<usize>().ok());
        match count {
            Some(count) if count > 0 => threads = count,
            _ if flag == "--quick" => quick = true,
            _ if flag.starts_with("--benchmark_") => {}
            _ => {
                eprintln!("usage: {} [--threads=N] [--quick], and not {}", name, flag);
                std::process::exit(2);
            }
        }
    }
    let runtime = builder.worker_threads(threads).build().expect("a runtime");
    let answer = String::new();
    let mut bench = Bench { name, quick, runtime, correct: true, answer };
    prepare(&mut bench);
    println!(
        r#"{{"context": {{"contender": "Tokio {}", "compiler": "rustc {}", "allocator": "{}"}},
           "benchmarks": [{}]}}"#,
        env!("EXEUNT_TOKIO"),
        env!("EXEUNT_RUSTC"),
        allocator(),
        bench.answer
    );
    if !bench.correct {
        std::process::exit(1);
    }
}
