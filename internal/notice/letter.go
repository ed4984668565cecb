package notice

import (
	"embed"
	"html/template"
	"strings"

	"tributary/internal/fault"
)

// Letter is a mail as it is read, in both forms.
type Letter struct {
	To      string // an address
	Name    string // of whoever reads it
	Subject string
	Text    string
	HTML    string
	Link    string // where its button leads, absolute; empty: it has none
	Action  string // what stands on that button

	// MessageID is the same whenever the same letter is sent, so that a repeat can be told.
	MessageID string
	// Unsubscribe is where the group is switched off without signing in; empty for what must be known.
	Unsubscribe string
}

//go:embed letter.html
var letterFile embed.FS

var letterHTML = template.Must(template.ParseFS(letterFile, "letter.html"))

// sheet is what the HTML of a letter is made of.
type sheet struct {
	Subject, Brand, Preview string
	Code                    string
	Blocks                  []block
	Action, Link            string
	Items                   []item
	Why                     string // one gets it
	Settings, Unsubscribe   string
}

// block is a paragraph, or a list where Points is set.
type block struct {
	Lines  []string
	Points bool
}

// item is one message of a digest.
type item struct{ Text, When, Link string }

const point = "- "

// blocks divides a text into paragraphs and lists. Line breaks within a paragraph stay.
func blocks(text string) (all []block) {
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		var b block
		for line := range strings.SplitSeq(strings.TrimSpace(paragraph), "\n") {
			words, points := strings.CutPrefix(line, point)
			if points != b.Points && len(b.Lines) > 0 {
				all = append(all, b)
				b = block{}
			}
			b.Points = points
			b.Lines = append(b.Lines, strings.TrimSpace(words))
		}
		all = append(all, b)
	}
	return all
}

// Words at the foot of every letter.
const (
	footMust = "Messages like this one are always sent: you would want to know."
	footFree = "You can choose what you are told."
)

// lay writes a sheet out in both forms.
func (l *Letter) lay(s sheet) error {
	var html strings.Builder
	if err := letterHTML.Execute(&html, s); err != nil {
		return fault.Wrap(err, "laying a letter out")
	}
	l.HTML, l.Text, l.Link, l.Action = html.String(), s.plain(), s.Link, s.Action
	return nil
}

// plain is the same letter for who reads no HTML.
func (s sheet) plain() string {
	var b strings.Builder
	if s.Code != "" {
		b.WriteString("    " + s.Code + "\n\n")
	}
	for _, one := range s.Blocks {
		for _, line := range one.Lines {
			if one.Points {
				b.WriteString(point)
			}
			b.WriteString(line + "\n")
		}
		b.WriteString("\n")
	}
	for _, one := range s.Items {
		b.WriteString(point + one.Text + " (" + one.When + ")\n")
		if one.Link != "" {
			b.WriteString("  " + one.Link + "\n")
		}
	}
	if len(s.Items) > 0 {
		b.WriteString("\n")
	}
	if s.Action != "" && s.Link != "" {
		b.WriteString(s.Action + ":\n" + s.Link + "\n\n")
	}
	b.WriteString("-- \n" + s.Brand + "\n" + s.Why + "\n")
	if s.Settings != "" {
		b.WriteString("Settings: " + s.Settings + "\n")
	}
	if s.Unsubscribe != "" {
		b.WriteString("Switch these off: " + s.Unsubscribe + "\n")
	}
	return b.String()
}
