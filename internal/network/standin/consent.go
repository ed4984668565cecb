package standin

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tributary/internal/network"
)

// signIn is where people sign in to each network, under its name.
var signIn = map[network.Kind]string{
	network.YouTube:   "/o/oauth2/v2/auth",
	network.Instagram: "/oauth/authorize",
	network.TikTok:    "/v2/auth/authorize/",
	network.Facebook:  "/v24.0/dialog/oauth",
}

func (s *Networks) handleConsent() {
	for k, path := range signIn {
		end := ""
		if strings.HasSuffix(path, "/") {
			end = "{$}"
		}
		s.mux.HandleFunc("GET /"+string(k)+path+end, func(w http.ResponseWriter, r *http.Request) { s.showConsent(w, r, k) })
		s.mux.HandleFunc("POST /"+string(k)+path+end, func(w http.ResponseWriter, r *http.Request) { s.decideConsent(w, r, k) })
	}
	s.mux.HandleFunc("GET /look.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Write([]byte(look))
	})
}

// request is what an installation asks for by sending somebody here.
type request struct {
	redirect, state, challenge string
	scopes                     []string
}

// read checks a request as the network would; what is wrong with it is shown here, and nobody is sent anywhere.
func (s *Networks) read(r *http.Request, k network.Kind) (q request, wrong string) {
	query := r.URL.Query()
	app := query.Get("client_id")
	separator := ","
	switch k {
	case network.TikTok:
		app = query.Get("client_key")
	case network.YouTube:
		separator = " "
	}
	q = request{redirect: query.Get("redirect_uri"), state: query.Get("state"), challenge: query.Get("code_challenge"),
		scopes: strings.Split(query.Get("scope"), separator)}
	switch {
	case app != appID(k):
		return q, "No app is registered under this id."
	case query.Get("response_type") != "code":
		return q, "Only codes are handed out here."
	case q.redirect != s.home && !strings.HasPrefix(q.redirect, s.home+"/"):
		return q, "The address to go back to is not registered."
	case q.state == "" || query.Get("scope") == "":
		return q, "The request is not complete."
	case (k == network.YouTube || k == network.TikTok) && (q.challenge == "" || query.Get("code_challenge_method") != "S256"):
		return q, "The request is not complete."
	}
	return q, ""
}

