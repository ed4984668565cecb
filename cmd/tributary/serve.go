package main

import (
	"context"
	"errors"
	"fmt"
	"net"
)

type serveCmd struct {
	place
	doors
	Sandbox bool `help:"Make a sandbox, whose business clock can be set. Counts only when the installation is made."`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context) error {
	i, err := c.open(ctx, kindOf(c.Sandbox))
	if err != nil {
		return err
	}
	t, err := c.start(ctx, i)
	if err != nil {
		return errors.Join(err, i.db.Close())
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return errors.Join(err, t.close())
	}
	fmt.Println("listening on", listener.Addr())
	return errors.Join(serve(ctx, listener, t.handler, t.web.Close), t.close())
}
