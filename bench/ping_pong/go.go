// SPDX-License-Identifier: BSL-1.0
package main

import program "exeunt/bench/golang"

func ping(out chan<- uint64, back <-chan uint64, rounds uint64) uint64 {
	ball := uint64(0)
	for i := uint64(0); i < rounds; i++ {
		out <- ball
		ball = <-back
	}
	close(out)
	return ball
}

func pong(in <-chan uint64, back chan<- uint64) uint64 {
	hits := uint64(0)
	for ball := range in {
		back <- ball + 1
		hits++
	}
	return hits
}

func game(rounds uint64) uint64 {
	out, back := make(chan uint64, 1), make(chan uint64, 1)
	last, hits := make(chan uint64, 1), make(chan uint64, 1)
	go func() { last <- ping(out, back, rounds) }()
	go func() { hits <- pong(out, back) }()
	ball := <-last
	if ball != <-hits {
		return 0
	}
	return ball
}

func main() {
	program.Main(func(b *program.Bench) {
		rounds := b.Size(1_000_000, 200_000) // ping_pong.hpp: 2 million
		b.Measure(rounds, rounds, func() uint64 { return game(rounds) })
	})
}
