package rights

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/secret"
)

// export is one while it is written.
type export struct {
	ctx     context.Context
	db      *db.DB
	ring    *secret.Ring
	who     subject
	account creator.Creator
	markets []market.Market
	now     time.Time
}

func (x *export) read(fn func(*db.Tx) error) error { return x.db.Read(x.ctx, fn) }

func (x *export) marketName(number int64) string {
	for _, m := range x.markets {
		if int64(m.No) == number {
			return m.ID
		}
	}
	return strconv.FormatInt(number, 10)
}

// Prepare looks whether there is something to export; what it gives writes it. Whoever answers a request asks this first:
// once a file was begun, it cannot become an error page.
func Prepare(ctx context.Context, d *db.DB, ring *secret.Ring, one id.ID, now time.Time) (write func(io.Writer) error, err error) {
	x := &export{ctx: ctx, db: d, ring: ring, now: now}
	err = x.read(func(tx *db.Tx) (err error) {
		if x.account, err = creator.One(tx, one); err != nil {
			return err
		}
		if x.who, err = find(tx, one); err != nil {
			return err
		}
		x.markets, err = market.All(tx)
		return err
	})
	return x.write, err
}

// Export writes all that is kept about a creator as a zip of JSON and CSV files with a README. It holds a page of rows in
// memory, whatever there is. The same data gives the same bytes for the same now.
func Export(ctx context.Context, d *db.DB, ring *secret.Ring, one id.ID, now time.Time, w io.Writer) error {
	write, err := Prepare(ctx, d, ring, one, now)
	if err != nil {
		return err
	}
	return write(w)
}

func (x *export) write(w io.Writer) error {
	archive := zip.NewWriter(w)
	var contents strings.Builder
	for _, p := range parts() {
		file, err := x.file(archive, p.file)
		if err != nil {
			return err
		}
		var count int64
		if p.table != nil {
			count, err = p.table.write(x, file)
		} else {
			count, err = p.write(x, file)
		}
		if err != nil {
			return fault.Wrap(err, "exporting "+p.file)
		}
		fmt.Fprintf(&contents, "%-20s %8d  %s\n", p.file, count, p.about)
	}
	file, err := x.file(archive, "README.txt")
	if err == nil {
		_, err = io.WriteString(file, x.readme(contents.String()))
	}
	if err != nil {
		return err
	}
	return archive.Close()
}

// file begins a file of the archive. Its time is that of the export: the clock of a machine would make each one another.
func (x *export) file(archive *zip.Writer, name string) (io.Writer, error) {
	return archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: x.now.UTC().Truncate(2 * time.Second)})
}

const readme = `All that is kept about %s (%s)
as of %s

Files, with how many entries each holds:

%s
Times are UTC (RFC 3339). Amounts are minor units of the marketplace's currency: 1250 is 12.50. Text in CSV
files that a spreadsheet would take for a formula has an apostrophe in front of it.

Not in here, because it is not about you: what is known of visitors and shoppers (keyed hashes, by which nobody
can be found), and other creators' touches on lines that you earn from. Not in here, because it opens doors:
passwords, keys and tokens, of which only hashes are kept or what is sealed.
`

func (x *export) readme(contents string) string {
	return fmt.Sprintf(readme, x.account.Name, x.who.name(), x.now.UTC().Format(time.RFC3339), contents)
}

// list writes a JSON array, one entry at a time.
type list struct {
	out   *bufio.Writer
	count int64
}

func newList(w io.Writer) *list {
	l := &list{out: bufio.NewWriter(w)}
	l.out.WriteByte('[') // an error stays in the writer and is given by end
	return l
}

func (l *list) add(entry any) error {
	text, err := json.MarshalIndent(entry, " ", " ")
	if err != nil {
		return err
	}
	if l.count++; l.count > 1 {
		l.out.WriteByte(',')
	}
	l.out.WriteString("\n ")
	_, err = l.out.Write(text)
	return err
}

func (l *list) end() (int64, error) {
	l.out.WriteString("\n]\n")
	return l.count, l.out.Flush()
}

// raw shows stored JSON as it is; what cannot be read is shown as text.
func raw(text string) any {
	if text == "" {
		return nil
	}
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return text
}
