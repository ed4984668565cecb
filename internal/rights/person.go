package rights

import (
	"encoding/json"
	"io"
	"strings"
	"time"

	"tributary/internal/application"
	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/auth/oidc"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/ledger"
	"tributary/internal/network"
	"tributary/internal/notice"
	"tributary/internal/person"
	"tributary/internal/site"
)

// The account and who acts for it.
type (
	accountFile struct {
		ID       string           `json:"id"`
		Name     string           `json:"name"`
		Handle   string           `json:"handle"`
		Created  time.Time        `json:"created"`
		Routing  string           `json:"routing,omitempty"`
		Personal creator.Personal `json:"personal"`
		// Compared are the kinds of facts whose hashes are kept, by which purchases of one's own are seen.
		Compared []string      `json:"compared,omitempty"`
		PhonePIN bool          `json:"phone_pin"`
		People   []personFile  `json:"people"`
		Seats    []seatFile    `json:"seats"`
		Agencies []seatFile    `json:"agencies,omitempty"`
		Balances []balanceFile `json:"balances,omitempty"` // minor units
	}
	personFile struct {
		ID        string            `json:"id"`
		Name      string            `json:"name"`
		Email     string            `json:"email,omitempty"`
		Verified  bool              `json:"verified"`
		Pending   string            `json:"pending_email,omitempty"`
		Password  bool              `json:"password"`
		TOTP      bool              `json:"totp"`
		Recovery  int               `json:"recovery_codes_left"`
		Passkeys  []passkeyFile     `json:"passkeys,omitempty"`
		Elsewhere map[string]string `json:"accounts_elsewhere,omitempty"` // issuer, since
	}
	passkeyFile struct {
		Name    string    `json:"name"`
		Created time.Time `json:"created"`
		Used    time.Time `json:"used,omitzero"`
	}
	seatFile struct {
		Name  string    `json:"name"`
		Seat  string    `json:"seat"`
		Since time.Time `json:"since"`
	}
	balanceFile struct {
		Account string `json:"account"`
		Balance int64  `json:"balance"`
	}
)

var selectFacts = db.Statement(`SELECT kind FROM creator_fact WHERE creator = $1 GROUP BY kind ORDER BY kind`)

