package main

import (
	"fmt"
	"path/filepath"

	"tributary/internal/secret"
)

type keysCmd struct {
	place
	Rotate bool `help:"Add a key. It seals from the next start on; all earlier keys go on opening what is in flight."`
}

// Run shows which key seals, or adds one. Keys are never shown.
func (c *keysCmd) Run() error {
	path := filepath.Join(c.Data, "keys")
	ring, err := secret.Load(path)
	if err == nil && c.Rotate {
		if ring, err = ring.Rotate(); err == nil {
			err = ring.Save(path)
		}
	}
	if err == nil {
		fmt.Printf("key %d seals, in %s; back this file up apart from the database\n", ring.Newest(), path)
	}
	return err
}
