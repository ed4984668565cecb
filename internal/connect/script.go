package connect

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"tributary/client/js"
)

// script is t.js as it is served, compressed once.
type script struct {
	plain, packed []byte
	tag           string
}

func newScript() script {
	var packed bytes.Buffer
	// Writing to memory cannot fail, and the level exists.
	to, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	_, _ = to.Write(js.T)
	_ = to.Close()
	sum := sha256.Sum256(js.T)
	return script{plain: js.T, packed: packed.Bytes(), tag: base64.RawURLEncoding.EncodeToString(sum[:12])}
}

// serve answers GET and HEAD. Stores keep the script for an hour: a mended one reaches every shop the same day, and most
// page views ask for nothing.
func (s *script) serve(w http.ResponseWriter, r *http.Request) {
	body, tag := s.plain, `"`+s.tag+`"`
	h := w.Header()
	if accepts(r.Header.Get("Accept-Encoding")) {
		body, tag = s.packed, `"`+s.tag+`-gz"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=3600, stale-while-revalidate=86400")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", tag)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // it is made for other origins
	h.Set("Access-Control-Allow-Origin", "*")             // for stores that pin it with integrity="…" crossorigin
	if strings.Contains(r.Header.Get("If-None-Match"), s.tag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the browser may have gone
	}
}

// accepts tells whether gzip is among the encodings, and not ruled out by a quality of zero.
func accepts(encodings string) bool {
	for part := range strings.SplitSeq(encodings, ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			zero := strings.Trim(strings.TrimPrefix(strings.ReplaceAll(quality, " ", ""), "q="), "0.") == ""
			return quality == "" || !zero
		}
	}
	return false
}
