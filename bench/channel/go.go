// SPDX-License-Identifier: BSL-1.0
package main

import program "exeunt/bench/golang"

const capacity = 1024

func produce(out chan<- uint64, items uint64) {
	for i := uint64(0); i < items; i++ {
		out <- i
	}
	close(out)
}

func consume(in <-chan uint64) uint64 {
	sum := uint64(0)
	for item := range in {
		sum += item
	}
	return sum
}

func main() {
	program.Main(func(b *program.Bench) {
		items := b.Size(5_000_000, 1_000_000) // as channel.hpp
		b.Measure(items, items*(items-1)/2, func() uint64 {
			line := make(chan uint64, capacity)
			result := make(chan uint64, 1)
			go produce(line, items)
			go func() { result <- consume(line) }()
			return <-result
		})
	})
}
