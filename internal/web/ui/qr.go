package ui

import (
	"fmt"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the white edge that a reader of QR codes needs, in squares.
const quiet = 2

// QR draws a text as one path of squares within a square of that size; a text that no code holds gives nothing. Of the error
// corrections it takes the second: enough for a printed page that was folded once.
func QR(text string) (size int, path string) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return 0, ""
	}
	bounds := code.Bounds()
	dark := func(x, y int) bool { shade, _, _, _ := code.At(x, y).RGBA(); return shade == 0 }
	var b strings.Builder
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			start := x
			for x < bounds.Max.X && dark(x, y) {
				x++
			}
			if x > start {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", start+quiet, y+quiet, x-start, x-start)
			}
		}
	}
	return bounds.Dx() + 2*quiet, b.String()
}