func writeAccount(x *export, w io.Writer) (int64, error) {
	c := x.account
	file := accountFile{ID: x.who.name(), Name: c.Name, Handle: c.Handle, Created: c.Created, Routing: string(c.Routing), People: []personFile{},
		Seats: []seatFile{}}
	err := x.read(func(tx *db.Tx) (err error) {
		if file.Personal, err = creator.FindPersonal(tx, x.ring, c.ID); err != nil {
			return err
		}
		if err := tx.Each(selectFacts, func(scan func(...any) error) error {
			var kind string
			err := scan(&kind)
			file.Compared = append(file.Compared, kind)
			return err
		}, int64(c.ID)); err != nil {
			return fault.Wrap(err, "reading a creator's facts")
		}
		if file.PhonePIN, err = credential.HasPIN(tx, c.ID); err != nil {
			return err
		}
		if err := x.seats(tx, &file); err != nil {
			return err
		}
		balances, err := ledger.Under(tx, "creator/"+x.who.name()+"/")
		for _, b := range balances {
			file.Balances = append(file.Balances, balanceFile{string(b.Account), b.Balance})
		}
		return err
	})
	for _, one := range x.who.people {
		if err != nil {
			return 0, err
		}
		var p personFile
		err = x.read(func(tx *db.Tx) (err error) {
			p, err = x.person(tx, one)
			return err
		})
		file.People = append(file.People, p)
	}
	if err != nil {
		return 0, err
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", " ")
	return 1, encoder.Encode(file)
}

func (x *export) seats(tx *db.Tx, file *accountFile) error {
	members, err := auth.Members(tx, x.who.creator)
	if err != nil {
		return err
	}
	for _, m := range members {
		file.Seats = append(file.Seats, seatFile{m.Name, string(m.Seat), m.Since})
	}
	grants, err := auth.Grants(tx, x.who.creator)
	for _, g := range grants {
		file.Agencies = append(file.Agencies, seatFile{g.Name, string(g.Seat), g.Since})
	}
	return err
}

func (x *export) person(tx *db.Tx, one id.ID) (p personFile, err error) {
	found, _, err := auth.Find(tx, one)
	if err != nil {
		return p, err
	}
	ways, err := credential.WaysOf(tx, x.ring, one)
	if err != nil {
		return p, err
	}
	p = personFile{ID: personName(one), Name: found.Name, Email: ways.Email, Verified: ways.Verified, Pending: ways.Pending, Password: ways.Password,
		TOTP: ways.TOTP, Recovery: ways.Recovery}
	keys, err := credential.PasskeysOf(tx, one)
	if err != nil {
		return p, err
	}
	for _, k := range keys {
		p.Passkeys = append(p.Passkeys, passkeyFile{k.Name, k.Created, k.Used})
	}
	ties, err := oidc.Ties(tx, one)
	for _, t := range ties {
		if p.Elsewhere == nil {
			p.Elsewhere = map[string]string{}
		}
		p.Elsewhere[t.Issuer] = t.Since.UTC().Format(time.RFC3339)
	}
	return p, err
}

type siteFile struct {
	Address string        `json:"address"`
	Kind    site.Kind     `json:"kind"`
	State   site.State    `json:"state"`
	Method  site.Method   `json:"proved_by,omitempty"`
	Token   string        `json:"proof"`
	Added   time.Time     `json:"added"`
	Proved  time.Time     `json:"proved,omitzero"`
	Removed time.Time     `json:"removed,omitzero"`
	Reports []site.Report `json:"reports,omitempty"`
}

func writeSites(x *export, w io.Writer) (int64, error) {
	out := newList(w)
	var all []site.Site
	if err := x.read(func(tx *db.Tx) (err error) { all, err = site.Past(tx, x.who.creator); return err }); err != nil {
		return 0, err
	}
	for _, s := range all {
		one := siteFile{Address: s.Address, Kind: s.Kind, State: s.State, Method: s.Method, Token: s.Token, Added: s.Added, Proved: s.Proved,
			Removed: s.Removed}
		if err := x.read(func(tx *db.Tx) (err error) { one.Reports, err = site.Reports(tx, s.ID); return err }); err != nil {
			return 0, err
		}
		if err := out.add(one); err != nil {
			return 0, err
		}
	}
	return out.end()
}

// Accounts that were disconnected are kept, too, without their tokens.
var selectAccounts = db.Statement(`SELECT id, network, number, handle, title, address, state, connected, checked, ended, score
	FROM network_account WHERE creator = $1 ORDER BY id`)

type networkFile struct {
	Network   string             `json:"network"`
	Number    string             `json:"number"`
	Handle    string             `json:"handle"`
	Title     string             `json:"title"`
	Address   string             `json:"address"`
	State     string             `json:"state"`
	Connected string             `json:"connected"`
	Checked   string             `json:"checked"`
	Ended     string             `json:"ended,omitempty"`
	Score     any                `json:"score"`
	Snapshots []network.Snapshot `json:"snapshots"`
	id        id.ID
}

func writeNetworks(x *export, w io.Writer) (int64, error) {
	out := newList(w)
	var all []networkFile
	if err := x.read(func(tx *db.Tx) error {
		all = nil
		return tx.Each(selectAccounts, func(scan func(...any) error) error {
			var n networkFile
			var number, connected, checked, ended int64
			var score string
			err := scan(&number, &n.Network, &n.Number, &n.Handle, &n.Title, &n.Address, &n.State, &connected, &checked, &ended, &score)
			n.Connected, n.Checked, n.Ended, n.Score, n.id = instant(connected), instant(checked), instant(ended), raw(score), id.ID(number)
			all = append(all, n)
			return err
		}, int64(x.who.creator))
	}); err != nil {
		return 0, fault.Wrap(err, "reading connected accounts")
	}
	for _, n := range all {
		if err := x.read(func(tx *db.Tx) (err error) { n.Snapshots, err = network.History(tx, n.id); return err }); err != nil {
			return 0, err
		}
		if err := out.add(n); err != nil {
			return 0, err
		}
	}
	return out.end()
}

func writeApplications(x *export, w io.Writer) (int64, error) {
	out := newList(w)
	var all []application.Application
	if err := x.read(func(tx *db.Tx) (err error) { all, err = application.All(tx, x.ring, x.who.creator); return err }); err != nil {
		return 0, err
	}
	for _, a := range all {
		if err := out.add(struct {
			Market  string    `json:"market"`
			Program string    `json:"program"`
			No      int64     `json:"no"`
			Saved   time.Time `json:"saved"`
			Sent    time.Time `json:"sent,omitzero"`
			application.Form
		}{x.marketName(int64(a.Key.Market)), a.Key.Program.String(), a.No, a.Saved, a.Sent, a.Form}); err != nil {
			return 0, err
		}
	}
	return out.end()
}

// The words of a verdict are sealed by package admission, for the instant at which it was given.
var selectVerdicts = db.Statement(`SELECT market, program, at, approved, reasons, words FROM review_verdict WHERE creator = $1
	ORDER BY at, market, program`)

func writeReviews(x *export, w io.Writer) (int64, error) {
	out := newList(w)
	type verdict struct {
		Market   string   `json:"market"`
		Program  string   `json:"program"`
		At       string   `json:"at"`
		Approved bool     `json:"approved"`
		Reasons  []string `json:"reasons,omitempty"`
		Words    string   `json:"words,omitempty"`
	}
	err := x.read(func(tx *db.Tx) error {
		var all []verdict
		var sealed [][]byte
		var times []int64
		if err := tx.Each(selectVerdicts, func(scan func(...any) error) error {
			var v verdict
			var number, at, approved int64
			var program uint8
			var reasons string
			var words []byte
			err := scan(&number, &program, &at, &approved, &reasons, &words)
			v.Market, v.Program, v.At, v.Approved = x.marketName(number), programName(program), instant(at), approved != 0
			v.Reasons = strings.Fields(reasons)
			all, sealed, times = append(all, v), append(sealed, words), append(times, at)
			return err
		}, int64(x.who.creator)); err != nil {
			return fault.Wrap(err, "reading verdicts")
		}
		for i, v := range all {
			words, _, err := person.Open(tx, x.ring, x.who.creator, verdictPlace(times[i]), sealed[i])
			if err != nil {
				return err
			}
			v.Words = string(words)
			if err := out.add(v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return out.end()
}

// What a message was filled in with is sealed by package notice, for the message.
var selectFilled = db.Statement(`SELECT event, creator + principal, facts FROM notice WHERE id = $1`)

// filled gives what a message was filled in with, without codes and links that opened something.
func (x *export) filled(tx *db.Tx, number id.ID) (map[string]string, error) {
	var code string
	var owner int64
	var sealed []byte
	found, err := tx.One(selectFilled, []any{&code, &owner, &sealed}, int64(number))
	if err != nil || !found {
		return nil, fault.Wrap(err, "reading a message")
	}
	event, err := notice.EventOf(code)
	if err != nil || event.Parting {
		return nil, nil // of another version of the product, or sealed for its mail alone
	}
	text, ok, err := person.Open(tx, x.ring, id.ID(owner), "notice:"+number.Text(notice.Prefix), sealed)
	if err != nil || !ok {
		return nil, err
	}
	var content struct {
		Facts map[string]string `json:"facts"`
	}
	if err := json.Unmarshal(text, &content); err != nil {
		return nil, fault.Wrap(err, "reading a message")
	}
	for _, f := range event.Facts {
		if f.Secret {
			delete(content.Facts, f.Name)
		}
	}
	return content.Facts, nil
}

func writeNotices(x *export, w io.Writer) (int64, error) {
	out := newList(w)
	asks := []notice.Query{{Creator: x.who.creator}}
	for _, one := range x.who.people {
		asks = append(asks, notice.Query{Principal: one})
	}
	for _, q := range asks {
		for q.Limit = maxPage; ; {
			var page []notice.Message
			if err := x.read(func(tx *db.Tx) (err error) { page, err = notice.List(tx, x.ring, q); return err }); err != nil {
				return 0, err
			}
			for _, m := range page {
				var facts map[string]string
				if err := x.read(func(tx *db.Tx) (err error) { facts, err = x.filled(tx, m.ID); return err }); err != nil {
					return 0, err
				}
				if err := out.add(struct {
					Event string            `json:"event"`
					At    time.Time         `json:"at"`
					Text  string            `json:"text"`
					Facts map[string]string `json:"filled_in,omitempty"`
					Link  string            `json:"link,omitempty"`
					To    string            `json:"to,omitempty"`
				}{m.Event, m.At, m.Text, facts, m.Link, toWhom(q)}); err != nil {
					return 0, err
				}
				q.Before = m.ID
			}
			// Messages that an earlier version of the product sent are left out of a page: only an empty one is the last.
			if len(page) == 0 {
				break
			}
		}
	}
	return out.end()
}

func toWhom(q notice.Query) string {
	if q.Principal == 0 {
		return q.Creator.Text(id.Creator)
	}
	return personName(q.Principal)
}

type entryFile struct {
	No      int64     `json:"no"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Action  string    `json:"action"`
	Words   string    `json:"words"`
	Subject string    `json:"subject"`
	Reason  string    `json:"reason,omitempty"`
	Before  any       `json:"before,omitempty"`
	After   any       `json:"after,omitempty"`
}

func writeJournal(x *export, w io.Writer) (int64, error) {
	out := newList(w)
	names := map[id.ID]string{x.who.creator: x.who.name()}
	order := []id.ID{x.who.creator}
	for _, one := range x.who.people {
		names[one], order = personName(one), append(order, one)
	}
	written := map[int64]bool{} // an entry about the account by one of its people stands in both lists
	for _, one := range order {
		for after := int64(0); ; {
			var page []journal.Stored
			if err := x.read(func(tx *db.Tx) (err error) {
				page, err = journal.OfPerson(tx, x.ring, one, names[one], after, journal.MaxPage)
				return err
			}); err != nil {
				return 0, err
			}
			for _, e := range page {
				after = e.No
				// What somebody did to other people's data is not theirs: that it was done is.
				mine := e.Person == 0 || names[e.Person] != "" || strings.HasPrefix(e.Subject, x.who.name())
				if written[e.No] {
					continue
				}
				written[e.No] = true
				entry := entryFile{No: e.No, At: e.At, Actor: e.Actor, Action: e.Action, Words: journal.Words(e.Action), Subject: e.Subject}
				if mine {
					entry.Reason, entry.Before, entry.After = e.Reason, e.Before, e.After
				}
				if err := out.add(entry); err != nil {
					return 0, err
				}
			}
			if len(page) < journal.MaxPage {
				break
			}
		}
	}
	return out.end()
}
