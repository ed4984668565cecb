package rights

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"tributary/internal/claim"
	"tributary/internal/correction"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/explain"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/person"
)

// maxPage is what the rooms give at most at once.
const maxPage = 200

// verdictPlace is the place of a verdict's words, as package admission binds them.
func verdictPlace(at int64) string { return "review_verdict:" + strconv.FormatInt(at, 10) }

func programName(number uint8) string { return enrolment.Program(number).String() }

var (
	pageLines = db.Statement(`SELECT market, order_id, line_id FROM line WHERE creator = $1 AND creator <> 0
		AND (market, order_id, line_id) > ($2, $3, $4) ORDER BY market, order_id, line_id LIMIT $5`)
	pageBounties = db.Statement(`SELECT market, id, '' FROM bounty_claim WHERE creator = $1 AND creator <> 0
		AND (market, id, '') > ($2, $3, $4) ORDER BY market, id LIMIT $5`)
)

// name tells a line or a bounty from the others.
type name struct {
	market        int64
	first, second string
}

// each calls do for every line or bounty of the creator's, reading a page of names at a time.
func (x *export) each(page *db.Stmt, do func(tx *db.Tx, n name) error) error {
	for last, more := (name{market: -1}), true; more; {
		var names []name
		err := x.read(func(tx *db.Tx) error {
			names = nil
			return tx.Each(page, func(scan func(...any) error) error {
				var n name
				err := scan(&n.market, &n.first, &n.second)
				names = append(names, n)
				return err
			}, int64(x.who.creator), last.market, last.first, last.second, int64(pageRows))
		})
		if err != nil {
			return fault.Wrap(err, "reading what is credited")
		}
		more = len(names) == pageRows
		for _, n := range names {
			if err := x.read(func(tx *db.Tx) error { return do(tx, n) }); err != nil {
				return err
			}
			last = n
		}
	}
	return nil
}

func writeExplanations(x *export, w io.Writer) (int64, error) {
	out := newList(w)
	err := x.each(pageLines, func(tx *db.Tx, n name) error {
		e, err := explain.Line(tx, uint16(n.market), n.first, n.second)
		if fault.Is(err, fault.NotFound) {
			return nil // it was reported, and is not decided yet
		}
		if err != nil {
			return err
		}
		return out.add(e.For(x.who.creator))
	})
	if err != nil {
		return 0, err
	}
	return out.end()
}

func writeBounties(x *export, w io.Writer) (int64, error) {
	out := newList(w)
	err := x.each(pageBounties, func(tx *db.Tx, n name) error {
		e, err := explain.OneBounty(tx, uint16(n.market), n.first)
		if err != nil {
			return err
		}
		return out.add(e.For(x.who.creator))
	})
	if err != nil {
		return 0, err
	}
	return out.end()
}

// Transfers are found by their accounts, which have no index of their own: one walk over all of them, in stretches, is what an
// export is worth.
var pageTransfers = db.Statement(`SELECT lane, subject, version, component, leg, debit, credit, amount, at FROM transfer
	WHERE (debit >= $1 AND debit < $2 OR credit >= $1 AND credit < $2)
	AND (lane, subject, version, component, leg) > ($3, $4, $5, $6, $7) ORDER BY lane, subject, version, component, leg LIMIT $8`)

func writeLedger(x *export, w io.Writer) (count int64, err error) {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write([]string{"market", "subject", "version", "component", "leg", "debit", "credit", "amount", "at"}); err != nil {
		return 0, err
	}
	from, until := "creator/"+x.who.name()+"/", "creator/"+x.who.name()+"0"
	var lane, version, leg int64
	var subject, component string
	for page := int64(pageRows); page == pageRows; {
		page = 0
		// The look that is tried again begins at the same key: it is moved only when a page was read.
		key := []any{from, until, lane, subject, version, component, leg, int64(pageRows)}
		var rows [][]string
		err := x.read(func(tx *db.Tx) error {
			return tx.Each(pageTransfers, func(scan func(...any) error) error {
				var debit, credit string
				var amount, at int64
				if err := scan(&lane, &subject, &version, &component, &leg, &debit, &credit, &amount, &at); err != nil {
					return err
				}
				page++
				rows = append(rows, []string{x.marketName(lane), harmless(subject), strconv.FormatInt(version, 10), harmless(component),
					strconv.FormatInt(leg, 10), harmless(debit), harmless(credit), strconv.FormatInt(amount, 10), instant(at)})
				return nil
			}, key...)
		})
		if err != nil {
			return count, fault.Wrap(err, "reading the ledger")
		}
		if count += page; len(rows) > 0 {
			if err := out.WriteAll(rows); err != nil {
				return count, err
			}
		}
	}
	out.Flush()
	return count, out.Error()
}

