// SPDX-License-Identifier: BSL-1.0
package main

import (
	"sync"
	"sync/atomic"
	"time"

	program "exeunt/bench/golang"
)

func all(timers uint64) uint64 {
	var fired uint64
	var group sync.WaitGroup
	group.Add(int(timers))
	for i := uint64(0); i < timers; i++ {
		soon := time.Duration(i * 0x9E3779B97F4A7C15 % (10 * timers)) // as timers.hpp
		time.AfterFunc(soon, func() {
			atomic.AddUint64(&fired, 1)
			group.Done()
		})
	}
	group.Wait()
	return fired
}

func main() {
	program.Main(func(b *program.Bench) {
		timers := b.Size(500_000, 100_000) // timers.hpp: 1 million
		b.Measure(timers, timers, func() uint64 { return all(timers) })
	})
}
