package ratefile

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ratecard"
)

// State is how far a draft has come.
type State string

// The states.
const (
	Drafted   State = "draft"     // somebody works on it; it changes nothing
	Published State = "published" // it was published, and some of it is still to take effect
	Effective State = "effective" // all of it has taken effect
)

// Draft is the text of a file that somebody works on. Whether it is written in a form or by hand, this text is what is
// edited, so that both see the same, comments included.
type Draft struct {
	ID        id.ID
	Market    uint16
	Name      string
	Author    id.ID // of the person's account; 0: the command line
	Created   time.Time
	Changed   time.Time
	Published time.Time // zero until then
	Effective time.Time // the last instant at which something of it takes effect
	Text      []byte
	Outcome   []ratecard.Publication // what its publication did
}

// State gives how far it has come at an instant.
func (d Draft) State(now time.Time) State {
	switch {
	case d.Published.IsZero():
		return Drafted
	case d.Effective.After(now):
		return Published
	}
	return Effective
}

const (
	maxDraftName = 100 // characters
	maxDrafts    = 500 // of one marketplace in a list: years of them; older ones are in the history of the cards
)

var (
	insertDraft = db.Statement(`INSERT INTO rate_draft
		(id, market, name, author, created, changed, published, effective, outcome, body)
		VALUES ($1, $2, $3, $4, $5, $6, 0, 0, '', $7)`)
	// The instant of the last change is what a second writer must have read.
	updateDraft = db.Statement(`UPDATE rate_draft SET name = $3, changed = $4, body = $5
		WHERE id = $1 AND changed = $2 AND published = 0`)
	publishDraft = db.Statement(`UPDATE rate_draft SET published = $2, effective = $3, outcome = $4
		WHERE id = $1 AND published = 0`)
	deleteDraft = db.Statement(`DELETE FROM rate_draft WHERE id = $1 AND published = 0`)
	selectDraft = db.Statement(`SELECT id, market, name, author, created, changed, published, effective, outcome, body
		FROM rate_draft WHERE id = $1`)
	selectDrafts = db.Statement(`SELECT id, market, name, author, created, changed, published, effective, outcome, ''
		FROM rate_draft WHERE market = $1 ORDER BY id DESC LIMIT $2`)
)

// SaveDraft keeps a draft: a new one where its id is 0, else a new text of one that was read and that nobody has changed
// since. The text may be unfinished: only its publication asks whether it can be read.
func SaveDraft(tx *db.Tx, d Draft, now time.Time) (Draft, error) {
	if name := strings.TrimSpace(d.Name); name == "" || name != d.Name || utf8.RuneCountInString(name) > maxDraftName ||
		!utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return d, fault.Invalidf("name", "is not a name", "write 1 to %d characters on one line", maxDraftName)
	}
	switch {
	case len(d.Text) > MaxFile:
		return d, fault.New(fault.Exhausted, "text", fmt.Sprintf("is larger than %d bytes", MaxFile),
			"give rates to categories in place of products")
	case !utf8.Valid(d.Text) || strings.ContainsRune(string(d.Text), 0):
		return d, fault.Invalidf("text", "is not UTF-8", "send the text as UTF-8")
	}
	now = now.UTC().Truncate(time.Microsecond)
	if d.ID == 0 {
		d.ID, d.Created, d.Changed = id.New(now), now, now
		_, err := tx.Exec(insertDraft, int64(d.ID), int64(d.Market), d.Name, int64(d.Author), now.UnixMicro(), now.UnixMicro(),
			string(d.Text))
		return d, fault.Wrap(err, "saving a draft")
	}
	if !now.After(d.Changed) {
		now = d.Changed.Add(time.Microsecond) // a change has an instant of its own, also while a sandbox's clock stands
	}
	changed, err := tx.Exec(updateDraft, int64(d.ID), d.Changed.UnixMicro(), d.Name, now.UnixMicro(), string(d.Text))
	if err != nil {
		return d, fault.Wrap(err, "saving a draft")
	}
	d.Changed = now
	if changed == 0 {
		return d, fault.New(fault.Conflict, "draft", "somebody else has changed, published or discarded it", "read it again")
	}
	return d, nil
}

// Drafts lists the drafts of a marketplace, newest first, without their texts.
func Drafts(tx *db.Tx, market uint16) (all []Draft, err error) {
	err = tx.Each(selectDrafts, func(scan func(...any) error) error {
		d, err := readDraft(scan)
		all = append(all, d)
		return err
	}, int64(market), int64(maxDrafts))
	return all, fault.Wrap(err, "reading drafts")
}

// FindDraft reads one draft.
func FindDraft(tx *db.Tx, one id.ID) (d Draft, err error) {
	found := false
	err = tx.Each(selectDraft, func(scan func(...any) error) error {
		found = true
		d, err = readDraft(scan)
		return err
	}, int64(one))
	if err == nil && !found {
		return d, noDraft()
	}
	return d, fault.Wrap(err, "reading a draft")
}

func noDraft() error {
	return fault.New(fault.NotFound, "draft", "there is no such draft", "look at the list of drafts")
}

func readDraft(scan func(...any) error) (d Draft, err error) {
	var market, created, changed, published, effective int64
	var outcome, text string
	err = scan(&d.ID, &market, &d.Name, &d.Author, &created, &changed, &published, &effective, &outcome, &text)
	if err != nil {
		return d, err
	}
	d.Market, d.Text = uint16(market), []byte(text)
	d.Created, d.Changed = time.UnixMicro(created).UTC(), time.UnixMicro(changed).UTC()
	if published == 0 {
		return d, nil
	}
	d.Published, d.Effective = time.UnixMicro(published).UTC(), time.UnixMicro(effective).UTC()
	return d, json.Unmarshal([]byte(outcome), &d.Outcome)
}

// Discard removes a draft. What was published is history and stays.
func Discard(tx *db.Tx, one id.ID) error {
	gone, err := tx.Exec(deleteDraft, int64(one))
	if err != nil {
		return fault.Wrap(err, "discarding a draft")
	}
	if gone == 0 {
		if _, err := FindDraft(tx, one); err != nil {
			return err
		}
		return fault.New(fault.Conflict, "draft", "it was published", "publish another one that undoes it")
	}
	return nil
}

// PublishDraft publishes a draft as Publish does its text, and marks it. The transaction has the marketplace's lane.
func PublishDraft(tx *db.Tx, one id.ID, seen int64) (Plan, error) {
	d, err := FindDraft(tx, one)
	if err != nil {
		return Plan{}, err
	}
	if !d.Published.IsZero() {
		return Plan{}, fault.New(fault.Conflict, "draft", "it was published on "+d.Published.Format(time.RFC3339),
			"make a new one")
	}
	p, err := Publish(tx, d.Text, seen)
	if err != nil {
		return Plan{}, err
	}
	if p.occasion.Market != d.Market {
		return Plan{}, fault.Invalidf("marketplace", "is not that of the draft", "make a draft for "+p.Marketplace)
	}
	said := make([]ratecard.Publication, len(p.Steps))
	effective := tx.Now()
	for i, step := range p.Steps {
		said[i] = step.Publication
		if step.From.After(effective) {
			effective = step.From
		}
	}
	outcome, err := json.Marshal(said)
	if err != nil {
		return Plan{}, err
	}
	marked, err := tx.Exec(publishDraft, int64(one), tx.Now().UnixMicro(), effective.UnixMicro(), string(outcome))
	if err == nil && marked == 0 {
		err = noDraft()
	}
	return p, fault.Wrap(err, "marking a draft as published")
}
