// Package id makes and writes the ids of things. An id is 63 bits, so that it fits a BIGINT and the click token's eight
// bytes: 42 bits of milliseconds since 2020 and 21 random bits, so ids sort by time of making. Outside it is written
// with the prefix of its kind, `cr_0123456789abc`. Uniqueness is kept by the primary key of whatever it names.
//
// An id is a name, not a secret; click ids, which must not be guessed, are made by package click.
package id

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"time"

	"tributary/internal/fault"
)

// ID names one thing. Zero names nothing.
type ID int64

// Prefixes of the kinds.
const (
	Creator    = "cr_"
	Enrolment  = "en_"
	Tracking   = "tr_"
	Link       = "li_"
	Line       = "ln_"
	RateCard   = "rc_"
	Click      = "ck_"
	Token      = "tk_"
	OrderEvent = "ev_"
	Promotion  = "pr_"
	Contract   = "ct_"
	Volume     = "vt_"
	Draft      = "dr_"
	Bounty     = "bo_"
	Claim      = "clm_"
	Correction = "cor_"
	WhatIf     = "wi_"
)

var epoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

const randomBits = 21

// New makes an id at that time. Times before 2020 (a replayed sandbox) give ids that sort before all others.
func New(now time.Time) ID {
	since := max(now.UnixMilli()-epoch, 0)
	return ID(since<<randomBits | int64(random()&(1<<randomBits-1)))
}

func random() uint64 {
	var raw [8]byte
	rand.Read(raw[:])
	return binary.LittleEndian.Uint64(raw[:])
}

// Crockford's alphabet, lower case: no i, l, o, u.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

const textLength = 13

// Text writes an id of that kind.
func (n ID) Text(prefix string) string {
	var out [textLength]byte
	for i, rest := textLength-1, uint64(n); i >= 0; i, rest = i-1, rest>>5 {
		out[i] = alphabet[rest&31]
	}
	return prefix + string(out[:])
}

// Parse reads an id of that kind; field is the caller's name for it.
func Parse(field, prefix, text string) (ID, error) {
	digits, found := strings.CutPrefix(text, prefix)
	if !found || len(digits) != textLength {
		return 0, fault.Invalidf(field, "is not an id of this kind", "send "+prefix+" and 13 letters or digits")
	}
	var value uint64
	for i := range textLength {
		digit := strings.IndexByte(alphabet, digits[i])
		if digit < 0 || (i == 0 && digit > 7) {
			return 0, fault.Invalidf(field, "is not an id of this kind", "send "+prefix+" and 13 letters or digits")
		}
		value = value<<5 | uint64(digit)
	}
	return ID(value), nil
}
