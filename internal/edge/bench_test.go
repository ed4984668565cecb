package edge

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/id"
	"tributary/internal/link"
)

// discard takes an answer without keeping it.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkHandler is the handler alone, without connection and without waiting for the disk: a link that is checked.
func BenchmarkHandler(b *testing.B) {
	w := newWorld(b)
	for name, method := range map[string]string{"redirect": "GET", "checked": "HEAD"} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(method, "/dp/KETTLE-1?tag=ada-20&sub1=video", nil)
			r.RemoteAddr, r.Header = american, http.Header{"User-Agent": {browser}, "Referer": {"https://blog.example/post"}}
			b.ReportAllocs()
			for b.Loop() {
				answer := &discard{header: http.Header{}}
				w.edge.ServeHTTP(answer, r)
			}
		})
	}
}

// BenchmarkJudgements is what a click costs besides look-up and log: country, sieve, token, id, hash of the address.
func BenchmarkJudgements(b *testing.B) {
	w := newWorld(b)
	address := netip.MustParseAddr("81.2.69.142")
	token := click.Token{Creator: 1, Program: click.Associates, Tracking: 2, Market: 1, At: start}
	b.ReportAllocs()
	for b.Loop() {
		w.edge.Countries.Of(address)
		w.edge.sieve.Judge(browser, 0)
		w.edge.hashAddress(address, start)
		token.Click = click.NewID()
		w.edge.sealer.Seal(token)
	}
}

// BenchmarkLookUp is a short link among a million, in random order.
func BenchmarkLookUp(b *testing.B) {
	const links = 1_000_000
	var built builder
	codes := make([]string, 4096)
	for i := range links {
		code := link.NewCode()
		if i < len(codes) {
			codes[i] = code
		}
		built.add(codeKey(nil, code), appendShort(nil, link.Link{ID: id.ID(i), Tracking: 1, Creator: 2, Program: 1,
			Market: 1, Target: "/dp/KETTLE-1?sub1=video"}))
	}
	base, err := built.finish()
	if err != nil {
		b.Fatal(err)
	}
	s := &State{overlay: map[string]string{}}
	s.replace(base)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, ok := s.short(codes[i%len(codes)]); !ok {
			b.Fatal("lost")
		}
	}
	_, size := s.Size()
	b.ReportMetric(float64(size)/links, "bytes/link")
}

// serve starts a server on loopback and gives its address.
func serve(b *testing.B, handler http.Handler) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	b.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

const connections = 256

// hammer sends requests over many connections and gives how many were answered with a 302 within the time. The
// generator is as lean as can be, since it shares the processor.
func hammer(b *testing.B, address, target string, total int) time.Duration {
	request := []byte("GET " + target + " HTTP/1.1\r\nHost: go.example\r\nUser-Agent: " + browser +
		"\r\nReferer: https://blog.example/p\r\n\r\n")
	var left atomic.Int64
	left.Store(int64(total))
	var all sync.WaitGroup
	open := make([]net.Conn, connections)
	for i := range open {
		var err error
		if open[i], err = net.Dial("tcp", address); err != nil {
			b.Fatal(err)
		}
	}
	begin := clock.Wall()
	for _, conn := range open {
		all.Go(func() {
			defer conn.Close()
			in := bufio.NewReaderSize(conn, 2048)
			for left.Add(-1) >= 0 {
				if _, err := conn.Write(request); err != nil {
					b.Error(err)
					return
				}
				if err := readAnswer(in); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return clock.Since(begin)
}

func readAnswer(in *bufio.Reader) error {
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 302")) {
			rest, _ := io.ReadAll(io.LimitReader(in, 200))
			return fmt.Errorf("answered %s%s", line, rest)
		}
		if len(line) == 2 {
			return nil
		}
	}
}

// BenchmarkServe compares redirects, each synced before its 302, with a bare handler that answers 302: rounds taken in
// turn, the median of the ratios.
func BenchmarkServe(b *testing.B) {
	w := newWorld(b)
	bare := serve(b, http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		answer.Header()["Location"] = []string{"https://us.example/p/KETTLE-1"}
		answer.WriteHeader(http.StatusFound)
	}))
	edge := serve(b, w.edge)
	const target, requests, rounds = "/dp/KETTLE-1?tag=ada-20&sub1=video", 20_000, 5
	for b.Loop() {
		var ratios []float64
		for range rounds {
			plain := hammer(b, bare, target, requests)
			full := hammer(b, edge, target, requests)
			ratios = append(ratios, plain.Seconds()/full.Seconds())
			b.ReportMetric(requests/plain.Seconds(), "bare/s")
			b.ReportMetric(requests/full.Seconds(), "edge/s")
		}
		b.Logf("ratios %.2f", ratios)
		b.ReportMetric(median(ratios), "vs_nethttp")
	}
	if stats := w.edge.Stats(); stats.Clicks != stats.Redirects || stats.Unlogged != 0 {
		b.Errorf("%+v", stats)
	}
}

func median(values []float64) float64 {
	for i := range values {
		for j := i; j > 0 && values[j] < values[j-1]; j-- {
			values[j], values[j-1] = values[j-1], values[j]
		}
	}
	return values[len(values)/2]
}
