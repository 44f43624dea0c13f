// SPDX-License-Identifier: BSL-1.0
package main

import (
	"bytes"
	"io"
	"log"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	program "exeunt/bench/golang"
)

// As mixed.hpp.
const (
	callers   = 64
	crunchers = 8
	step      = 20 * time.Microsecond
	pause     = 20 * time.Millisecond
	size      = 64
)

type party struct {
	times  uint64
	ended  uint64
	steps  uint64
	right  uint64
	delays [callers][]time.Duration
	all    sync.WaitGroup
}

func (p *party) crunch() {
	for atomic.LoadUint64(&p.ended) < callers {
		program.Compute(step)
		atomic.AddUint64(&p.steps, 1)
		runtime.Gosched()
	}
	p.all.Done()
}

func serve(listener net.Listener) {
	for {
		peer, err := listener.Accept()
		if err != nil {
			return // it was closed
		}
		go echo(peer)
	}
}

func echo(peer net.Conn) {
	defer peer.Close()
	some := make([]byte, size)
	for {
		n, err := peer.Read(some)
		if err != nil {
			return // the end of the stream
		}
		if _, err := peer.Write(some[:n]); err != nil {
			return
		}
	}
}

func (p *party) call(number int, where string) {
	time.Sleep(time.Duration(number) * pause / callers)
	server, err := net.Dial("tcp", where)
	if err != nil {
		log.Fatal(err)
	}
	delays := make([]time.Duration, 0, p.times)
	answer := make([]byte, size)
	for i := uint64(0); i < p.times; i++ {
		time.Sleep(pause)
		asked := bytes.Repeat([]byte{byte(i)}, size)
		start := time.Now()
		if _, err := server.Write(asked); err != nil {
			log.Fatal(err)
		}
		if _, err := io.ReadFull(server, answer); err != nil {
			log.Fatal(err)
		}
		delays = append(delays, time.Since(start))
		if bytes.Equal(asked, answer) {
			atomic.AddUint64(&p.right, 1)
		}
	}
	server.Close()
	p.delays[number] = delays
	atomic.AddUint64(&p.ended, 1)
	p.all.Done()
}

func play(b *program.Bench, times uint64) uint64 {
	p := &party{times: times}
	begin := time.Now()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go serve(listener)
	p.all.Add(crunchers + callers)
	for i := 0; i < crunchers; i++ {
		go p.crunch()
	}
	for i := 0; i < callers; i++ {
		go p.call(i, listener.Addr().String())
	}
	p.all.Wait()
	listener.Close()
	if time.Duration(p.steps)*step*10 < time.Since(begin) { // as mixed.hpp
		log.Fatalf("the crunchers had %d steps only", p.steps)
	}
	b.ReportPercentile99(p.delays[:])
	return p.right
}

func main() {
	program.Main(func(b *program.Bench) {
		times := b.Size(40, 8) // as mixed.hpp
		b.Measure(times*callers, times*callers, func() uint64 { return play(b, times) })
	})
}
