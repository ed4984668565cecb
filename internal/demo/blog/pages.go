package blog

import (
	"bytes"
	"embed"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed page.html style.css icon.svg
var files embed.FS

var page = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"day": func(at time.Time) string { return at.Format("2 January 2006") },
	"iso": func(at time.Time) string { return at.Format(time.RFC3339) },
}).ParseFS(files, "page.html"))

// shown is a page of a site.
type shown struct {
	*weblog
	Base     string // under which the site was asked
	Newcomer bool
	Tags     []proof
	Lines    []proof
	Articles []article
	One      *article // the article that is shown; nil: another page
	Admin    bool
	About    bool
	Pasted   string
	Done     *proof
	Wrong    string
}

func (v shown) Heading() string {
	switch {
	case v.One != nil:
		return v.One.Title + " · " + v.Title
	case v.Admin:
		return "Settings · " + v.Title
	case v.About:
		return "About · " + v.Title
	}
	return v.Title
}

func (s *Sites) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /about", s.about)
	mux.HandleFunc("GET /{slug}", s.article)
	mux.HandleFunc("GET /admin", s.admin)
	mux.HandleFunc("POST /admin", s.paste)
	mux.HandleFunc("GET /feed.xml", s.feed)
	mux.HandleFunc("GET /sitemap.xml", s.sitemap)
	mux.HandleFunc("GET /robots.txt", s.robots)
	mux.HandleFunc("GET /style.css", s.style)
	mux.HandleFunc("GET /icon.svg", s.style)
	mux.HandleFunc("GET /recordings/{file}", s.recording)
	mux.HandleFunc("GET /.well-known/tributary.txt", s.file)
	return http.NewCrossOriginProtection().Handler(mux)
}

func (s *Sites) shown(r *http.Request) shown {
	one := s.byHost[bare(r.Host)]
	v := shown{weblog: one, Base: "http://" + r.Host, Articles: s.dated(one), Newcomer: one.Host == Newcomer+localhost}
	v.Tags, v.Lines = s.proofsOf(one.Host)
	return v
}

