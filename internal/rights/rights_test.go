package rights_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/rights"
)

// exported gives the files of an export.
func (w *world) exported(s *somebody) map[string]string {
	w.t.Helper()
	var raw bytes.Buffer
	if err := rights.Export(ctx, w.db, w.ring, s.id, w.clock.Now(), &raw); err != nil {
		w.t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(raw.Bytes()), int64(raw.Len()))
	if err != nil {
		w.t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.File {
		opened, err := f.Open()
		if err != nil {
			w.t.Fatal(err)
		}
		text, err := io.ReadAll(opened)
		if err != nil {
			w.t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return files
}

// Everything that somebody left is in the export, in files that programs can read, and nothing of anybody else's.
func TestExport(t *testing.T) {
	w := newWorld(t)
	w.buy(w.ada, "1001")
	w.buy(w.ben, "1002")
	w.buy(w.ada, "1003/a,b")
	files := w.exported(w.ada)
	for name, want := range map[string][]string{
		"account.json":      {"zolquark name", "zolquarkhandle", "zolquark full name", "zolquark@mail.example", "zolquark street 1", "zolquark person", `"password": true`, `"phone_pin": true`, "/earned/2026-03"},
		"devices.csv":       {"zolquark phone", "passkey"},
		"tokens.csv":        {"zolquark token", "links.read"},
		"sites.json":        {"https://zolquark.example/blog", "zolquark item", "https://old.zolquark.example", `"removed"`},
		"networks.json":     {"@zolquark", "zolquark channel", "1200"},
		"applications.json": {"zolquark about", "zolquark draft"},
		"reviews.json":      {"zolquark verdict", "thin_content"},
		"documents.csv":     {"agreement"},
		"notices.json":      {"zolquark next"},
		"enrolments.csv":    {"us,associates", "uk,influencer", "applied"},
		"tracking.csv":      {"zolquarktag-20", "zolquark blog"},
		"links.csv":         {"'=zolquark title", "zolquark channel", "/dp/KETTLE", "zolquarksub"},
		"coupons.csv":       {"code101"},
		"lines.csv":         {"1001,1,", `"1003/a,b",1,`, "KETTLE", "490"},
		"explanations.json": {`"order": "1001"`, `"bps"`, `"events"`, `"postings"`},
		"ledger.csv":        {"line/1001/1", "operator/us/commission", "creator/" + w.ada.id.Text("cr_") + "/us/pending"},
		"claims.json":       {"zolquark message", "zolquark evidence", "zolquark product", "zolquark question of the staff"},
		"journal.json":      {"zolquark reason", "zolquark before", "zolquark after", "zolquark device", "creator.changed"},
		"README.txt":        {"zolquark name", "as of 2026-03-10T12:00:00Z", "lines.csv                   2  "},
	} {
		text, ok := files[name]
		if !ok {
			t.Errorf("%s is not there", name)
		}
		for _, one := range want {
			if !strings.Contains(text, one) {
				t.Errorf("%s does not hold %q:\n%s", name, one, text)
			}
		}
	}
	for name, text := range files {
		for _, foreign := range []string{"kolwjark", "1002", w.ben.id.Text(id.Creator), personName(w.ben.owner)} {
			if strings.Contains(text, foreign) {
				t.Errorf("%s holds %q of somebody else:\n%s", name, foreign, text)
			}
		}
		switch {
		case strings.HasSuffix(name, ".json") && !json.Valid([]byte(text)):
			t.Errorf("%s is not JSON:\n%s", name, text)
		case strings.HasSuffix(name, ".csv"):
			rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
			if err != nil || len(rows) == 0 {
				t.Errorf("%s is not CSV: %v", name, err)
			}
			for _, row := range rows {
				for _, cell := range row {
					if cell != "" && strings.ContainsRune("=+@\t\r", rune(cell[0])) {
						t.Errorf("%s: %q is a formula", name, cell)
					}
				}
			}
		}
	}
	w.read(func(tx *db.Tx) error {
		kept, err := rights.Summary(tx, w.ada.id)
		if len(kept) != len(files)-1 {
			t.Errorf("%d kinds are told, %d files exported", len(kept), len(files))
		}
		for _, k := range kept {
			if k.About == "" || files[k.File] == "" || k.Count >= 0 && k.Count != entries(files[k.File]) {
				t.Errorf("told of %+v", k)
			}
		}
		return err
	})
}

// The same data gives the same bytes, and more rows than a page holds come all, in order, each once.
func TestExportIsCompleteAndRepeats(t *testing.T) {
	w := newWorld(t)
	const more = 1203
	w.write(func(tx *db.Tx) error {
		for i := range more {
			draft := link.Draft{Tracking: w.ada.tracking, Target: "/dp/KETTLE", Title: fmt.Sprint("number ", i)}
			if _, err := link.Make(tx, w.clock.Now().Add(time.Duration(i)*time.Second), w.us, w.ada.id, draft); err != nil {
				return err
			}
		}
		return nil
	})
	var one, two bytes.Buffer
	for _, raw := range []*bytes.Buffer{&one, &two} {
		if err := rights.Export(ctx, w.db, w.ring, w.ada.id, w.clock.Now(), raw); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("two exports of the same differ")
	}
	rows, err := csv.NewReader(strings.NewReader(w.exported(w.ada)["links.csv"])).ReadAll()
	if err != nil || len(rows) != 1+1+more {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	ids := []string{}
	for _, row := range rows[1:] {
		ids = append(ids, row[0])
	}
	if !slices.IsSorted(ids) || len(slices.Compact(ids)) != more+1 {
		t.Error("rows are not in order, or come twice")
	}
}

func TestExportOfNobody(t *testing.T) {
	w := newWorld(t)
	for _, nobody := range []id.ID{0, 999} {
		if err := rights.Export(ctx, w.db, w.ring, nobody, begin, io.Discard); !fault.Is(err, fault.NotFound) {
			t.Errorf("%d: %v", nobody, err)
		}
		if err := rights.Erase(ctx, w.db, w.ring, nobody, "us_0000000000001", true, begin); !fault.Is(err, fault.NotFound) {
			t.Errorf("%d: %v", nobody, err)
		}
	}
}

// Somebody who has a seat in two accounts has data of their own: neither account's export holds it, nor does its erasure end it.
func TestPeopleWithTwoSeats(t *testing.T) {
	w := newWorld(t)
	w.write(func(tx *db.Tx) error {
		token, err := auth.Invite(tx, auth.Invitation{Account: w.ada.id, Kind: auth.Creator, Seat: auth.Viewer, Hint: "ben"}, w.ada.owner, w.clock.Now())
		if err != nil {
			return err
		}
		return auth.TakeInvite(tx, token, w.ben.owner, w.clock.Now())
	})
	files := w.exported(w.ada)
	if strings.Contains(files["devices.csv"], "kolwjark") || strings.Contains(files["account.json"], "kolwjark@mail") {
		t.Error("the export of an account holds what belongs to somebody with a seat elsewhere")
	}
	if err := rights.Erase(ctx, w.db, w.ring, w.ada.id, personName(w.ada.owner), true, w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	w.read(func(tx *db.Tx) error {
		_, ok, err := auth.Who(tx, w.ben.owner, w.ben.device, w.ben.id)
		if !ok {
			t.Error("the erasure of one account shut somebody out of another")
		}
		seats, _ := auth.Seats(tx, w.ben.owner)
		if len(seats) != 1 || seats[0].Account != w.ben.id {
			t.Errorf("seats: %+v", seats)
		}
		return err
	})
}

// entries counts the rows of a CSV file, or what a JSON file lists.
func entries(text string) int64 {
	var list []any
	if json.Unmarshal([]byte(text), &list) == nil {
		return int64(len(list))
	}
	return int64(strings.Count(text, "\r\n") - 1)
}
