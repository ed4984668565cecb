package bench

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/orderfile"
	"tributary/internal/orderfile/intake"
)

// importRows is the length of the file at full scale: that of half a year of a real shop.
const importRows = 209_029

// onlineRetail names a real file to measure with; without it one of the same shape is invented.
const onlineRetail = "TRIBUTARY_ONLINE_RETAIL"

//go:embed import.json
var mappingText []byte

// imports compares the import of a file, attribution and ledger and reconciliation included, with reading the file and
// inserting the very rows that the import leaves, with no logic at all. The ratio is of times: how many times as long.
func imports(ctx context.Context, o Options) (report Report, err error) {
	report = newReport("import", o)
	file := filepath.Join(o.folder, "orders.csv")
	rows := importRows / o.scale()
	if report.Settings["file"], err = writeFile(file, rows); err != nil {
		return report, err
	}
	b := &importBench{Options: o, file: file, rows: rows}
	if err := b.load(ctx, &report); err != nil {
		return report, err
	}
	rates, err := report.inTurn(ctx, "rows/s", side{"import", b.whole}, side{"bare", b.bare})
	if err != nil {
		return report, err
	}
	report.ratio("vs_bare_import", rates["bare"], rates["import"])
	return report, nil
}

type importBench struct {
	Options
	file   string
	rows   int
	orders int64
	left   *left
}

// writeFile writes the file: the beginning of the real one where it is named, an invented one otherwise.
func writeFile(path string, rows int) (what string, err error) {
	out, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if realFile := os.Getenv(onlineRetail); realFile != "" {
		return fmt.Sprintf("the first %d rows of %s", rows, filepath.Base(realFile)), orderfile.Head(out, realFile, rows)
	}
	return fmt.Sprintf("%d invented rows (name a real file in %s)", rows, onlineRetail), orderfile.Invent(out, rows, 1)
}

func (b *importBench) run(ctx context.Context, w *World) (*intake.Result, time.Duration, error) {
	mapping, err := orderfile.ParseMapping(mappingText)
	if err != nil {
		return nil, 0, err
	}
	begin := clock.Wall()
	job := intake.Import{DB: w.DB, Ring: w.Ring, Clock: w.Clock, Mapping: mapping, Path: b.file}
	result, err := job.Run(ctx)
	took := clock.Since(begin)
	if err == nil && len(result.Differences) > 0 {
		err = fmt.Errorf("the books differ from the file: %v", result.Differences)
	}
	return result, took, err
}

// load imports once and keeps the rows that are left.
func (b *importBench) load(ctx context.Context, report *Report) (err error) {
	w, err := b.openWorld(ctx, 0, db.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.describe(ctx, report); err != nil {
		return err
	}
	result, _, err := b.run(ctx, w)
	if err != nil {
		return err
	}
	b.orders = result.Totals.Orders
	if err := w.DB.Read(ctx, func(tx *db.Tx) (err error) { b.left, err = readLeft(tx); return err }); err != nil {
		return err
	}
	report.Settings["rows left"] = strconv.Itoa(b.left.rows())
	report.Settings["transactions of bare"] = strconv.Itoa(bareTransactions(int(b.orders)) + 1)
	return nil
}

// whole is the import as the command runs it.
func (b *importBench) whole(ctx context.Context) (float64, error) {
	w, err := b.openWorld(ctx, 0, db.Options{})
	if err != nil {
		return 0, err
	}
	_, took, err := b.run(ctx, w)
	return float64(b.rows) / took.Seconds(), errors.Join(err, w.close())
}

// bare reads the file and inserts the rows, thousand orders in one transaction.
func (b *importBench) bare(ctx context.Context) (float64, error) {
	w, err := b.openWorld(ctx, 0, db.Options{})
	if err != nil {
		return 0, err
	}
	begin := clock.Wall()
	if err = b.parse(); err == nil {
		err = w.insertBare(ctx, b.left, int(b.orders))
	}
	took := clock.Since(begin)
	return float64(b.rows) / took.Seconds(), errors.Join(err, w.close())
}

func (b *importBench) parse() error {
	mapping, err := orderfile.ParseMapping(mappingText)
	if err != nil {
		return err
	}
	file, err := os.Open(b.file)
	if err != nil {
		return err
	}
	defer file.Close()
	rows, err := orderfile.NewReader(file, mapping, clock.Wall())
	for err == nil {
		_, _, err = rows.Next()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
