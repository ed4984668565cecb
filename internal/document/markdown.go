package document

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"tributary/internal/fault"
)

// The Markdown that documents are written in: CommonMark with tables, without raw HTML and pictures. Cells carry no
// alignment, since that would be a style within the page, which pages refuse.
var markdown = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone))))
})

// maxDepth bounds how deep quotes and lists may stand within each other: deeper, a reader of any kind is lost.
const maxDepth = 12

// Heading is an entry of a document's table of contents.
type Heading struct {
	ID, Text string
	Level    int // 2 for a section, 3 and more below it
}

// ids makes the ids of headings: how often each was asked for. Their prefix keeps them apart from those of the page around
// the text.
type ids map[string]int

func (s ids) Generate(value []byte, _ ast.NodeKind) []byte {
	var name strings.Builder
	for _, r := range strings.ToLower(string(value)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			name.WriteRune(r)
		case name.Len() > 0 && !strings.HasSuffix(name.String(), "-"):
			name.WriteByte('-')
		}
	}
	made := "s-" + strings.Trim(name.String(), "-")
	if s[made]++; s[made] > 1 {
		made += "--" + strconv.Itoa(s[made]) // no words make two dashes: nothing else is called so
	}
	return []byte(made)
}

func (s ids) Put(value []byte) { s[string(value)]++ }

// parse reads a text, with the page's own title above it: its headings begin at the second level.
func parse(source []byte) ast.Node {
	root := markdown().Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(ids{}))))
	walk(root, func(node ast.Node) {
		if h, ok := node.(*ast.Heading); ok {
			h.Level = max(h.Level, 2)
		}
	})
	return root
}

func walk(root ast.Node, visit func(ast.Node)) {
	// The visitor never fails, and so the walk does not either.
	_ = ast.Walk(root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			visit(node)
		}
		return ast.WalkContinue, nil
	})
}

// HTML renders a text: escaped, without anything that Markdown was not meant for, whatever stands in the rows.
func HTML(body string) (string, error) {
	source := []byte(body)
	root := parse(source)
	var drop []ast.Node
	walk(root, func(node ast.Node) {
		switch n := node.(type) {
		case *ast.Image, *ast.RawHTML, *ast.HTMLBlock:
			drop = append(drop, node)
		case *ast.Link:
			if !safe(string(n.Destination)) {
				n.Destination = nil
			}
		case *ast.AutoLink:
			if !safe(string(n.URL(source))) {
				drop = append(drop, node)
			}
		}
	})
	for _, node := range drop {
		if parent := node.Parent(); parent != nil {
			parent.RemoveChild(parent, node)
		}
	}
	var out bytes.Buffer
	if err := markdown().Renderer().Render(&out, source, root); err != nil {
		return "", fault.Wrap(err, "rendering a document")
	}
	return out.String(), nil
}

// Contents lists the headings of a text, with the ids that HTML gives them.
func Contents(body string) (all []Heading) {
	source := []byte(body)
	walk(parse(source), func(node ast.Node) {
		if h, ok := node.(*ast.Heading); ok {
			name, _ := h.AttributeString("id")
			made, _ := name.([]byte)
			all = append(all, Heading{ID: string(made), Text: plain(h, source), Level: h.Level})
		}
	})
	return all
}

// plain is the text within a node, without its marks.
func plain(node ast.Node, source []byte) string {
	var out strings.Builder
	walk(node, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.Text:
			out.Write(n.Segment.Value(source))
		case *ast.String:
			out.Write(n.Value)
		}
	})
	return strings.NewReplacer(`\`, "").Replace(out.String())
}

// safe takes addresses of the web and of mail, and places within our own pages.
func safe(address string) bool {
	parsed, err := url.Parse(strings.TrimSpace(address))
	if err != nil || strings.HasPrefix(address, "//") || strings.ContainsAny(address, "\\\t\n") {
		return false
	}
	switch strings.ToLower(parsed.Scheme) {
	case "https", "http":
		return parsed.Host != ""
	case "mailto":
		return true
	}
	return parsed.Scheme == "" && (strings.HasPrefix(address, "/") || strings.HasPrefix(address, "#"))
}

// checkMarkdown refuses what a document may not hold, with the line.
func checkMarkdown(body string) (err error) {
	source := []byte(body)
	refuse := func(node ast.Node, rule, fix string) {
		if err == nil {
			err = fault.Invalidf("body", "line %d %s", fix, lineOf(node, source), rule)
		}
	}
	root := parse(source)
	walk(root, func(node ast.Node) {
		switch n := node.(type) {
		case *ast.RawHTML, *ast.HTMLBlock:
			refuse(n, "holds HTML", "write it in Markdown; a < that is meant as such is written \\<")
		case *ast.Image:
			refuse(n, "holds a picture", "say it in words, or link to it")
		case *ast.Link:
			if !safe(string(n.Destination)) {
				refuse(n, "links to what is no address", "begin it with https://, mailto:, / or #")
			}
		case *ast.AutoLink:
			if !safe(string(n.URL(source))) {
				refuse(n, "links to what is no address", "begin it with https:// or mailto:")
			}
		case *ast.Heading:
			if plain(n, source) == "" {
				refuse(n, "is a heading without words", "write some, or strike it")
			}
		}
	})
	if err == nil && depth(root) > maxDepth {
		err = fault.Invalidf("body", "holds quotes and lists that stand more than %d deep within each other", "write it flatter", maxDepth)
	}
	return err
}

// depth is how deep quotes and lists stand within each other.
func depth(root ast.Node) (deepest int) {
	here := 0
	_ = ast.Walk(root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		switch node.(type) {
		case *ast.Blockquote, *ast.List:
			if here--; entering {
				here += 2
			}
			deepest = max(deepest, here)
		}
		return ast.WalkContinue, nil
	})
	return deepest
}

// lineOf is the line on which a node stands: that of its first text, or where the nearest block around it begins.
func lineOf(node ast.Node, source []byte) int {
	at := -1
	walk(node, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.Text:
			if at < 0 {
				at = n.Segment.Start
			}
		case *ast.RawHTML:
			if at < 0 && n.Segments.Len() > 0 {
				at = n.Segments.At(0).Start
			}
		}
	})
	for n := node; n != nil && at < 0; n = n.Parent() {
		if n.Type() != ast.TypeInline && n.Lines() != nil && n.Lines().Len() > 0 {
			at = n.Lines().At(0).Start
		}
	}
	return 1 + bytes.Count(source[:max(at, 0)], []byte("\n"))
}
