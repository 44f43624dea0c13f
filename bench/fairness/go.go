// SPDX-License-Identifier: BSL-1.0
package main

import (
	"log"
	"runtime"
	"sort"
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
		for start := time.Now(); time.Since(start) < step; {
		}
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
	var every []time.Duration
	for _, each := range c.delays {
		every = append(every, each...)
	}
	sort.Slice(every, func(i, j int) bool { return every[i] < every[j] })
	b.Report(float64(every[(len(every)-1)*99/100]) / float64(time.Microsecond))
	return uint64(len(every))
}

func main() {
	program.Main(func(b *program.Bench) {
		times := b.Size(1000, 200) // as fairness.hpp
		b.Measure(times*pingers, times*pingers, func() uint64 { return play(b, times) })
	})
}
