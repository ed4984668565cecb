package creator

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/boombuler/barcode/qr"

	"tributary/internal/link"
)

// drawing is a QR code as one path of squares.
type drawing struct {
	size int
	path string
}

// quiet is the white edge that a reader needs, in squares.
const quiet = 2

// qrOf draws a text; a text that no code holds gives nothing. Of the error corrections it takes the second: enough for a
// printed page that was folded once.
func qrOf(text string) (d drawing) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return d
	}
	bounds := code.Bounds()
	var path strings.Builder
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			start := x
			for x < bounds.Max.X && dark(code.At(x, y).RGBA()) {
				x++
			}
			if x > start {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", start+quiet, y+quiet, x-start, x-start)
			}
		}
	}
	return drawing{bounds.Dx() + 2*quiet, path.String()}
}

func dark(r, _, _, _ uint32) bool { return r == 0 }

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
