package network

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"tributary/internal/fault"
)

// App is how an installation is known to a network. Base addresses are those of the network where they are empty; each is
// what stands before the paths that the network documents.
type App struct {
	ID, Secret string
	Auth       string // where people sign in
	Token      string // where codes become tokens
	Data       string // the data API
}

// maxApps bounds the file of an operator's apps, in bytes.
const maxApps = 64 << 10

// appForm is an app as an operator writes it (docs/networks.md).
type appForm struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
	Auth   string `json:"auth"`
	Token  string `json:"token"`
	Data   string `json:"data"`
}

// ReadApps reads an operator's file: one JSON object, with the networks' names as members and in each what the network gave
// at the registration. What is wrong is Invalid and names the member; a secret is never repeated.
func ReadApps(text []byte) (map[Kind]App, error) {
	if len(text) > maxApps {
		return nil, fault.Invalidf("networks", "the file is larger than %d bytes", "it holds an id and a secret for each network", maxApps)
	}
	var forms map[string]appForm
	reader := json.NewDecoder(bytes.NewReader(text))
	reader.DisallowUnknownFields()
	if err := reader.Decode(&forms); err != nil {
		return nil, fault.New(fault.Invalid, "networks", "is not the JSON of a list of apps",
			`write {"youtube": {"id": "…", "secret": "…"}}; auth, token and data may stand beside these`)
	}
	if reader.More() {
		return nil, fault.New(fault.Invalid, "networks", "holds more than one object", "put all networks into one")
	}
	apps := map[Kind]App{}
	for name, form := range forms {
		k := Kind(name)
		if !slices.Contains(Kinds, k) {
			return nil, fault.New(fault.Invalid, "networks", "names a network that is unknown here",
				"write youtube, instagram, tiktok or facebook")
		}
		app := App(form)
		if err := app.check(name); err != nil {
			return nil, err
		}
		apps[k] = app
	}
	return apps, nil
}

// check wants what no request could do without; a slip would otherwise be noticed by a creator who cannot connect.
func (a App) check(name string) error {
	for _, one := range []struct{ field, text string }{{"id", a.ID}, {"secret", a.Secret}} {
		if one.text == "" || strings.ContainsFunc(one.text, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fault.New(fault.Invalid, "networks."+name+"."+one.field, "is empty, or holds what no "+one.field+" holds",
				"copy it from the network's page for developers")
		}
	}
	for _, one := range []struct{ field, text string }{{"auth", a.Auth}, {"token", a.Token}, {"data", a.Data}} {
		at, err := url.Parse(one.text)
		if one.text == "" {
			continue
		}
		local := err == nil && at.Scheme == "http" && (at.Hostname() == "localhost" || at.Hostname() == "127.0.0.1")
		if err != nil || at.Host == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "" || at.Scheme != "https" && !local {
			return fault.New(fault.Invalid, "networks."+name+"."+one.field, "is not an https address without parameters",
				"leave it out, unless the network is asked through another address")
		}
	}
	return nil
}

// Addresses are those that a connector with these apps asks, for the client that egress makes.
func Addresses(apps map[Kind]App) (all []string) {
	for _, k := range Kinds {
		app, ok := apps[k]
		if !ok {
			continue
		}
		app = app.at(dialects[k])
		for _, base := range []string{app.Token, app.Data} {
			if !slices.Contains(all, base) {
				all = append(all, base)
			}
		}
	}
	return all
}

// at fills in the addresses of the network itself.
func (a App) at(d *dialect) App {
	for _, one := range []struct {
		base    *string
		network string
	}{{&a.Auth, d.auth}, {&a.Token, d.token}, {&a.Data, d.data}} {
		if *one.base == "" {
			*one.base = one.network
		}
		*one.base = strings.TrimSuffix(*one.base, "/")
	}
	return a
}