func show(w http.ResponseWriter, status int, v shown) {
	var out bytes.Buffer
	if err := page.Execute(&out, v); err != nil {
		http.Error(w, "The page could not be written.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(out.Bytes())
}

func (s *Sites) home(w http.ResponseWriter, r *http.Request) { show(w, http.StatusOK, s.shown(r)) }

func (s *Sites) about(w http.ResponseWriter, r *http.Request) {
	v := s.shown(r)
	v.About = true
	show(w, http.StatusOK, v)
}

func (s *Sites) article(w http.ResponseWriter, r *http.Request) {
	v := s.shown(r)
	for i := range v.Articles {
		if v.Articles[i].Slug == r.PathValue("slug") {
			v.One = &v.Articles[i]
			show(w, http.StatusOK, v)
			return
		}
	}
	http.NotFound(w, r)
}

// admin is where whoever owns a site puts a proof on it.
func (s *Sites) admin(w http.ResponseWriter, r *http.Request) {
	v := s.shown(r)
	v.Admin = true
	w.Header().Set("Cache-Control", "no-store")
	show(w, http.StatusOK, v)
}

func (s *Sites) paste(w http.ResponseWriter, r *http.Request) {
	text := r.PostFormValue("paste")
	done, err := s.put(bare(r.Host), text)
	v := s.shown(r)
	v.Admin = true
	switch {
	case errors.Is(err, errPaste):
		v.Wrong, v.Pasted = wrongPaste, text
		show(w, http.StatusUnprocessableEntity, v)
		return
	case err != nil:
		http.Error(w, "It could not be kept. Try again.", http.StatusInternalServerError)
		return
	}
	v.Done = &done
	show(w, http.StatusOK, v)
}

// file is where a proof of ownership may stand as a file.
func (s *Sites) file(w http.ResponseWriter, r *http.Request) {
	_, lines := s.proofsOf(bare(r.Host))
	if len(lines) == 0 {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for _, line := range lines {
		fmt.Fprintln(w, line.Value)
	}
}

func (s *Sites) robots(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "User-agent: *\nDisallow:\n\nSitemap: http://%s/sitemap.xml\n", r.Host)
}

func (s *Sites) style(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, r.URL.Path[1:])
}

type address struct {
	At      string `xml:"loc"`
	Changed string `xml:"lastmod,omitempty"`
}

func (s *Sites) sitemap(w http.ResponseWriter, r *http.Request) {
	v := s.shown(r)
	list := struct {
		XMLName xml.Name  `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
		URL     []address `xml:"url"`
	}{URL: []address{{At: v.Base + "/"}, {At: v.Base + "/about"}}}
	for _, a := range v.Articles {
		list.URL = append(list.URL, address{v.Base + "/" + a.Slug, a.Published.Format(time.DateOnly)})
	}
	answerXML(w, "application/xml", list)
}

type item struct {
	Title     string     `xml:"title"`
	Link      string     `xml:"link"`
	ID        string     `xml:"guid"`
	Published string     `xml:"pubDate"`
	Words     string     `xml:"description"`
	File      *enclosure `xml:"enclosure,omitempty"`
}

type enclosure struct {
	At     string `xml:"url,attr"`
	Length int    `xml:"length,attr"`
	Type   string `xml:"type,attr"`
}

func (s *Sites) feed(w http.ResponseWriter, r *http.Request) {
	v := s.shown(r)
	feed := struct {
		XMLName xml.Name `xml:"rss"`
		Version string   `xml:"version,attr"`
		Title   string   `xml:"channel>title"`
		Link    string   `xml:"channel>link"`
		Words   string   `xml:"channel>description"`
		Items   []item   `xml:"channel>item"`
	}{Version: "2.0", Title: v.Title, Link: v.Base + "/", Words: v.Tagline}
	for _, a := range v.Articles {
		at := v.Base + "/" + a.Slug
		one := item{Title: a.Title, Link: at, ID: at, Published: a.Published.Format(time.RFC1123Z), Words: a.Paragraphs[0]}
		if v.Recordings {
			one.File = &enclosure{v.Base + "/recordings/" + a.Slug + ".wav", len(silence), "audio/wav"}
		}
		feed.Items = append(feed.Items, one)
	}
	answerXML(w, "application/rss+xml", feed)
}

func answerXML(w http.ResponseWriter, kind string, value any) {
	text, err := xml.MarshalIndent(value, "", " ")
	if err != nil {
		http.Error(w, "The list could not be written.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	w.Write([]byte(xml.Header))
	w.Write(text)
}

// recording is a second of silence: the demo has words of its own and no voice.
func (s *Sites) recording(w http.ResponseWriter, r *http.Request) {
	v := s.shown(r)
	slug, isWave := strings.CutSuffix(r.PathValue("file"), ".wav")
	for _, a := range v.Articles {
		if v.Recordings && isWave && a.Slug == slug {
			w.Header().Set("Content-Type", "audio/wav")
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(silence))
			return
		}
	}
	http.NotFound(w, r)
}

var silence = wave(8000)

// wave is a WAV file of so many silent samples: 8 bits, one channel, 8,000 a second.
func wave(samples int) []byte {
	var out bytes.Buffer
	out.WriteString("RIFF")
	binary.Write(&out, binary.LittleEndian, uint32(36+samples))
	out.WriteString("WAVEfmt ")
	binary.Write(&out, binary.LittleEndian, struct {
		Size           uint32
		Format, Voices uint16
		Rate, Bytes    uint32
		Block, Bits    uint16
	}{16, 1, 1, 8000, 8000, 1, 8})
	out.WriteString("data")
	binary.Write(&out, binary.LittleEndian, uint32(samples))
	out.Write(bytes.Repeat([]byte{128}, samples))
	return out.Bytes()
}
