package network

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Limits of what is read of an account. Three pages are enough to tell a steady account from a quiet one; more would cost
// the operator's quota and change no score.
const (
	maxPages    = 3
	pageSize    = 50
	sampleSize  = 20                  // newest posts whose reactions are counted
	maxCount    = 100_000_000_000_000 // of anything
	maxRate     = 1_000_000           // basis points: a hundred reactions of each follower to each post
	maxShares   = 45
	clockMargin = 48 * time.Hour // a post may be from so far ahead of our clock
)

// profile is what was read of an account.
type profile struct {
	number, handle, title, address string
	posts                          []post
	Snapshot
}

// post is one public post; reactions are likes, comments and shares, as far as the network tells them.
type post struct {
	at        time.Time
	reactions int64
	known     bool // any of them is told
}

// measure fills in what follows from the posts.
func (p *profile) measure(now time.Time) {
	p.At, p.Recent, p.Last, p.Engagement = now, 0, time.Time{}, 0
	p.handle, p.title = tidyHandle(p.handle), tidyTitle(p.title)
	if p.handle == "" {
		p.handle = p.number
	}
	if p.title == "" {
		p.title = p.handle
	}
	p.Confusable = confusable(p.handle, p.title)
	var reactions, sample int64
	for _, one := range p.posts {
		if one.at.IsZero() || one.at.After(now.Add(clockMargin)) {
			continue // no date, or one that cannot be
		}
		at := one.at
		if at.After(now) {
			at = now
		}
		if at.After(p.Last) {
			p.Last = at
		}
		if now.Sub(at) <= rhythmDays*24*time.Hour {
			p.Recent++
		}
		if one.known && sample < sampleSize {
			reactions, sample = min(reactions+one.reactions, maxCount), sample+1
		}
	}
	p.Posts = max(p.Posts, int64(len(p.posts)))
	if p.Hidden {
		p.Followers = 0
	}
	if sample > 0 && p.Followers > 0 {
		p.Engagement = min(reactions*100*basisPercent/sample/p.Followers, maxRate)
	}
}

// enough tells whether further pages of posts would change nothing that is measured.
func enough(posts []post, now time.Time) bool {
	if len(posts) < sampleSize {
		return false
	}
	oldest := posts[len(posts)-1].at
	return !oldest.IsZero() && now.Sub(oldest) > rhythmDays*24*time.Hour
}

// count is a number as networks write it, in digits or as a text of digits. Absent and null are not known.
type count struct {
	n     int64
	known bool
}

var errCount = errors.New("a count that is none")

func (c *count) UnmarshalJSON(raw []byte) error {
	*c = count{}
	if bytes.Equal(raw, []byte("null")) {
		return nil
	}
	n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	if err != nil || n < 0 || n > maxCount {
		return errCount
	}
	*c = count{n, true}
	return nil
}

// word is a text that some networks write as a number: ids, mostly.
type word string

func (w *word) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] != '"' {
		var n json.Number
		if err := json.Unmarshal(raw, &n); err != nil {
			return err
		}
		*w = word(n.String())
		return nil
	}
	return json.Unmarshal(raw, (*string)(w))
}

// words is a list that some networks write as one text with commas or spaces.
type words []string

func (w *words) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '[' {
		return json.Unmarshal(raw, (*[]string)(w))
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	*w = strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	return nil
}

// instant is a time as networks write it; one that cannot be read is zero, and only its post is passed over.
type instant struct{ time.Time }

func (i *instant) UnmarshalJSON(raw []byte) error {
	var text string
	i.Time = time.Time{}
	if json.Unmarshal(raw, &text) != nil {
		return nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700"} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() > 1990 && at.Year() < 2200 {
			i.Time = at.UTC().Truncate(time.Second)
			return nil
		}
	}
	return nil
}

// sum adds up what is known.
func sum(counts ...count) (total int64, known bool) {
	for _, c := range counts {
		total, known = min(total+c.n, maxCount), known || c.known
	}
	return total, known
}
