package link

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/event"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Tracking is a tracking id: the tag in a creator's links. It belongs to one creator, program and marketplace for ever.
// An archived one is no longer offered for new links; the links that are out there go on to count.
type Tracking struct {
	ID       id.ID
	Tag      string
	Creator  id.ID
	Program  click.Program
	Market   uint16
	Name     string // the creator's own word for it
	Created  time.Time
	Archived time.Time // zero: in use
}

// A tag is a stem and two digits, which by custom stand for the marketplace: kettles-20.
var tagForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,18}[a-z0-9]-[0-9]{2}$`)

const (
	shortestStem = 3
	longestStem  = 20
	firstNumber  = 20 // the first marketplace's tags end in -20, the second's in -21
	numbers      = 100
	maxTagName   = 100 // characters
)

// CheckTag refuses what cannot be a tag.
func CheckTag(tag string) error {
	if !tagForm.MatchString(tag) {
		return fault.Invalidf("tag", "is not a tracking id",
			"send 3 to 20 small letters, digits and dashes, then a dash and two digits, such as kettles-20")
	}
	return nil
}

// Stem makes the first part of a tag from a name: its letters and digits, small, at least three of them.
func Stem(name string) string {
	var out []byte
	for i := 0; i < len(name) && len(out) < longestStem; i++ {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			out = append(out, c|0x20)
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			out = append(out, c)
		case len(out) > 0 && out[len(out)-1] != '-':
			out = append(out, '-')
		}
	}
	stem := strings.Trim(string(out), "-")
	for len(stem) < shortestStem {
		stem += "x"
	}
	return stem
}

// SameStem tells whether two tags differ in their number only: a creator's tags for the same purpose in two marketplaces.
func SameStem(a, b string) bool {
	return len(a) == len(b) && len(a) > 3 && a[:len(a)-2] == b[:len(b)-2]
}

var (
	insertTracking = db.Statement(`INSERT INTO tracking (id, tag, creator, program, market, name, created, archived)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT DO NOTHING`)
	trackingByTag = db.In(`SELECT id, tag, creator, program, market, name, created, archived FROM tracking WHERE tag IN ($LIST)`)
	trackingByID  = db.In(`SELECT id, tag, creator, program, market, name, created, archived FROM tracking WHERE id IN ($LIST)`)
	trackingOf    = db.In(`SELECT id, tag, creator, program, market, name, created, archived FROM tracking
		WHERE creator IN ($LIST) ORDER BY creator, market, id`)
	trackingAll = db.Statement(`SELECT id, tag, creator, program, market, name, created, archived FROM tracking
		ORDER BY creator, market, id`)
	archiveTracking = db.Statement(`UPDATE tracking SET archived = $2 WHERE id = $1`)
)

// Open makes a tracking id and announces it to the edge. A tag that exists, archived or not and whoever's it is, is a
// Conflict: tags are never used again.
func Open(tx *db.Tx, t Tracking) error {
	opened, err := open(tx, t)
	if err == nil && !opened {
		return fault.New(fault.Conflict, "tag", "is taken", "choose another one; tags are never given out twice")
	}
	return err
}

// OpenNext makes a tracking id from a stem with the first number that is free, beginning at the marketplace's own.
func OpenNext(tx *db.Tx, t Tracking, stem string) (Tracking, error) {
	for i := range numbers {
		t.Tag = fmt.Sprintf("%s-%02d", stem, (firstNumber+int(t.Market)-1+i)%numbers)
		opened, err := open(tx, t)
		if opened || err != nil {
			return t, err
		}
	}
	return t, fault.New(fault.Exhausted, "tag", "all numbers of this name are taken", "choose another name")
}

func open(tx *db.Tx, t Tracking) (bool, error) {
	if err := CheckTag(t.Tag); err != nil {
		return false, err
	}
	if t.Program.String() == "" || t.Market == 0 || t.Creator == 0 {
		return false, fault.Invalidf("tracking", "names no creator, program or marketplace", "send all three")
	}
	name := strings.TrimSpace(t.Name)
	if !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxTagName || strings.ContainsFunc(name, unicode.IsControl) {
		return false, fault.Invalidf("name", "is longer than %d characters, or not one line of text", "shorten it", maxTagName)
	}
	if gone, err := retired(tx, t.Tag); gone || err != nil {
		return false, err
	}
	added, err := tx.Exec(insertTracking, int64(t.ID), t.Tag, int64(t.Creator), int64(t.Program), int64(t.Market), name,
		t.Created.UnixMicro())
	if err != nil {
		return false, fault.Wrap(err, "saving a tracking id")
	}
	if added == 0 {
		return false, nil
	}
	return true, event.Changed(tx, event.FeedTracking, t.ID.Text(id.Tracking))
}

// Archive takes a tracking id of a creator out of use; a zero time brings it back.
func Archive(tx *db.Tx, creator, tracking id.ID, at time.Time) error {
	found, err := TrackingByID(tx, []id.ID{tracking})
	if err != nil {
		return err
	}
	if t, ok := found[tracking]; !ok || t.Creator != creator {
		return fault.New(fault.NotFound, "tracking", "there is no such tracking id", "check the id")
	}
	micro := int64(0)
	if !at.IsZero() {
		micro = at.UnixMicro()
	}
	if _, err := tx.Exec(archiveTracking, int64(tracking), micro); err != nil {
		return fault.Wrap(err, "archiving a tracking id")
	}
	return event.Changed(tx, event.FeedTracking, tracking.Text(id.Tracking))
}

// TrackingByTag finds tracking ids by tag; those that do not exist are left out. Tags are compared as CleanTag has them.
func TrackingByTag(tx *db.Tx, tags []string) (map[string]Tracking, error) {
	keys := make([]any, len(tags))
	for i, tag := range tags {
		keys[i] = CleanTag(tag)
	}
	found := make(map[string]Tracking, len(tags))
	err := tx.In(trackingByTag, keys, func(scan func(...any) error) error {
		t, err := readTracking(scan)
		found[t.Tag] = t
		return err
	})
	return found, fault.Wrap(err, "reading tracking ids by tag")
}

// TrackingByID finds tracking ids; those that do not exist are left out.
func TrackingByID(tx *db.Tx, ids []id.ID) (map[id.ID]Tracking, error) {
	found := make(map[id.ID]Tracking, len(ids))
	err := tx.In(trackingByID, numbersOf(ids), func(scan func(...any) error) error {
		t, err := readTracking(scan)
		found[t.ID] = t
		return err
	})
	return found, fault.Wrap(err, "reading tracking ids")
}

// TrackingOf gives all tracking ids of creators, archived ones too: by marketplace, oldest first.
func TrackingOf(tx *db.Tx, creators []id.ID) (map[id.ID][]Tracking, error) {
	found := make(map[id.ID][]Tracking, len(creators))
	err := tx.In(trackingOf, numbersOf(creators), func(scan func(...any) error) error {
		t, err := readTracking(scan)
		found[t.Creator] = append(found[t.Creator], t)
		return err
	})
	return found, fault.Wrap(err, "reading creators' tracking ids")
}

// AllTracking calls row for every tracking id, those of one creator behind one another.
func AllTracking(tx *db.Tx, row func(Tracking) error) error {
	err := tx.Each(trackingAll, func(scan func(...any) error) error {
		t, err := readTracking(scan)
		if err != nil {
			return err
		}
		return row(t)
	})
	return fault.Wrap(err, "reading tracking ids")
}

func readTracking(scan func(...any) error) (Tracking, error) {
	var t Tracking
	var tracking, creator, program, market, created, archived int64
	err := scan(&tracking, &t.Tag, &creator, &program, &market, &t.Name, &created, &archived)
	t.ID, t.Creator, t.Program, t.Market = id.ID(tracking), id.ID(creator), click.Program(program), uint16(market)
	t.Created = time.UnixMicro(created).UTC()
	if archived != 0 {
		t.Archived = time.UnixMicro(archived).UTC()
	}
	return t, err
}

func numbersOf(ids []id.ID) []any {
	out := make([]any, len(ids))
	for i, one := range ids {
		out[i] = int64(one)
	}
	return out
}
