package notice

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
	"time"
	"unicode/utf8"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// A template is a text: `name: value` lines, an empty line, and what the mail says. Places in double braces hold facts;
// `{{if .fact}} … {{else}} … {{end}}` stands where a fact may be empty. Nothing else may stand in braces, so that what an
// operator writes can neither run long nor reach anything but the facts.

//go:embed templates/*.txt
var templateFiles embed.FS

// Template is a message's wording.
type Template struct {
	Subject string // of the mail
	Line    string // in the product
	Action  string // on the button that leads on; empty: no button
	Code    string // to be typed; empty: none
	Body    string
}

// Limits of a template, and of what comes out of it.
const (
	maxTemplate = 16 << 10
	maxSubject  = 200 // characters
	maxLine     = 300
)

// parts of a template, parsed.
type parts map[string]*parse.ListNode

// headNames are the lines before the text; the first two must be there.
var headNames = []string{"subject", "line", "action", "code"}

// read parses a template of an event. What is wrong is Invalid, with the line as its field.
func (e Event) read(text string) (parts, error) {
	if len(text) > maxTemplate || !utf8.ValidString(text) {
		return nil, fault.Invalidf("template", "has %d bytes, and may have %d of UTF-8", "write less", len(text), maxTemplate)
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	found := parts{}
	lines := strings.Split(text, "\n")
	at := 0
	for ; at < len(lines) && strings.TrimSpace(lines[at]) != ""; at++ {
		name, value, ok := strings.Cut(lines[at], ":")
		if !ok || !slices.Contains(headNames, name) {
			return nil, atLine(at+1, "is not one of the lines before the text", "begin it with "+strings.Join(headNames, ":, ")+
				": and leave an empty line before the text")
		}
		if found[name] != nil {
			return nil, atLine(at+1, "says "+name+" a second time", "leave one of them")
		}
		tree, err := e.parse(strings.TrimSpace(value), at, name == "line")
		if err != nil {
			return nil, err
		}
		found[name] = tree
	}
	for _, name := range headNames[:2] {
		if found[name] == nil || len(found[name].Nodes) == 0 {
			return nil, atLine(1, "comes without a line that begins with "+name+":", "write one above the text")
		}
	}
	body := strings.Join(lines[min(at+1, len(lines)):], "\n")
	if strings.TrimSpace(body) == "" {
		return nil, atLine(len(lines), "ends before the text", "leave an empty line, and write what the mail says")
	}
	tree, err := e.parse(body, at+1, false)
	found["body"] = tree
	return found, err
}

func atLine(number int, rule, fix string) *fault.Error {
	return fault.New(fault.Invalid, "line "+strconv.Itoa(number), rule, fix)
}

// said reads the line and the words of an error of the parser.
var said = regexp.MustCompile(`^template: \w+:(\d+):(?:\d+:)? (.*)$`)

// parse reads one part, whose first line stands so many lines below the top.
func (e Event) parse(text string, above int, shown bool) (*parse.ListNode, error) {
	trees, err := parse.Parse("text", text, "{{", "}}")
	if err != nil {
		number, words := 1, "cannot be read"
		if found := said.FindStringSubmatch(err.Error()); found != nil {
			number, _ = strconv.Atoi(found[1])
			words = found[2]
		}
		return nil, atLine(above+number, "cannot be read: "+words, "write a fact as {{.name}}, and end each {{if .name}} with {{end}}")
	}
	if len(trees) > 1 {
		return nil, atLine(above+1, "defines a template within the template", "write the text itself")
	}
	tree := trees["text"]
	if tree == nil || tree.Root == nil {
		return &parse.ListNode{}, nil
	}
	return tree.Root, e.walk(tree.Root, text, above, shown)
}

// walk refuses all but texts, facts of the event, and conditions on them. What is shown in the product holds no secret.
func (e Event) walk(list *parse.ListNode, text string, above int, shown bool) error {
	if list == nil {
		return nil
	}
	for _, node := range list.Nodes {
		line := above + 1 + strings.Count(text[:min(int(node.Position()), len(text))], "\n")
		var pipe *parse.PipeNode
		switch n := node.(type) {
		case *parse.TextNode:
			continue
		case *parse.ActionNode:
			pipe = n.Pipe
		case *parse.IfNode:
			pipe = n.Pipe
			if err := e.walk(n.List, text, above, shown); err != nil {
				return err
			}
			if err := e.walk(n.ElseList, text, above, shown); err != nil {
				return err
			}
		default:
			return atLine(line, "holds more than facts and conditions in its braces", "write {{.name}} or {{if .name}} … {{else}} … {{end}}")
		}
		name, ok := factOf(pipe)
		if !ok {
			return atLine(line, "holds more than the name of a fact in its braces", "write {{.name}}, or {{if .name}}")
		}
		at := slices.IndexFunc(e.all(), func(f Fact) bool { return f.Name == name })
		if at < 0 {
			return atLine(line, "names {{."+short(name)+"}}, which this message does not have", "use "+strings.Join(e.names(), ", "))
		}
		if shown && e.all()[at].Secret {
			return atLine(line, "shows {{."+name+"}} in the product, where it would stay", "leave it to the mail")
		}
	}
	return nil
}

// names lists the facts of an event as templates write them.
func (e Event) names() (names []string) {
	for _, f := range e.all() {
		names = append(names, "{{."+f.Name+"}}")
	}
	return names
}

// factOf is the one fact that braces name.
func factOf(pipe *parse.PipeNode) (string, bool) {
	if pipe == nil || len(pipe.Decl) > 0 || len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 1 {
		return "", false
	}
	field, ok := pipe.Cmds[0].Args[0].(*parse.FieldNode)
	if !ok || len(field.Ident) != 1 {
		return "", false
	}
	return field.Ident[0], true
}

// fill writes a part out.
func fill(b *strings.Builder, list *parse.ListNode, facts map[string]string) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.TextNode:
			b.Write(n.Text)
		case *parse.ActionNode:
			name, _ := factOf(n.Pipe)
			b.WriteString(facts[name])
		case *parse.IfNode:
			name, _ := factOf(n.Pipe)
			if facts[name] != "" {
				fill(b, n.List, facts)
			} else {
				fill(b, n.ElseList, facts)
			}
		}
	}
}

