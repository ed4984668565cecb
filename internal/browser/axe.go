package browser

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"
)

//go:embed testdata/axe.min.js
var axeScript string

// axeRules are the success criteria of WCAG 2.0, 2.1 and 2.2 at levels A and AA.
const axeRules = `{runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa']},
	resultTypes: ['violations']}`

type axeViolation struct {
	ID     string `json:"id"`
	Help   string `json:"help"`
	Impact string `json:"impact"`
	Nodes  []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

func (v axeViolation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s", v.ID, v.Impact, v.Help)
	for _, node := range v.Nodes {
		fmt.Fprintf(&b, "\n\t%s\n\t\t%s", node.HTML, strings.ReplaceAll(node.Summary, "\n", "\n\t\t"))
	}
	return b.String()
}

// AXE fails the test for each violation of WCAG 2.2 A and AA that axe-core finds on the page as it is now shown.
func AXE(t testing.TB, p *Page) {
	t.Helper()
	for _, violation := range violations(p) {
		t.Errorf("%s: %s", p.Address(), violation)
	}
}

func violations(p *Page) []axeViolation {
	p.t.Helper()
	if !Eval[bool](p, "typeof window.axe === 'object'") {
		Eval[bool](p, axeScript+"\n;true")
	}
	return Eval[[]axeViolation](p, "axe.run(document, "+axeRules+`).then(r => r.violations.map(v => ({id: v.id, help: v.help,
		impact: v.impact, nodes: v.nodes.map(n => ({html: n.html, failureSummary: n.failureSummary}))})))`)
}
