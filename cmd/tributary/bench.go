package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"runtime/pprof"
	"slices"
	"strings"

	"tributary/internal/bench"
	"tributary/internal/db"
	"tributary/internal/fault"
)

type benchCmd struct {
	Name     string `arg:"" optional:"" default:"all" help:"${benches} or all."`
	JSON     bool   `name:"json" help:"Print JSON, one object for each bench."`
	Full     bool   `help:"The full amount of data instead of a twentieth."`
	Database string `help:"Measure on this PostgreSQL server, in a database that is made for the bench and dropped after it." placeholder:"postgres://…"`
	Profile  string `help:"Write a CPU profile into this file." type:"path"`
}

// Validate refuses the name of a bench that there is not, before anything is made.
func (c *benchCmd) Validate() error {
	if c.Name == bench.All || slices.Contains(bench.Names(), c.Name) {
		return nil
	}
	return fault.Invalidf("name", "there is no bench %q", "name one of "+benchNames()+" or all", c.Name)
}

func benchNames() string { return strings.Join(bench.Names(), ", ") }

// Run runs one bench, or all of them.
func (c *benchCmd) Run(ctx context.Context) error {
	if c.Profile != "" {
		file, err := os.Create(c.Profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	return bench.Run(ctx, c.Name, bench.Options{Program: lent, Full: c.Full, Database: c.Database}, func(r bench.Report) error {
		if c.JSON {
			return json.NewEncoder(os.Stdout).Encode(r)
		}
		r.Print(os.Stdout)
		return nil
	})
}

// benchLoadCmd is the benches' load generator, a process of its own.
type benchLoadCmd struct{}

func (*benchLoadCmd) Run(ctx context.Context) error {
	return bench.Generate(ctx, lent, os.Stdin, os.Stdout)
}

// lent is what the benches use of the program.
var lent = bench.Program{
	Open: func(ctx context.Context, data, database string, options db.Options) (bench.Installation, error) {
		i, err := place{Data: data, Database: database}.openWith(ctx, sandbox, options)
		if err != nil {
			return bench.Installation{}, err
		}
		return i.measured(), nil
	},
	Serve: func(ctx context.Context, listener net.Listener, handler http.Handler) error {
		return serve(ctx, listener, handler, nil)
	},
	Client: func(connections int) *http.Client {
		return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}}
	},
	Dial: net.Dial,
}

// measured is an installation as the benches see it.
func (i *installation) measured() bench.Installation {
	return bench.Installation{Data: i.Data, Database: i.Database, DB: i.db, Ring: i.ring, Clock: i.clock}
}
