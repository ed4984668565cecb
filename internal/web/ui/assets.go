package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

type asset struct {
	name    string // with the hash of its content
	kind    string
	raw, gz []byte
}

// assets are few and small: they are compressed once, when the program starts, and carry the hash of their content in
// their name, so that a browser never asks for one twice.
var (
	assets     = map[string]*asset{}
	assetNames = map[string]string{}
)

func init() {
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic(err)
	}
	for _, entry := range entries {
		raw, err := assetFiles.ReadFile("assets/" + entry.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(raw)
		ext := path.Ext(entry.Name())
		a := &asset{name: strings.TrimSuffix(entry.Name(), ext) + "-" + hex.EncodeToString(sum[:5]) + ext, raw: raw}
		switch ext {
		case ".css":
			a.kind = "text/css; charset=utf-8"
		case ".js":
			a.kind = "text/javascript; charset=utf-8"
		case ".svg":
			a.kind = "image/svg+xml"
		}
		var packed bytes.Buffer
		writer, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is a constant that exists
		_, _ = writer.Write(raw)                                        // a buffer takes everything
		_ = writer.Close()
		a.gz = packed.Bytes()
		assets[a.name] = a
		assetNames[entry.Name()] = a.name
	}
}

// Asset is the address of a file of ours.
func Asset(name string) string { return "/assets/" + assetNames[name] }

// ServeAsset answers `/assets/{name}`. A name is its content: it is kept by browsers for a year.
func ServeAsset(w http.ResponseWriter, r *http.Request) error {
	a, ok := assets[r.PathValue("name")]
	if !ok {
		return NotFound
	}
	header := w.Header()
	header.Set("Content-Type", a.kind)
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Vary", "Accept-Encoding")
	if takesGzip(r) {
		header.Set("Content-Encoding", "gzip")
		_, err := w.Write(a.gz)
		return err
	}
	_, err := w.Write(a.raw)
	return err
}

func takesGzip(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
}
