package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"tributary/internal/db"
	"tributary/internal/setup"
)

type setupCmd struct {
	place
	File    string `arg:"" help:"Marketplaces, cards, staff, creators and tokens as JSON (examples/setup.json)." type:"existingfile"`
	Home    string `help:"Address under which people reach it." default:"http://localhost:8080" env:"TRIBUTARY_HOME"`
	Sandbox bool   `help:"Make a sandbox, whose business clock can be set. Counts only when the installation is made."`
}

// Run applies the file as a whole or not at all; again, it makes only what is missing.
func (c *setupCmd) Run(ctx context.Context) error {
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	file, err := setup.Parse(raw)
	if err == nil {
		err = file.ReadRates(filepath.Dir(c.File))
	}
	if err != nil {
		return err
	}
	i, err := c.open(ctx, kindOf(c.Sandbox))
	if err != nil {
		return err
	}
	defer i.db.Close()
	var said []string
	err = i.db.Write(ctx, db.Interactive, func(tx *db.Tx) (err error) {
		said, err = setup.Apply(tx, i.ring, file, c.Home, i.clock.Now())
		return err
	})
	for _, line := range said {
		fmt.Println(line)
	}
	return err
}
