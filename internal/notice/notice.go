// Package notice tells people what concerns them: in the product at once, and by mail as each of them wishes.
//
// What must always hold: a message exists if and only if what it tells was committed; the same occasion is told once; mail
// that cannot be delivered is tried again and never lost silently; what somebody switched off is not sent, save what they
// must know (security, money, ends of enrolments and changes of documents); addresses and contents are sealed.
//
// It decides nothing about what it tells.
package notice

import (
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// Notice is one message before it is written out. Exactly one of Creator and Principal is set: a creator's goes to the
// people of the account, a principal's to that person alone.
type Notice struct {
	Event     string // a code of Events: `enrolment.approved`, `account.signed_in`, `document.published`, …
	Creator   id.ID
	Principal id.ID
	Market    string            // id of the marketplace; empty: none
	At        time.Time         // business time
	Key       string            // the occasion: the same event, recipient and key is told once
	Facts     map[string]string // of the event (Events): already formatted text, addresses beginning with a slash
	// To is the mail address where it is another one than the recipient's verified one: that which is to be confirmed, or the
	// old one after a change. Sealed with the facts.
	To string
}

var notYet = fault.New(fault.Unavailable, "", "is being built", "come back soon")

// Send tells somebody, in the transaction that makes it true. An event without a template is Invalid.
func Send(tx *db.Tx, ring *secret.Ring, n Notice) error { return notYet }
