package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"
)

// tributaryWhatif runs `tributary whatif …` on the story's installation, while its node runs.
func tributaryWhatif(ts *testscript.TestScript, neg bool, args []string) {
	for i, arg := range args {
		if strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".csv") {
			args[i] = ts.MkAbs(arg)
		}
	}
	var cli whatifCmd
	parser, err := kong.New(&cli)
	ts.Check(err)
	_, err = parser.Parse(args)
	ts.Check(err)
	cli.place = storyNodes[ts].place
	if err = cli.run(context.Background(), ts.Stdout(), ts.Stderr()); err != nil {
		fmt.Fprintln(ts.Stderr(), explain(err))
	}
	if (err != nil) != neg {
		ts.Fatalf("%v", err)
	}
	if cli.CSV != "" && err == nil {
		text, err := os.ReadFile(cli.CSV)
		ts.Check(err)
		fmt.Fprint(ts.Stdout(), strings.ReplaceAll(string(text), "\r\n", "\n"))
	}
}