func (p parts) text(name string, facts map[string]string) string {
	var b strings.Builder
	fill(&b, p[name], facts)
	return strings.TrimSpace(b.String())
}

var manyBreaks = regexp.MustCompile(`\n[ \t]*\n[ \t\n]*`)

// oneLine makes a header of a text: whatever facts hold, it stays on its line.
func oneLine(text string, most int) string {
	text = strings.Join(strings.Fields(clean(text)), " ")
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most-1]) + "…"
	}
	return text
}

// write fills a template with facts.
func (p parts) write(facts map[string]string) Template {
	return Template{Subject: oneLine(p.text("subject", facts), maxSubject), Line: oneLine(p.text("line", facts), maxLine),
		Action: oneLine(p.text("action", facts), maxSubject), Code: oneLine(p.text("code", facts), maxSubject),
		Body: manyBreaks.ReplaceAllString(p.text("body", facts), "\n\n")}
}

// Shipped is the wording that came with the product.
func Shipped(event string) string {
	raw, err := templateFiles.ReadFile("templates/" + event + ".txt")
	if err != nil {
		return ""
	}
	return string(raw)
}

var shippedParts = readShipped()

func readShipped() map[string]parts {
	all := map[string]parts{}
	for _, e := range Events {
		p, err := e.read(Shipped(e.Code))
		if err != nil {
			panic(fmt.Sprintf("notice: template %s: %v", e.Code, err)) // a test renders each
		}
		all[e.Code] = p
	}
	return all
}

// Wording is a message's wording with where it comes from.
type Wording struct {
	Event   string
	Body    string // as it is edited
	Version int64  // 0: it was never changed
	Own     bool   // the operator's; false: as it came with the product
	By      id.ID
	At      time.Time
}

