package claim

import (
	"encoding/base64"
	"encoding/json"
	"strconv"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/person"
)

// What is said in a claim is personal to its creator, also what the operator's people answer: it is sealed under the creator's
// key, and gone with it. Where a claim stands, and how it ended, stays.

// gone stands in place of words about somebody who was erased.
const gone = "(erased)"

// place binds what a claim was opened with to its row, placeOfStep the words of a step to theirs.
func place(one id.ID) string { return "claim:" + one.Text(id.Claim) }

func placeOfStep(one id.ID, no int64) string { return place(one) + ":" + strconv.FormatInt(no, 10) }

// seal gives what is stored of a text: the columns hold text, also from before anything was sealed.
func seal(tx *db.Tx, keys person.Keys, creator id.ID, place string, text []byte) (string, error) {
	sealed, err := keys.Seal(tx, creator, place, text)
	return base64.StdEncoding.EncodeToString(sealed), fault.Wrap(err, "sealing a claim")
}

// open gives the text again; ok is false where the creator was erased.
func open(tx *db.Tx, keys person.Keys, creator id.ID, place, stored string) (text []byte, ok bool, err error) {
	if stored == "" { // emptied by the erasure
		return nil, false, nil
	}
	sealed, err := base64.StdEncoding.DecodeString(stored)
	if err != nil {
		return nil, false, fault.Wrap(err, "reading a claim")
	}
	text, ok, err = keys.Open(tx, creator, place, sealed)
	return text, ok, fault.Wrap(err, "opening a claim")
}

// read takes what a claim was opened with out of its row.
func (c *Claim) read(tx *db.Tx, keys person.Keys, body string, sealed bool) error {
	text, ok := []byte(body), true
	if sealed {
		var err error
		if text, ok, err = open(tx, keys, c.Creator, place(c.ID), body); err != nil {
			return err
		}
	}
	if !ok || len(text) == 0 {
		c.Message, c.Known = gone, Known{Lines: []Line{}, Words: []string{"The creator was erased, and what was asked with them."}}
		return nil
	}
	var k kept
	err := json.Unmarshal(text, &k)
	c.Request, c.Known = k.Request, k.Known
	return err
}

var (
	forgetClaims = db.Statement(`UPDATE claim SET subject = 'erased', body = '', sealed = 1 WHERE creator = $1 AND state <> 'open'`)
	forgetSteps  = db.Statement(`UPDATE claim_step SET words = '', sealed = 1 WHERE claim IN (SELECT id FROM claim WHERE creator = $1)`)
	selectOpen   = db.Statement(`SELECT id FROM claim WHERE creator = $1 AND market = $2 AND state = 'open' ORDER BY id`)
)

// Forget withdraws what a creator has open in a marketplace, whose lane the transaction holds, and empties what was said in all
// of the creator's claims that are over. Doing it again changes nothing.
func Forget(tx *db.Tx, keys person.Keys, marketplace uint16, creator id.ID, who string) error {
	var open []id.ID
	if err := tx.Each(selectOpen, func(scan func(...any) error) error {
		var one int64
		err := scan(&one)
		open = append(open, id.ID(one))
		return err
	}, int64(creator), int64(marketplace)); err != nil {
		return fault.Wrap(err, "reading open claims")
	}
	for _, one := range open {
		if _, err := Withdraw(tx, keys, marketplace, creator, one, who); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(forgetClaims, int64(creator)); err != nil {
		return fault.Wrap(err, "emptying claims")
	}
	_, err := tx.Exec(forgetSteps, int64(creator))
	return fault.Wrap(err, "emptying the steps of claims")
}
