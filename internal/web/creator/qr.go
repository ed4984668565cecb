package creator

import (
	"net/url"
	"strings"

	"tributary/internal/link"
	"tributary/internal/web/ui"
)

// drawing is a QR code as one path of squares.
type drawing struct {
	size int
	path string
}

// qrOf draws a text; a text that no code holds gives nothing.
func qrOf(text string) (d drawing) {
	d.size, d.path = ui.QR(text)
	return d
}

// titleOf is what a list calls a link.
func titleOf(l link.Link) string {
	if l.Title != "" {
		return l.Title
	}
	return l.Target
}

func nameOf(t link.Tracking) string {
	if t.Name != "" {
		return t.Name + ", " + t.Program.String()
	}
	return t.Program.String()
}

// pathOf writes a sku as a part of an address.
func pathOf(sku string) string { return url.PathEscape(sku) }

// short is a short link as people read it: without its scheme.
func (l *links) short(code string) string {
	_, rest, found := strings.Cut(l.address, "://")
	if !found {
		rest = l.address
	}
	return rest + "/" + code
}
