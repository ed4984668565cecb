// Package js holds the script that a store puts on its pages (t.js), as it is served: written by hand, readable, and
// small enough to need no minifier. It has no code of its own.
package js

import _ "embed"

// T is t.js.
//
//go:embed t.js
var T []byte