var (
	insertWording = db.Statement(`INSERT INTO notice_template (event, version, body, by_whom, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (event, version) DO NOTHING`)
	selectWordings = db.Statement(`SELECT t.event, t.version, t.body, t.by_whom, t.at FROM notice_template t
		WHERE t.version = (SELECT MAX(s.version) FROM notice_template s WHERE s.event = t.event) ORDER BY t.event`)
)

// Wordings gives the wording of every message, by event.
func Wordings(tx *db.Tx) (map[string]Wording, error) {
	all := map[string]Wording{}
	for _, e := range Events {
		all[e.Code] = Wording{Event: e.Code, Body: Shipped(e.Code)}
	}
	err := tx.Each(selectWordings, func(scan func(...any) error) error {
		var w Wording
		var by, at int64
		if err := scan(&w.Event, &w.Version, &w.Body, &by, &at); err != nil {
			return err
		}
		w.By, w.At, w.Own = id.ID(by), clock.FromMicro(at), w.Body != ""
		if !w.Own {
			w.Body = Shipped(w.Event)
		}
		if _, known := all[w.Event]; known { // an event of another version of the product is let be
			all[w.Event] = w
		}
		return nil
	})
	return all, fault.Wrap(err, "reading the wording of messages")
}

// SaveTemplate replaces the wording of a message. It is tried with sample facts first: what is wrong is Invalid, with the
// line as its field. version is that of the wording that was edited: where somebody saved meanwhile, it is a Conflict. An
// empty body takes the wording back to that which came with the product.
func SaveTemplate(tx *db.Tx, event, body string, version int64, by id.ID, now time.Time) error {
	e, err := EventOf(event)
	if err != nil {
		return err
	}
	body = strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n"))
	if body != "" {
		body += "\n"
		if _, err := e.Try(body); err != nil {
			return err
		}
	}
	all, err := Wordings(tx)
	if err != nil {
		return err
	}
	stale := fault.New(fault.Conflict, "template", "was changed by somebody else meanwhile", "look at the new wording, and save again")
	if all[event].Version != version {
		return stale
	}
	added, err := tx.Exec(insertWording, event, version+1, body, int64(by), clock.Micro(now))
	if err == nil && added == 0 {
		return stale
	}
	return fault.Wrap(err, "saving the wording of a message")
}

// Try writes a template out with sample facts, or says which line is wrong.
func (e Event) Try(body string) (Template, error) {
	p, err := e.read(body)
	if err != nil {
		return Template{}, err
	}
	t := p.write(e.samples())
	if t.Subject == "" || t.Line == "" || t.Body == "" {
		return t, atLine(1, "leaves the subject, the line or the text empty", "write them with words of their own")
	}
	return t, nil
}

// writer writes messages out with the wording of now.
type writer struct{ own map[string]parts }

func newWriter(tx *db.Tx) (writer, error) {
	all, err := Wordings(tx)
	w := writer{own: map[string]parts{}}
	for code, one := range all {
		if !one.Own {
			continue
		}
		e, _ := EventOf(code)
		if p, err := e.read(one.Body); err == nil { // an older wording may name a fact that is no more: the shipped one stands in
			w.own[code] = p
		}
	}
	return w, err
}

// write fills the message of an event; given are the facts of everybody.
func (w writer) write(e Event, facts, given map[string]string) Template {
	all := map[string]string{}
	for name, value := range facts {
		all[name] = value
	}
	for name, value := range given {
		all[name] = value
	}
	p := w.own[e.Code]
	if p == nil {
		p = shippedParts[e.Code]
	}
	return p.write(all)
}

// Preview is a letter of an event with sample facts, in that wording.
func Preview(e Event, body, brand string) (Letter, Template, error) {
	t, err := e.Try(body)
	if err != nil {
		return Letter{}, t, err
	}
	l := Letter{To: "ada@example.org", Name: Given[0].Sample, Subject: t.Subject}
	s := sheet{Subject: t.Subject, Brand: brand, Preview: t.Line, Code: t.Code, Blocks: blocks(t.Body), Action: t.Action, Why: footMust,
		Link: leads(e, e.samples())}
	if !e.Must {
		s.Why, s.Settings, s.Unsubscribe = footFree, "/messages/settings", "/unsubscribe"
	}
	return l, t, l.lay(s)
}
