// SPDX-License-Identifier: BSL-1.0
package main

import (
	"sync"
	"sync/atomic"

	program "exeunt/bench/golang"
)

// As in spawn_join.hpp, the unmeasured run counts the goroutines, and in the measured one they are
// empty.
func all(tasks uint64, work func()) {
	var group sync.WaitGroup
	group.Add(int(tasks))
	for i := uint64(0); i < tasks; i++ {
		go func() {
			work()
			group.Done()
		}()
	}
	group.Wait()
}

func main() {
	program.Main(func(b *program.Bench) {
		tasks := b.Size(300_000, 100_000) // spawn_join.hpp: 1 million
		counted := false
		b.Measure(tasks, tasks, func() uint64 {
			if counted {
				all(tasks, func() {})
				return tasks
			}
			counted = true
			var count uint64
			all(tasks, func() { atomic.AddUint64(&count, 1) })
			return count
		})
	})
}
