// SPDX-License-Identifier: BSL-1.0
package main

import (
	"time"

	program "exeunt/bench/golang"
)

// As timers.hpp: 1 to 60 minutes ahead, in no order.
func farAway(i uint64) time.Duration {
	return time.Minute + time.Duration(i*0x9E3779B97F4A7C15%uint64(59*time.Minute))
}

func all(timers uint64) uint64 {
	armed := make([]*time.Timer, timers)
	for i := range armed {
		armed[i] = time.AfterFunc(farAway(uint64(i)), func() {})
	}
	cancelled := uint64(0)
	for _, each := range armed {
		if each.Stop() {
			cancelled++
		}
	}
	return cancelled
}

func main() {
	program.Main(func(b *program.Bench) {
		timers := b.Size(500_000, 100_000) // timers.hpp: 1 million
		b.Measure(timers, timers, func() uint64 { return all(timers) })
	})
}
