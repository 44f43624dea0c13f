// SPDX-License-Identifier: BSL-1.0
package main

import (
	"runtime"

	program "exeunt/bench/golang"
)

const many = 1000

func count(yields uint64) uint64 {
	done := uint64(0)
	for ; done < yields; done++ {
		runtime.Gosched()
	}
	return done
}

func main() {
	program.Main(func(b *program.Bench) {
		yields := b.Size(5_000_000, 500_000) // yield.hpp: 10 million
		b.Measure(yields, yields, func() uint64 {
			results := make(chan uint64, many)
			for i := 0; i < many; i++ {
				go func() { results <- count(yields / many) }()
			}
			sum := uint64(0)
			for i := 0; i < many; i++ {
				sum += <-results
			}
			return sum
		})
	})
}
