// SPDX-License-Identifier: BSL-1.0
package main

import (
	"runtime"
	"sync"
	"sync/atomic"

	program "exeunt/bench/golang"
)

// Go's event is a channel that is closed.
func host(tasks uint64, allWait func()) uint64 {
	var come, gone uint64
	over := make(chan struct{})
	var group sync.WaitGroup
	group.Add(int(tasks))
	for i := uint64(0); i < tasks; i++ {
		go func() {
			atomic.AddUint64(&come, 1)
			<-over
			atomic.AddUint64(&gone, 1)
			group.Done()
		}()
	}
	for atomic.LoadUint64(&come) < tasks {
		runtime.Gosched()
	}
	allWait()
	close(over)
	group.Wait()
	return gone
}

func main() {
	program.Main(func(b *program.Bench) {
		tasks := b.Size(200_000, 50_000) // memory.hpp: 1 million
		before := program.ResidentBytes()
		first := true
		b.Measure(tasks, tasks, func() uint64 {
			return host(tasks, func() {
				if first { // as in memory.hpp
					b.Report((program.ResidentBytes() - before) / float64(tasks))
				}
				first = false
			})
		})
	})
}
