// SPDX-License-Identifier: BSL-1.0
package program

import (
	"sort"
	"time"
)

// Compute computes for so long, by the clock.
func Compute(step time.Duration) {
	for start := time.Now(); time.Since(start) < step; {
	}
}

// ReportPercentile99 gives the 99th percentile of all delays, of which there is one at least, in
// microseconds, as the figure of this run. It returns how many they are.
func (b *Bench) ReportPercentile99(delays [][]time.Duration) uint64 {
	var every []time.Duration
	for _, each := range delays {
		every = append(every, each...)
	}
	sort.Slice(every, func(i, j int) bool { return every[i] < every[j] })
	b.Report(float64(every[(len(every)-1)*99/100]) / float64(time.Microsecond))
	return uint64(len(every))
}
