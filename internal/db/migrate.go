package db

import (
	"context"
	"embed"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"tributary/internal/fault"
)

//go:embed schema/*.sql
var schema embed.FS

// Migrate brings the schema up to date. Files are in the common dialect and only go forward; on PostgreSQL a session
// lock keeps two nodes from migrating at once.
func (d *DB) Migrate(ctx context.Context) error {
	files, err := fs.Sub(schema, "schema")
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger())}
	dialect := goose.DialectSQLite3
	if d.engine == PostgreSQL {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		dialect, options = goose.DialectPostgres, append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(dialect, d.pool, dialectFiles{files, d.engine}, options...)
	if err != nil {
		return fault.Wrap(err, "reading migrations")
	}
	done, err := provider.Up(ctx)
	if err != nil {
		return fault.Wrap(err, "migrating the database")
	}
	for _, one := range done {
		slog.Debug("migrated", "file", one.Source.Path, "took", one.Duration)
	}
	return nil
}

// dialectFiles shows the migrations in the engine's own words.
type dialectFiles struct {
	fs.FS
	engine Engine
}

func (f dialectFiles) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || f.engine == PostgreSQL || name == "." {
		return file, err
	}
	defer file.Close()
	raw, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	return &textFile{name: name, text: []byte(Translate(strict(string(raw))))}, nil
}

type textFile struct {
	name string
	text []byte
	at   int
}

func (f *textFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *textFile) Close() error               { return nil }
func (f *textFile) Read(into []byte) (int, error) {
	if f.at == len(f.text) {
		return 0, io.EOF
	}
	n := copy(into, f.text[f.at:])
	f.at += n
	return n, nil
}
func (f *textFile) Name() string       { return f.name }
func (f *textFile) Size() int64        { return int64(len(f.text)) }
func (f *textFile) Mode() fs.FileMode  { return 0o444 }
func (f *textFile) ModTime() time.Time { return time.Time{} }
func (f *textFile) IsDir() bool        { return false }
func (f *textFile) Sys() any           { return nil }
