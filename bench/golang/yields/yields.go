// SPDX-License-Identifier: BSL-1.0

// Package yields is yield and yield_1000 of Go.
package yields

import (
	"runtime"

	program "exeunt/bench/golang"
)

func count(yields uint64) uint64 {
	done := uint64(0)
	for ; done < yields; done++ {
		runtime.Gosched()
	}
	return done
}

// Main is the whole main function: all yields, by so many goroutines together.
func Main(goroutines uint64) {
	program.Main(func(b *program.Bench) {
		yields := b.Size(5_000_000, 500_000) // yield.hpp: 10 million
		b.Measure(yields, yields, func() uint64 {
			results := make(chan uint64, goroutines)
			for i := uint64(0); i < goroutines; i++ {
				go func() { results <- count(yields / goroutines) }()
			}
			sum := uint64(0)
			for i := uint64(0); i < goroutines; i++ {
				sum += <-results
			}
			return sum
		})
	})
}
