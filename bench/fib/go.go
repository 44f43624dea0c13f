// SPDX-License-Identifier: BSL-1.0
package main

import program "exeunt/bench/golang"

func fibonacci(n uint64, to chan<- uint64) {
	if n < 2 {
		to <- n
		return
	}
	both := make(chan uint64, 2)
	go fibonacci(n-1, both)
	go fibonacci(n-2, both)
	to <- <-both + <-both
}

func value(n uint64) uint64 {
	a, b := uint64(0), uint64(1)
	for ; n > 0; n-- {
		a, b = b, a+b
	}
	return a
}

func main() {
	program.Main(func(b *program.Bench) {
		n := b.Size(26, 20) // not fib.hpp's 33: a call takes twenty times as long
		b.Measure(2*value(n+1)-1, value(n), func() uint64 {
			result := make(chan uint64, 1)
			go fibonacci(n, result)
			return <-result
		})
	})
}
