package catalog

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed motifs.svg
var motifText string

// motifs are the drawings of motifs.svg by name.
var motifs = readMotifs(motifText)

func readMotifs(text string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), `<g id="`)
		if !ok {
			continue
		}
		name, body, _ := strings.Cut(rest, `">`)
		found[name] = strings.TrimSuffix(body, "</g>")
	}
	return found
}

// Picture draws a product of either marketplace as SVG: its category's motif in the colours of the department or, where
// it has one, its own. False where there is no such sku.
func (c *Catalog) Picture(sku string) ([]byte, bool) {
	if drawn, ok := c.pictures.Load(sku); ok {
		return drawn.([]byte), true
	}
	item := c.bySKU[US][sku]
	if item == nil {
		item = c.bySKU[UK][sku]
	}
	if item == nil {
		return nil, false
	}
	drawn := item.draw()
	c.pictures.Store(sku, drawn)
	return drawn, true
}

func (i *Item) draw() []byte {
	main, ground := i.colour, i.Leaf.Hue
	if main.Name == "" {
		// Models of one category differ in hue and depth, within what keeps the department's colour.
		main = colour{h: (ground + int(i.variety%61) - 30 + 360) % 360, s: 32 + int(i.variety>>8%22),
			l: 42 + int(i.variety>>16%20)}
	}
	dark := colour{h: main.h, s: min(main.s+4, 60), l: max(main.l-20, 14)}
	if main.l < 32 { // on a dark surface the shade is the lighter of the two
		dark = colour{h: main.h, s: main.s, l: main.l + 18}
	}
	light := colour{h: main.h, s: 30, l: 97}
	if main.l > 85 { // a white thing needs an edge against its own light parts
		light, dark = colour{h: 210, s: 14, l: 82}, colour{h: 210, s: 12, l: 62}
	}
	accent := colour{h: (main.h + 150 + int(i.variety>>24%60)) % 360, s: 46, l: 62}
	body := strings.NewReplacer(
		`class="a"`, `fill="`+main.css()+`"`, `class="b"`, `fill="`+dark.css()+`"`, `class="c"`, `fill="`+light.css()+`"`,
		`class="d"`, `fill="`+accent.css()+`"`, `class="y"`, `fill="hsl(42,80%,63%)"`, `class="w"`, `fill="hsl(29,36%,58%)"`,
		`class="l"`, `fill="none" stroke="`+dark.css()+`"`,
		`class="k"`, `fill="none" stroke-width="12" stroke="`+main.css()+`"`).Replace(motifs[i.Leaf.motif])
	top, bottom := colour{h: ground, s: 32, l: 93}, colour{h: (ground + 20) % 360, s: 28, l: 86}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200" width="400" height="400">`+
		`<defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="%s"/>`+
		`<stop offset="1" stop-color="%s"/></linearGradient></defs>`+
		`<rect width="200" height="200" fill="url(#g)"/><ellipse cx="100" cy="170" rx="58" ry="7" fill="%s" opacity=".16"/>`+
		`<g stroke-width="5" stroke-linecap="round" stroke-linejoin="round">%s</g></svg>`,
		top.css(), bottom.css(), colour{h: ground, s: 30, l: 20}.css(), body)
}

func (c colour) css() string { return fmt.Sprintf("hsl(%d,%d%%,%d%%)", c.h, c.s, c.l) }
