package network_test

import (
	"fmt"
	"strings"
	"testing"

	"tributary/internal/fault"
	"tributary/internal/network"
)

func TestReadApps(t *testing.T) {
	apps, err := network.ReadApps([]byte(`{"youtube": {"id": "y.apps.example", "secret": "s1"},
		"tiktok": {"id": "aw1", "secret": "s2", "auth": "http://localhost:9/t", "token": "https://proxy.example/t/"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(network.Addresses(apps)); got != "[https://oauth2.googleapis.com https://www.googleapis.com/youtube/v3 "+
		"https://proxy.example/t https://open.tiktokapis.com]" {
		t.Errorf("asks %s", got)
	}
	c := &network.Connector{Apps: apps, Home: "https://go.example/"}
	if got := fmt.Sprint(c.Offers(), " ", c.Redirect()); got != "[youtube tiktok] https://go.example/join/networks/callback" {
		t.Errorf("offers %s", got)
	}
	for text, field := range map[string]string{
		``:                                     "networks",
		`[]`:                                   "networks",
		`{"youtube": "canary"}`:                "networks",
		`{"youtube": {"key": "canary"}}`:       "networks",
		`{} {}`:                                "networks",
		`{"canary": {"id":"a"}}`:               "networks",
		`{"youtube": {"id":"a"}}`:              "networks.youtube.secret",
		`{"youtube": {"secret":"canary"}}`:     "networks.youtube.id",
		`{"x": "` + strings.Repeat("x", 1<<17): "networks",
		`{"tiktok": {"id":"a", "secret":"canary\n"}}`:                                         "networks.tiktok.secret",
		`{"tiktok": {"id":"a", "secret":"canary", "data":"http://canary.example"}}`:           "networks.tiktok.data",
		`{"tiktok": {"id":"a", "secret":"canary", "data":"https://u:canary@h.example"}}`:      "networks.tiktok.data",
		`{"tiktok": {"id":"a", "secret":"canary", "token":"https://h.example/?t=canary"}}`:    "networks.tiktok.token",
		`{"tiktok": {"id":"a", "secret":"canary", "auth":"canary"}}`:                          "networks.tiktok.auth",
		`{"tiktok": {"id":"a", "secret":"canary", "auth":"ftp://canary.example"}}`:            "networks.tiktok.auth",
		`{"tiktok": {"id":"a", "secret":"canary", "auth":"http://localhost.canary.example"}}`: "networks.tiktok.auth",
	} {
		_, err := network.ReadApps([]byte(text))
		if !fault.Is(err, fault.Invalid) || fault.Of(err).Field != field {
			t.Errorf("%.60s: %v, want %s", text, err, field)
		}
		if f := fault.Of(err); strings.Contains(fmt.Sprint(f, f.Unwrap()), "canary") {
			t.Errorf("%s is repeated: %v, %v", text, f, f.Unwrap())
		}
	}
}
