package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"
)

// tributaryOperator runs `tributary operator …`, beside the story's node, or with --data on an installation of its own.
func tributaryOperator(ts *testscript.TestScript, neg bool, args []string) {
	for i, arg := range args {
		if arg == "--data" {
			args[i+1] = ts.MkAbs(args[i+1]) // else it would be a folder beside this file
		}
	}
	var cli operatorCmd
	parser, err := kong.New(&cli, kong.Exit(func(int) { ts.Fatalf("operator: exit") }))
	ts.Check(err)
	_, err = parser.Parse(args)
	ts.Check(err)
	if s := storyNodes[ts]; s != nil {
		cli.place = s.place
	}
	if err = cli.run(context.Background(), ts.Stdout()); err != nil {
		fmt.Fprintln(ts.Stderr(), explain(err))
	}
	if (err != nil) != neg {
		ts.Fatalf("%v", err)
	}
}

var loginLink = regexp.MustCompile(`/login\?token=([\w-]+)`)

// followLink takes the login link of the last output to the story's node: `signin` presses its button and prints the page that
// one lands on.
func followLink(ts *testscript.TestScript, neg bool, args []string) {
	s := storyNodes[ts]
	found := loginLink.FindStringSubmatch(ts.ReadFile("stdout"))
	if found == nil {
		ts.Fatalf("no link was printed")
	}
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	browser := &http.Client{Jar: jar}
	answer, err := browser.PostForm(s.server.URL+"/login", url.Values{"token": {found[1]}})
	ts.Check(err)
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	ts.Check(err)
	in := answer.StatusCode == http.StatusOK && !strings.HasPrefix(answer.Request.URL.Path, "/login")
	if in == neg {
		ts.Fatalf("%s: %d %s", answer.Request.URL.Path, answer.StatusCode, page)
	}
}