type (
	stepFile struct {
		At     time.Time `json:"at"`
		By     string    `json:"by,omitempty"`
		Action string    `json:"action"`
		Words  string    `json:"words,omitempty"`
	}
	claimFile struct {
		ID     string    `json:"id"`
		Market string    `json:"market"`
		State  string    `json:"state"`
		Opened time.Time `json:"opened"`
		Due    string    `json:"due"`
		Closed time.Time `json:"closed,omitzero"`
		claim.Request
		Known   claim.Known `json:"known"`
		Outcome string      `json:"outcome,omitempty"`
		Reason  string      `json:"reason,omitempty"`
		Steps   []stepFile  `json:"steps"`
	}
	correctionFile struct {
		ID       string               `json:"id"`
		Market   string               `json:"market"`
		Kind     string               `json:"kind"`
		Amount   int64                `json:"amount"`
		Reason   string               `json:"reason"`
		Words    string               `json:"words,omitempty"`
		Evidence []string             `json:"evidence,omitempty"`
		State    string               `json:"state"`
		Proposed time.Time            `json:"proposed"`
		Decided  time.Time            `json:"decided,omitzero"`
		Posted   time.Time            `json:"posted,omitzero"`
		Lines    []correction.LineKey `json:"lines,omitempty"`
		Steps    []stepFile           `json:"steps"`
	}
)

func writeClaims(x *export, w io.Writer) (int64, error) {
	out, keys := newList(w), person.Keys{Ring: x.ring}
	for before, more := id.ID(0), true; more; {
		var page []claim.Claim
		if err := x.read(func(tx *db.Tx) (err error) {
			page, err = claim.OfCreator(tx, keys, x.who.creator, 0, before, maxPage)
			return err
		}); err != nil {
			return 0, err
		}
		more = len(page) == maxPage
		for _, c := range page {
			before = c.ID
			var steps []claim.Step
			if err := x.read(func(tx *db.Tx) (err error) { _, steps, err = claim.Mine(tx, keys, x.who.creator, c.ID); return err }); err != nil {
				return 0, err
			}
			file := claimFile{ID: c.ID.Text(id.Claim), Market: x.marketName(int64(c.Market)), State: string(c.State), Opened: c.Opened, Due: c.Due,
				Closed: c.Closed, Request: c.Request, Known: c.Known, Outcome: string(c.Outcome), Reason: c.Reason}
			for _, s := range steps {
				file.Steps = append(file.Steps, stepFile{s.At, s.Who, s.Action, s.Words})
			}
			if err := out.add(file); err != nil {
				return 0, err
			}
		}
	}
	return out.end()
}

// Corrections are told with their words, and without the names of the staff.
func writeCorrections(x *export, w io.Writer) (int64, error) {
	out := newList(w)
	for _, m := range x.markets {
		for before, more := id.ID(0), true; more; {
			var page []correction.Correction
			if err := x.read(func(tx *db.Tx) (err error) {
				page, err = correction.OfCreator(tx, x.who.creator, m.No, false, before, maxPage)
				return err
			}); err != nil {
				return 0, err
			}
			more = len(page) == maxPage
			for _, c := range page {
				before = c.ID
				var steps []correction.Step
				if err := x.read(func(tx *db.Tx) (err error) { c, steps, err = correction.Find(tx, c.ID); return err }); err != nil {
					return 0, err
				}
				file := correctionFile{ID: c.ID.Text(id.Correction), Market: m.ID, Kind: string(c.Kind), Amount: c.Amount, Reason: c.Reason, Words: c.Words,
					Evidence: c.Evidence, State: string(c.State), Proposed: c.Proposed, Decided: c.Decided, Posted: c.Posted, Lines: c.Lines}
				for _, s := range steps {
					file.Steps = append(file.Steps, stepFile{At: s.At, Action: s.Action, Words: s.Words})
				}
				if err := out.add(file); err != nil {
					return 0, err
				}
			}
		}
	}
	return out.end()
}
