// SPDX-License-Identifier: BSL-1.0
package main

import program "exeunt/bench/golang"

const children = 10

func node(first, leaves uint64, to chan<- uint64) {
	if leaves == 1 {
		to <- first
		return
	}
	each := leaves / children
	sums := make(chan uint64, children)
	for i := uint64(0); i < children; i++ {
		go node(first+i*each, each, sums)
	}
	sum := uint64(0)
	for i := 0; i < children; i++ {
		sum += <-sums
	}
	to <- sum
}

func tasks(leaves uint64) uint64 {
	if leaves == 1 {
		return 1
	}
	return leaves + tasks(leaves/children)
}

func main() {
	program.Main(func(b *program.Bench) {
		leaves := b.Size(1_000_000, 100_000) // skynet.hpp: 10 million
		b.Measure(tasks(leaves), leaves*(leaves-1)/2, func() uint64 {
			result := make(chan uint64, 1)
			go node(0, leaves, result)
			return <-result
		})
	})
}
