// SPDX-License-Identifier: BSL-1.0

// Package program is for contenders in Go what program.cpp is for those in C++: flags, warm-up, the
// check of the result, one measured run, and the answer in Google Benchmark's form.
package program

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Bench is what a contender gets.
type Bench struct {
	Threads  int
	name     string
	quick    bool
	correct  bool
	reported float64
	answer   map[string]any
}

// Size picks the size of the workload.
func (b *Bench) Size(full, quick uint64) uint64 {
	if b.quick {
		return quick
	}
	return full
}

// Report is for workloads that are not about time: the figure of this run.
func (b *Bench) Report(figure float64) {
	b.reported = figure
}

// ResidentBytes says what of this process lies in memory at the moment.
func ResidentBytes() float64 {
	return kibibytes("VmRSS:") * 1024
}

// A line of /proc/self/status, or 0.
func kibibytes(key string) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(text), "\n") {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == key {
			value, _ := strconv.ParseFloat(fields[1], 64)
			return value
		}
	}
	return 0
}

func (b *Bench) check(result, expected uint64) {
	if result != expected {
		b.correct = false
		fmt.Fprintf(os.Stderr, "%s: wrong result %d, expected %d\n", b.name, result, expected)
	}
}

// Measure calls run once unmeasured, then measured; each call has to return what is expected.
func (b *Bench) Measure(items, expected uint64, run func() uint64) {
	b.check(run(), expected)
	start := time.Now()
	result := run()
	elapsed := time.Since(start)
	b.check(result, expected)
	b.answer = map[string]any{
		"name": b.name, "real_time": elapsed.Nanoseconds(), "time_unit": "ns", "items": items,
		"reported": b.reported, "peak_mib": kibibytes("VmHWM:") / 1024,
	}
}

// Main is the whole main function; prepare calls Measure once.
func Main(prepare func(*Bench)) {
	b := &Bench{Threads: 1, name: filepath.Base(os.Args[0]), correct: true}
	for _, flag := range os.Args[1:] {
		threads, err := strconv.Atoi(strings.TrimPrefix(flag, "--threads="))
		switch {
		case strings.HasPrefix(flag, "--threads=") && err == nil && threads > 0:
			b.Threads = threads
		case flag == "--quick":
			b.quick = true
		case strings.HasPrefix(flag, "--benchmark_"):
		default:
			fmt.Fprintf(os.Stderr, "usage: %s [--threads=N] [--quick], and not %s\n", b.name, flag)
			os.Exit(2)
		}
	}
	runtime.GOMAXPROCS(b.Threads)
	prepare(b)
	version := strings.Replace(runtime.Version(), "go", "go ", 1)
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"context": map[string]string{
			"contender": version, "compiler": version, "allocator": "Go's own",
		},
		"benchmarks": []any{b.answer},
	})
	if !b.correct {
		os.Exit(1)
	}
}
