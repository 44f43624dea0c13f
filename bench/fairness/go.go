// SPDX-License-Identifier: BSL-1.0
package main

import (
	"log"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	program "exeunt/bench/golang"
)

const pingers = 1000
const step = 100 * time.Microsecond // as fairness.hpp

type contest struct {
	times  uint64
	ended  uint64
	steps  uint64
	delays [pingers][]time.Duration
	all    sync.WaitGroup
}

func (c *contest) hog() {
	for atomic.LoadUint64(&c.ended) < pingers {
		program.Compute(step)
		c.steps++
		runtime.Gosched()
	}
	c.all.Done()
}

func (c *contest) ping(number int) {
	delays := make([]time.Duration, 0, c.times)
	for i := uint64(0); i < c.times; i++ {
		ready := time.Now()
		runtime.Gosched()
		delays = append(delays, time.Since(ready))
	}
	c.delays[number] = delays
	atomic.AddUint64(&c.ended, 1)
	c.all.Done()
}

func play(b *program.Bench, times uint64) uint64 {
	c := &contest{times: times}
	c.all.Add(pingers + 1)
	go c.hog()
	for i := 0; i < pingers; i++ {
		go c.ping(i)
	}
	c.all.Wait()
	if c.steps*20 < times { // as fairness.hpp
		log.Fatalf("the hog had %d steps only", c.steps)
	}
	return b.ReportPercentile99(c.delays[:])
}

func main() {
	program.Main(func(b *program.Bench) {
		times := b.Size(1000, 200) // as fairness.hpp
		b.Measure(times*pingers, times*pingers, func() uint64 { return play(b, times) })
	})
}
