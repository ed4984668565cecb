// Package dbtest gives tests a fresh, migrated database on the engine that TEST_DB names: a PostgreSQL address, or
// SQLite where it is empty. The very same tests run on both.
package dbtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"tributary/internal/db"
)

var template struct {
	once sync.Once
	name string // PostgreSQL: a database; SQLite: the file's content
	raw  []byte
	err  error
}

var count atomic.Int64

// Open gives a database of the test's own, gone when the test ends. It does not sync: tests of durability use Path.
func Open(t testing.TB) *db.DB {
	t.Helper()
	return at(t, Address(t), db.Options{Unsynced: true})
}

// Address gives the address of a fresh, migrated database, for tests that open it themselves or from another process.
func Address(t testing.TB) string {
	t.Helper()
	template.once.Do(makeTemplate)
	if template.err != nil {
		t.Fatalf("no test database: %v", template.err)
	}
	if server := os.Getenv("TEST_DB"); server != "" {
		name := fmt.Sprintf("%s_%d", template.name, count.Add(1))
		admin(t, server, "CREATE DATABASE "+name+" TEMPLATE "+template.name)
		t.Cleanup(func() { admin(t, server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
		return named(server, name)
	}
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, template.raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func at(t testing.TB, address string, options db.Options) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), address, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func makeTemplate() {
	ctx := context.Background()
	if server := os.Getenv("TEST_DB"); server != "" {
		template.name = fmt.Sprintf("tributary_%d", os.Getpid())
		if template.err = db.Admin(ctx, server, "CREATE DATABASE "+template.name); template.err == nil {
			template.err = migrate(ctx, named(server, template.name))
		}
		return
	}
	folder, err := os.MkdirTemp("", "tributary-template")
	if err != nil {
		template.err = err
		return
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "template.db")
	if template.err = migrate(ctx, path); template.err == nil {
		template.raw, template.err = os.ReadFile(path)
	}
}

func migrate(ctx context.Context, address string) error {
	d, err := db.Open(ctx, address, db.Options{Unsynced: true})
	if err != nil {
		return err
	}
	if err := d.Migrate(ctx); err != nil {
		return err
	}
	return d.Close()
}

func named(server, name string) string {
	address, err := url.Parse(server)
	if err != nil {
		panic(err)
	}
	address.Path = "/" + name
	return address.String()
}

func admin(t testing.TB, server, statement string) {
	t.Helper()
	if err := db.Admin(context.Background(), server, statement); err != nil {
		t.Errorf("%s: %v", statement, err)
	}
}
