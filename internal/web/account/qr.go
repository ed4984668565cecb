package account

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the white edge that a reader needs, in squares.
const quiet = 2

// drawn is a QR code as one path of squares, and the length of its side; a text that no code holds gives nothing.
func drawn(text string) (size int, path string) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return 0, ""
	}
	bounds := code.Bounds()
	var b strings.Builder
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			if shade, _, _, _ := code.At(x, y).RGBA(); shade == 0 {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	return bounds.Dx() + 2*quiet, b.String()
}

func itoa(n int) string { return strconv.Itoa(n) }