func (s *Networks) showConsent(w http.ResponseWriter, r *http.Request, k network.Kind) {
	q, wrong := s.read(r, k)
	s.mu.Lock()
	var accounts []Sample
	for _, one := range s.samples {
		if one.Network == k {
			accounts = append(accounts, one)
		}
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if wrong != "" {
		w.WriteHeader(http.StatusBadRequest)
	}
	page.Execute(w, struct {
		Name, Look, Wrong string
		Many              bool
		Accounts          []Sample
		Scopes            []string
	}{k.Name(), s.prefix + "/look.css", wrong, k == network.Facebook, accounts, q.scopes})
}

// codeLife is how long a code can be exchanged.
const codeLife = 10 * time.Minute

// decideConsent sends people back as their network does: with a code, or with an error.
func (s *Networks) decideConsent(w http.ResponseWriter, r *http.Request, k network.Kind) {
	q, wrong := s.read(r, k)
	if wrong != "" || r.ParseForm() != nil {
		http.Error(w, wrong, http.StatusBadRequest)
		return
	}
	back, err := url.Parse(q.redirect)
	if err != nil {
		http.Error(w, "The address to go back to cannot be read.", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.state}}
	if r.PostForm.Get("decision") != "allow" {
		answer.Set("error", "access_denied")
		switch k {
		case network.Facebook, network.Instagram:
			answer.Set("error_reason", "user_denied")
			answer.Set("error_description", "The user denied your request")
		case network.TikTok:
			answer.Set("error_description", "The user cancelled the authorization")
		}
	} else {
		granted := slices.DeleteFunc(q.scopes, func(scope string) bool { return !slices.Contains(r.PostForm["scope"], scope) })
		accounts := slices.DeleteFunc(r.PostForm["account"], func(number string) bool {
			_, known := s.sample(k, number)
			return !known || number == ""
		})
		if k != network.Facebook {
			accounts = accounts[:min(len(accounts), 1)]
		}
		answer.Set("code", s.issue(pass{Network: k, Accounts: accounts, Scopes: granted, Redirect: q.redirect, Challenge: q.challenge},
			asCode, codeLife))
		switch k {
		case network.YouTube:
			answer.Set("scope", strings.Join(granted, " "))
		case network.TikTok:
			answer.Set("scopes", strings.Join(granted, ","))
		}
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// redeem takes a code once: the address to go back to and the verifier must be those that it was asked for with.
func (s *Networks) redeem(k network.Kind, form url.Values) (p pass, ok bool) {
	text := form.Get("code")
	p, ok = s.admits(k, text, asCode)
	if !ok || p.Redirect != form.Get("redirect_uri") {
		return p, false
	}
	s.spend(text)
	hash := sha256.Sum256([]byte(form.Get("code_verifier")))
	switch k {
	case network.YouTube:
		return p, p.Challenge == base64.RawURLEncoding.EncodeToString(hash[:])
	case network.TikTok:
		return p, p.Challenge == hex.EncodeToString(hash[:])
	}
	return p, true
}

var page = template.Must(template.New("consent").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{.Name}} (stand-in)</title>
<link rel="stylesheet" href="{{.Look}}">
</head>
<body>
<main>
<p class="note">This page stands in for {{.Name}}. Nobody signs in here, and no real account is asked.</p>
{{if .Wrong}}<h1>This request cannot be answered</h1>
<p>{{.Wrong}}</p>
{{else}}<h1>Connect {{.Name}}</h1>
<form method="post">
<fieldset>
<legend>{{if .Many}}Which pages do you share?{{else}}Which account are you?{{end}}</legend>
{{$many := .Many}}{{range $i, $a := .Accounts}}<label><input type="{{if $many}}checkbox{{else}}radio{{end}}" name="account" value="{{$a.Number}}"{{if eq $i 0}} checked{{end}}>
<span><b>{{$a.Title}}</b> <small>{{$a.Words}}</small></span></label>
{{end}}</fieldset>
<fieldset>
<legend>What may be read?</legend>
{{range .Scopes}}<label><input type="checkbox" name="scope" value="{{.}}" checked> <span>{{.}}</span></label>
{{end}}</fieldset>
<p><button name="decision" value="allow">Allow</button> <button name="decision" value="deny" class="quiet">Cancel</button></p>
</form>
{{end}}</main>
</body>
</html>
`))

const look = `:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; background: light-dark(#f4f4f2, #16181a); color: light-dark(#1b1d1f, #eceae6); }
main { max-width: 36rem; margin: 2rem auto; padding: 1.5rem; background: light-dark(#fff, #1f2225); border-radius: .75rem; }
h1 { font-size: 1.5rem; line-height: 1.2; margin: 1rem 0; }
.note { margin: 0; padding: .5rem .75rem; border-radius: .5rem; background: light-dark(#fff3d6, #40351a); }
fieldset { border: 1px solid light-dark(#c9c7c1, #4a4e52); border-radius: .5rem; margin: 0 0 1rem; padding: .5rem 1rem; }
legend { font-weight: 600; padding: 0 .25rem; }
label { display: flex; gap: .75rem; align-items: center; min-height: 2.75rem; padding: .25rem 0; overflow-wrap: anywhere; }
input { width: 1.25rem; height: 1.25rem; flex: none; }
small { display: block; color: light-dark(#55585c, #b4b2ad); font-size: .875rem; }
button { font: inherit; font-weight: 600; min-height: 2.75rem; padding: 0 1.25rem; border-radius: .5rem; border: 1px solid light-dark(#0b5c4b, #7fd6bf); background: light-dark(#0b5c4b, #7fd6bf); color: light-dark(#fff, #10211d); }
button.quiet { background: transparent; color: inherit; border-color: light-dark(#8a8d91, #777b80); }
:focus-visible { outline: 3px solid light-dark(#1a62d6, #8db8ff); outline-offset: 2px; }
@media (max-width: 40rem) { main { margin: 0; border-radius: 0; } }
`
