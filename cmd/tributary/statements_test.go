package main

import (
	"context"
	"testing"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
)

// Every statement of the program is declared once, and this test prepares them all on the engine at hand: a column that
// does not exist, or a word that one engine does not know, is found here and not by a shopper.
func TestEveryStatementPrepares(t *testing.T) {
	d := dbtest.Open(t)
	if len(db.Declared()) < 100 {
		t.Fatalf("only %d statements are declared; are all packages linked?", len(db.Declared()))
	}
	for _, s := range db.Declared() {
		if err := d.Prepare(context.Background(), s); err != nil {
			t.Errorf("%s\n%v", s.Text(d.Engine()), err)
		}
	}
}
