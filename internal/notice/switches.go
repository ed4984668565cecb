package notice

import (
	"encoding/base64"
	"slices"
	"strings"

	"tributary/internal/auth"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// Mode is how somebody gets the mail of a group. In the product, messages always are.
type Mode string

// The modes.
const (
	Now    Mode = "now"
	Daily  Mode = "daily"
	Weekly Mode = "weekly"
	Off    Mode = "off"
)

// Modes lists them all.
var Modes = []Mode{Now, Daily, Weekly, Off}

var (
	selectSwitches = db.Statement(`SELECT grp, mail FROM notice_switch WHERE principal = $1 ORDER BY grp`)
	selectSwitch   = db.Statement(`SELECT mail FROM notice_switch WHERE principal = $1 AND grp = $2`)
	setSwitch      = db.Statement(`INSERT INTO notice_switch (principal, grp, mail) VALUES ($1, $2, $3)
		ON CONFLICT (principal, grp) DO UPDATE SET mail = excluded.mail`)
)

// modeOf is how somebody gets the mail of an event: what must be known comes at once, whatever was switched.
func modeOf(tx *db.Tx, e Event, principal id.ID) (Mode, error) {
	if e.Must || principal == 0 {
		return Now, nil
	}
	mode := Now
	_, err := tx.One(selectSwitch, []any{&mode}, int64(principal), e.Group)
	return mode, fault.Wrap(err, "reading what somebody wishes to be told")
}

// Switches tells how somebody gets the mail of each group; groups without a word of theirs are Now.
func Switches(tx *db.Tx, principal id.ID) (map[string]Mode, error) {
	all := map[string]Mode{}
	for _, g := range Groups {
		all[g.Code] = Now
	}
	err := tx.Each(selectSwitches, func(scan func(...any) error) error {
		var group string
		var mode Mode
		err := scan(&group, &mode)
		all[group] = mode
		return err
	}, int64(principal))
	return all, fault.Wrap(err, "reading what somebody wishes to be told")
}

// Switch changes how somebody gets the mail of a group. What must be known is sent at once all the same.
func Switch(tx *db.Tx, principal id.ID, group string, mode Mode) error {
	if !slices.ContainsFunc(Groups, func(g Group) bool { return g.Code == group }) {
		return fault.Invalidf("group", "is no group of messages", "choose one of the list")
	}
	if !slices.Contains(Modes, mode) {
		return fault.Invalidf("mail", "is not a way to get mail", "send now, daily, weekly or off")
	}
	_, err := tx.Exec(setSwitch, int64(principal), group, string(mode))
	return fault.Wrap(err, "changing what somebody wishes to be told")
}

// Quiet tells whether a group holds anything that may be switched off.
func (g Group) Quiet() bool {
	return slices.ContainsFunc(Events, func(e Event) bool { return e.Group == g.Code && !e.Must })
}

const (
	tokenPurpose = "notice-unsubscribe"
	tokenSize    = 16 // bytes of the hash: nobody guesses it
)

// Token lets whoever has a mail switch its group off without signing in (RFC 8058). It opens nothing else, and does not end:
// mails are kept for years.
func Token(ring *secret.Ring, principal id.ID, group string) string {
	name := principal.Text(auth.Prefix)
	return name + "." + group + "." + base64.RawURLEncoding.EncodeToString(ring.Hash(tokenPurpose, name, group)[:tokenSize])
}

// ReadToken gives whose mail of which group a token switches off; one that we did not make is Invalid.
func ReadToken(ring *secret.Ring, token string) (principal id.ID, group Group, err error) {
	refused := fault.Invalidf("t", "this link is not one of ours, or was cut short", "use the whole link of the mail, or your settings")
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return 0, group, refused
	}
	principal, err = id.Parse("t", auth.Prefix, parts[0])
	known := append([]Group{digests}, Groups...)
	at := slices.IndexFunc(known, func(g Group) bool { return g.Code == parts[1] })
	if err != nil || at < 0 || !secret.Equal([]byte(Token(ring, principal, parts[1])), []byte(token)) {
		return 0, group, refused
	}
	return principal, known[at], nil
}

// digests stands for all groups that come as a digest: a digest holds messages of several.
var digests = Group{Code: "digests", Words: "Digests of messages"}

// SwitchByMail does what the link of a mail asks for: with its group, or with all that come as a digest.
func SwitchByMail(tx *db.Tx, principal id.ID, group Group, mode Mode) error {
	if group.Code != digests.Code {
		return Switch(tx, principal, group.Code, mode)
	}
	modes, err := Switches(tx, principal)
	if err != nil {
		return err
	}
	for _, g := range Groups {
		if modes[g.Code] != Daily && modes[g.Code] != Weekly {
			continue
		}
		if err := Switch(tx, principal, g.Code, mode); err != nil {
			return err
		}
	}
	return nil
}

// addressHash is how an address is known that must not be read.
func addressHash(ring *secret.Ring, address string) []byte {
	return ring.Hash("mail-address", strings.ToLower(address))
}

// Stopped tells whether nothing is sent to an address any more, since mail came back from it too often.
func Stopped(tx *db.Tx, ring *secret.Ring, address string) (bool, error) {
	var stopped int64
	_, err := tx.One(selectBounce, []any{&stopped}, addressHash(ring, address))
	return stopped != 0, fault.Wrap(err, "looking whether an address takes mail")
}

// Believe lets mail go to an address again.
func Believe(tx *db.Tx, ring *secret.Ring, address string) error {
	_, err := tx.Exec(dropBounce, addressHash(ring, address))
	return fault.Wrap(err, "believing an address again")
}
