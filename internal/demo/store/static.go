package store

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"time"
)

//go:embed style.css
var styleText []byte

//go:embed shop.js
var scriptText []byte

//go:embed mark.svg
var markText []byte

// asset is a file of the shop; its version is in its address, so browsers keep it for good.
type asset struct {
	kind    string
	content []byte
	version string
}

var assets = map[string]asset{
	"style.css": newAsset("text/css; charset=utf-8", styleText),
	"mark.svg":  newAsset("image/svg+xml", markText),
	"shop.js":   newAsset("text/javascript; charset=utf-8", scriptText),
}

func newAsset(kind string, content []byte) asset {
	sum := sha256.Sum256(content)
	return asset{kind, content, hex.EncodeToString(sum[:6])}
}

func assetAddress(name string) string { return "/static/" + name + "?v=" + assets[name].version }

func (s *Store) static(w http.ResponseWriter, r *http.Request) {
	found, ok := assets[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", found.kind)
	if r.URL.Query().Get("v") == found.version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(found.content))
}
