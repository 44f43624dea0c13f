// SPDX-License-Identifier: BSL-1.0

// Package channels is channel, channel_mpsc and channel_mpmc of Go.
package channels

import (
	"sync"

	program "exeunt/bench/golang"
)

const capacity = 1024

func produce(out chan<- uint64, first, step, items uint64) {
	for i := first; i < items; i += step {
		out <- i
	}
}

func produceAll(out chan<- uint64, senders, items uint64) {
	var group sync.WaitGroup
	for i := uint64(0); i < senders; i++ {
		group.Add(1)
		go func(first uint64) {
			produce(out, first, senders, items)
			group.Done()
		}(i)
	}
	group.Wait()
	close(out)
}

func consume(in <-chan uint64) uint64 {
	sum := uint64(0)
	for item := range in {
		sum += item
	}
	return sum
}

// Main is the whole main function: so many goroutines send to so many.
func Main(senders, receivers uint64) {
	program.Main(func(b *program.Bench) {
		items := b.Size(5_000_000, 1_000_000) // as channel.hpp
		b.Measure(items, items*(items-1)/2, func() uint64 {
			line := make(chan uint64, capacity)
			results := make(chan uint64, receivers)
			go produceAll(line, senders, items)
			for i := uint64(0); i < receivers; i++ {
				go func() { results <- consume(line) }()
			}
			sum := uint64(0)
			for i := uint64(0); i < receivers; i++ {
				sum += <-results
			}
			return sum
		})
	})
}
