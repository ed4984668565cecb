package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"tributary/internal/clock"
)

// load is one job of the generator: requests over a number of connections for some time, each connection's next when its
// last is answered, or at a fixed rate over all.
type load struct {
	Address     string        `json:"address"`
	Paths       []string      `json:"paths"` // asked for in turn
	Connections int           `json:"connections"`
	For         time.Duration `json:"for"`
	Rate        float64       `json:"rate,omitempty"` // requests/s; 0 is as fast as they are answered
}

// loaded is what became of it. Times are from when a request was due to its whole answer.
type loaded struct {
	Requests int           `json:"requests"`
	Took     time.Duration `json:"took"`
	P50      time.Duration `json:"p50"`
	P99      time.Duration `json:"p99"`
	Error    string        `json:"error,omitempty"`
}

func (l loaded) rate() float64 { return float64(l.Requests) / l.Took.Seconds() }

// GeneratorCommand is the program's command that runs Generate.
const GeneratorCommand = "bench-load"

// Generate is the generator, a process of its own: it shares the machine with what it measures, but neither its scheduler
// nor its garbage. It is as lean as can be: requests are written as they stand, of answers only the status and the end are
// looked for. It reads jobs, one JSON object a line, until there are no more, and writes one result for each.
func Generate(ctx context.Context, p Program, jobs io.Reader, results io.Writer) error {
	in, out := json.NewDecoder(jobs), json.NewEncoder(results)
	for {
		var job load
		if err := in.Decode(&job); errors.Is(err, io.EOF) || ctx.Err() != nil {
			return nil
		} else if err != nil {
			return err
		}
		result, err := job.run(p)
		if err != nil {
			result.Error = err.Error()
		}
		if err := out.Encode(result); err != nil {
			return err
		}
	}
}

// browserHeaders are what a browser sends with a click, in the size in which it does.
const browserHeaders = "Host: go.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\nReferer: https://blog.example/kettles\r\n\r\n"

func (l load) run(p Program) (loaded, error) {
	requests := make([][]byte, len(l.Paths))
	for i, path := range l.Paths {
		requests[i] = []byte("GET " + path + " HTTP/1.1\r\n" + browserHeaders)
	}
	open := make([]net.Conn, l.Connections)
	for i := range open {
		var err error
		if open[i], err = p.Dial("tcp", l.Address); err != nil {
			return loaded{}, err
		}
		defer open[i].Close()
	}
	times := make([][]time.Duration, len(open))
	errs := make([]error, len(open))
	begin := clock.Wall()
	var all sync.WaitGroup
	for i, conn := range open {
		all.Go(func() { times[i], errs[i] = l.drive(conn, requests, i, begin) })
	}
	all.Wait()
	var every []time.Duration
	for _, some := range times {
		every = append(every, some...)
	}
	result := loaded{Requests: len(every), Took: clock.Since(begin)}
	result.P50, result.P99 = percentile(every, 0.5), percentile(every, 0.99)
	return result, joined(errs...)
}

// drive sends one connection's requests until the time is over.
func (l load) drive(conn net.Conn, requests [][]byte, i int, begin time.Time) (times []time.Duration, err error) {
	in := bufio.NewReaderSize(conn, 2048)
	pace := time.Duration(0)
	if l.Rate > 0 {
		pace = time.Duration(float64(l.Connections) / l.Rate * float64(time.Second))
	}
	due := pace * time.Duration(i) / time.Duration(l.Connections) // connections take turns
	for n := i; ; n++ {
		now := clock.Since(begin)
		if pace == 0 {
			due = now
		}
		if due >= l.For || now >= l.For {
			return times, nil
		}
		if due > now {
			time.Sleep(due - now)
		}
		if _, err := conn.Write(requests[n%len(requests)]); err != nil {
			return times, err
		}
		if err := readRedirect(in); err != nil {
			return times, err
		}
		times = append(times, clock.Since(begin)-due)
		due += pace
	}
}

var redirectStatus = []byte("HTTP/1.1 302")

// readRedirect reads one answer, which must be a 302. Only a length says that something follows the headers.
func readRedirect(in *bufio.Reader) error {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, redirectStatus) {
			return fmt.Errorf("answered %.100q", line)
		}
		if len(line) <= 2 {
			_, err := in.Discard(length)
			return err
		}
		if name, value, found := bytes.Cut(line, []byte(":")); found && bytes.EqualFold(name, []byte("content-length")) {
			if _, err := fmt.Sscan(string(value), &length); err != nil {
				return err
			}
		}
	}
}

// generator is the running process.
type generator struct {
	process *exec.Cmd
	jobs    io.WriteCloser
	out     *json.Encoder
	in      *json.Decoder
}

func startGenerator(ctx context.Context) (*generator, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	g := &generator{process: exec.CommandContext(ctx, binary, GeneratorCommand)}
	g.process.Stderr = os.Stderr
	if g.jobs, err = g.process.StdinPipe(); err != nil {
		return nil, err
	}
	results, err := g.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	g.out, g.in = json.NewEncoder(g.jobs), json.NewDecoder(results)
	return g, g.process.Start()
}

func (g *generator) run(job load) (loaded, error) {
	var result loaded
	if err := joined(g.out.Encode(job), g.in.Decode(&result)); err != nil {
		return result, err
	}
	if result.Error != "" {
		return result, errors.New(result.Error)
	}
	return result, nil
}

func (g *generator) stop() error { return joined(g.jobs.Close(), g.process.Wait()) }
