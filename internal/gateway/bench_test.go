package gateway

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	benchBlock = 800 // bytes in 100 ms at 64 kbit/s
	benchPace  = 100 * time.Millisecond
	benchTime  = 5 * time.Second
)

// benchListeners is how many listen; the machine's limit of open files may have to be raised for
// more.
func benchListeners() int {
	if n, err := strconv.Atoi(os.Getenv("GATEWAY_BENCH_LISTENERS")); err == nil {
		return n
	}
	return 1000
}

// cost is what it took to serve an audience for a while.
type cost struct {
	perHour time.Duration // CPU time of the server per hour of one listener
	memory  int64         // bytes of the server per listener
	delays  []time.Duration
}

func (c cost) delay(percent int) float64 {
	slices.Sort(c.delays)
	return float64(c.delays[(len(c.delays)-1)*percent/100].Microseconds()) / 1000
}

// BenchmarkFanout asks: what does a listener cost, here and with a goroutine and a Flush for each?
// The two take turns on the same machine.
//
//	go test -tags goolm -run '^$' -bench Fanout ./internal/gateway
func BenchmarkFanout(b *testing.B) {
	for b.Loop() {
		shards, naive := benchFanout(b, "gateway"), benchFanout(b, "naive")
		b.ReportMetric(shards.perHour.Seconds(), "cpu-s/listener-hour")
		b.ReportMetric(naive.perHour.Seconds(), "naive-cpu-s/listener-hour")
		b.ReportMetric(shards.perHour.Seconds()/naive.perHour.Seconds(), "of-naive-cpu")
		b.ReportMetric(float64(shards.memory), "B/listener")
		b.ReportMetric(float64(naive.memory), "naive-B/listener")
		b.ReportMetric(shards.delay(50), "ms-p50")
		b.ReportMetric(shards.delay(99), "ms-p99")
		b.ReportMetric(naive.delay(50), "naive-ms-p50")
		b.ReportMetric(naive.delay(99), "naive-ms-p99")
	}
}

func benchFanout(b *testing.B, name string) cost {
	b.Helper()
	p := startPeer(b, name, b.TempDir())
	defer p.stop()
	upload, blocks := io.Pipe()
	id := benchUpload(b, p, upload)
	_, memoryBefore := p.usage()

	var mu sync.Mutex
	var result cost
	var listeners sync.WaitGroup
	n := benchListeners()
	conns := make([]net.Conn, n)
	for i := range conns {
		conn, err := net.Dial("tcp", p.address)
		if err != nil {
			b.Fatal(err)
		}
		conns[i] = conn
		r := bufio.NewReaderSize(conn, 2048)
		response := p.request(conn, r, id, followRange(0))
		listeners.Go(func() {
			delays := hear(response.Body)
			mu.Lock()
			defer mu.Unlock()
			result.delays = append(result.delays, delays...)
		})
	}
	cpuBefore, _ := p.usage()
	block := make([]byte, benchBlock)
	tick := time.NewTicker(benchPace)
	defer tick.Stop()
	start := time.Now()
	for time.Since(start) < benchTime {
		<-tick.C
		binary.LittleEndian.PutUint64(block, uint64(time.Now().UnixNano()))
		blocks.Write(block)
	}
	cpu, memory := p.usage()
	result.perHour = time.Duration(float64(cpu-cpuBefore) * float64(time.Hour) / float64(n) / float64(time.Since(start)))
	result.memory = (memory - memoryBefore) / int64(n)
	blocks.Close()
	for _, conn := range conns {
		conn.Close()
	}
	listeners.Wait()
	return result
}

// benchUpload starts an upload that the returned recording grows by.
func benchUpload(b *testing.B, p *peer, body io.Reader) (id string) {
	b.Helper()
	request := func(method, path string, h headers, body io.Reader) *http.Request {
		r, err := http.NewRequest(method, "http://"+p.address+path, body)
		if err != nil {
			b.Fatal(err)
		}
		for name, value := range h {
			r.Header.Set(name, value)
		}
		return r
	}
	response, err := http.DefaultClient.Do(request("POST", "/upload", tus(headers{"Upload-Defer-Length": "1"}), nil))
	if err != nil {
		b.Fatal(err)
	}
	response.Body.Close()
	id = strings.TrimPrefix(response.Header.Get("Location"), "upload/")
	if id == "" {
		id = "x" // the naive one has but one recording
	}
	flow := request("PATCH", "/upload/"+id, patch(0, nil), body)
	go func() {
		if response, err := http.DefaultClient.Do(flow); err == nil { // it is cut when the server is stopped
			response.Body.Close()
		}
	}()
	return id
}

// hear reads blocks to the end and returns how old each was.
func hear(r io.Reader) (delays []time.Duration) {
	block := make([]byte, benchBlock)
	for {
		if _, err := io.ReadFull(r, block); err != nil {
			return delays
		}
		sent := time.Unix(0, int64(binary.LittleEndian.Uint64(block)))
		delays = append(delays, time.Since(sent))
	}
}

// BenchmarkSeek asks: what does a jump in a finished recording cost, here and with
// http.ServeContent on a file?
func BenchmarkSeek(b *testing.B) {
	const size = 32 << 20
	dir, id := b.TempDir(), "AAAAAAAAAAAAAAAAAAAAAA"
	if err := os.WriteFile(filepath.Join(dir, id+".mxc"), noise(size), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, length := range []int{1600, 16 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%dB", length), func(b *testing.B) {
			cpu := map[string]time.Duration{}
			const requests = 5000
			rounds := 0
			for b.Loop() {
				rounds++
				for _, name := range []string{"gateway", "ServeContent"} {
					cpu[name] += benchSeek(b, name, dir, id, size, length, requests)
				}
			}
			micros := func(name string) float64 { return float64(cpu[name].Microseconds()) / float64(rounds*requests) }
			b.ReportMetric(micros("gateway"), "cpu-µs/request")
			b.ReportMetric(micros("ServeContent"), "ServeContent-cpu-µs/request")
			b.ReportMetric(micros("gateway")/micros("ServeContent"), "of-ServeContent")
		})
	}
}

func benchSeek(b *testing.B, name, dir, id string, size, length, requests int) time.Duration {
	b.Helper()
	p := startPeer(b, name, dir)
	defer p.stop()
	conn, err := net.Dial("tcp", p.address)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 80<<10)
	random := rand.New(rand.NewPCG(1, 2))
	before, _ := p.usage()
	for range requests {
		first := random.IntN(size - length)
		response := p.request(conn, r, id, fmt.Sprintf("bytes=%d-%d", first, first+length-1))
		if n, err := io.Copy(io.Discard, response.Body); int(n) != length || err != nil {
			b.Fatalf("%d of %d bytes, %v", n, length, err)
		}
	}
	after, _ := p.usage()
	return after - before
}
