package notice

import (
	"context"
	"strings"
	"testing"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// What is wrong with a wording is said by its line.
func TestWordingsThatCannotBe(t *testing.T) {
	e, err := EventOf("site.proved")
	if err != nil {
		t.Fatal(err)
	}
	head := "subject: It is yours\nline: {{.site}} is yours\n\n"
	for _, c := range []struct{ text, field, says string }{
		{"", "line 1", "comes without a line that begins with subject:"},
		{"subject: a\n\ntext", "line 1", "comes without a line that begins with line:"},
		{"subject:\nline: b\n\ntext", "line 1", "subject"},
		{"subject: a\nline: b", "line 2", "ends before the text"},
		{"subject: a\nline: b\n\n  \n", "line 5", "ends before the text"},
		{"subject: a\ntopic: b\n\ntext", "line 2", "is not one of the lines"},
		{"subject: a\nline: b\nline: c\n\ntext", "line 3", "second time"},
		{"Dear all\n\ntext", "line 1", "is not one of the lines"},
		{"subject: {{.nobody}}\nline: b\n\ntext", "line 1", "{{.nobody}}, which this message does not have"},
		{head + "one\ntwo {{.amount}}", "line 5", "{{.amount}}, which this message does not have"},
		{head + "one\n\n{{if .site}}two", "line 6", "cannot be read"},
		{head + "one {{.site}", "line 4", "cannot be read"},
		{head + "one\n{{range 1000000000}}x{{end}}", "line 5", "more than facts and conditions"},
		{head + "{{printf \"%0999999d\" 1}}", "line 4", "not defined"},
		{head + "{{.site | html}}", "line 4", "not defined"},
		{head + "{{len .site}}", "line 4", "not defined"},
		{head + "{{.site.Secret}}", "line 4", "more than the name of a fact"},
		{head + "{{$x := .site}}{{$x}}", "line 4", "more than the name of a fact"},
		{head + "{{template \"x\"}}", "line 4", "more than facts and conditions"},
		{head + "{{define \"x\"}}a{{end}}b", "line 4", "defines a template"},
		{head + "{{with .site}}a{{end}}", "line 4", "more than facts and conditions"},
		{head + "{{if eq .site \"a\"}}b{{end}}", "line 4", "not defined"},
		{head + "{{if .site}}\n\n{{else}}\n{{if .recipient}}{{.x}}{{end}}{{end}}", "line 7", "{{.x}}"},
		{head + "\xff", "template", "UTF-8"},
		{head + strings.Repeat("a", maxTemplate), "template", "may have 16384"},
	} {
		_, err := e.Try(c.text)
		if !fault.Is(err, fault.Invalid) || fault.Of(err).Field != c.field || !strings.Contains(fault.Of(err).Error(), c.says) {
			t.Errorf("%.60q: %v, want %s %s", c.text, err, c.field, c.says)
		}
	}
	verify, _ := EventOf("account.verify")
	if _, err := verify.Try("subject: {{.code}}\nline: Your code is {{.code}}\n\n{{.link}}"); !fault.Is(err, fault.Invalid) || fault.Of(err).Field != "line 2" {
		t.Errorf("a code would stay in the product: %v", err)
	}
	got, err := e.Try("subject: {{.site}}\r\nline: b\r\naction: Go\r\n\r\nOne.\r\n\r\n\r\n\r\n{{- /* a note */ -}}\r\nTwo {{if .site}}{{.site}}{{else}}nothing{{end}}.\r\n")
	if err != nil || got.Subject != "ada.example" || got.Action != "Go" || got.Body != "One.Two ada.example." {
		t.Errorf("%+v, %v", got, err)
	}
}

// An operator's wording is used from the next mail on, and can be taken back; of two who save, the second looks again.
func TestOwnWording(t *testing.T) {
	w := newWorld(t)
	save := func(body string, version int64) error {
		return w.db.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
			return SaveTemplate(tx, "site.proved", body, version, w.admin, now)
		})
	}
	wording := func() (one Wording) {
		w.read(func(tx *db.Tx) error {
			all, err := Wordings(tx)
			one = all["site.proved"]
			if len(all) != len(Events) {
				t.Errorf("%d wordings", len(all))
			}
			return err
		})
		return one
	}
	if first := wording(); first.Own || first.Version != 0 || first.Body != Shipped("site.proved") {
		t.Errorf("at first %+v", first)
	}
	invalid(t, save("subject: a\n", 0), "line")
	if wording().Version != 0 {
		t.Error("what was refused was kept")
	}
	own := "subject: Well done, {{.recipient}}\nline: We know {{.site}} now\naction: Look\n\n<b>{{.site}}</b> belongs to you.\n"
	if err := save(own, 0); err != nil {
		t.Fatal(err)
	}
	if err := save(own, 0); !fault.Is(err, fault.Conflict) {
		t.Errorf("saved over somebody else's: %v", err)
	}
	if now := wording(); !now.Own || now.Version != 1 || now.Body != own || now.By != w.admin {
		t.Errorf("then %+v", now)
	}
	w.send("site.proved", func(n *Notice) { n.Principal, n.Facts["link"] = w.owner, "/join/sites/7?a=1&b=2" })
	box := w.box()
	if l := box[0]; l.Subject != "Well done, Ada Lindholm" || !strings.Contains(l.HTML, "&lt;b&gt;ada.example&lt;/b&gt; belongs") ||
		!strings.Contains(l.Text, "Look:\nhttps://programs.example/join/sites/7?a=1&b=2") || !strings.Contains(l.HTML, `href="https://programs.example/join/sites/7?a=1&amp;b=2"`) {
		t.Errorf("letter %s\n%s\n%s", l.Subject, l.Text, l.HTML)
	}
	if m := w.list(0, w.owner)[0]; m.Text != "We know ada.example now" || m.Link != "/join/sites/7?a=1&b=2" {
		t.Errorf("in the product %+v", m)
	}
	if err := save("", 1); err != nil {
		t.Fatal(err)
	}
	if last := wording(); last.Own || last.Version != 2 || last.Body != Shipped("site.proved") {
		t.Errorf("taken back %+v", last)
	}
	err := w.db.Write(context.Background(), db.Interactive, func(tx *db.Tx) error { return SaveTemplate(tx, "nothing", own, 0, id.ID(1), now) })
	invalid(t, err, "event")
}

// Whatever stands in a template, reading it ends, and what it lets through writes no braces of its own.
func FuzzTemplate(f *testing.F) {
	for _, e := range Events {
		f.Add(Shipped(e.Code))
	}
	f.Add("subject: a\nline: b\n\n{{if .site}}{{else if .recipient}}{{end}}{{- .site -}}")
	e, _ := EventOf("site.proved")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := e.Try(text)
		if err != nil {
			if !fault.Is(err, fault.Invalid) || fault.Of(err).Field == "" {
				t.Errorf("%v", err)
			}
			return
		}
		if strings.ContainsAny(got.Subject+got.Line, "\r\n") || len([]rune(got.Subject)) > maxSubject {
			t.Errorf("%+v", got)
		}
	})
}
