package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"
)

// tributaryRates runs `tributary rates …` on the story's installation, while its node runs. A last word `<yes` answers the
// question.
func tributaryRates(ts *testscript.TestScript, neg bool, args []string) {
	answer := ""
	if last := args[len(args)-1]; strings.HasPrefix(last, "<") {
		answer, args = last[1:]+"\n", args[:len(args)-1]
	}
	for i, arg := range args {
		if strings.HasSuffix(arg, ".yaml") {
			args[i] = ts.MkAbs(arg)
		}
	}
	var cli ratesCmd
	parser, err := kong.New(&cli)
	ts.Check(err)
	parsed, err := parser.Parse(args)
	ts.Check(err)
	ctx, at, in, out := context.Background(), storyNodes[ts].place, strings.NewReader(answer), ts.Stdout()
	switch strings.Fields(parsed.Command())[0] {
	case "export":
		cli.Export.place = at
		err = cli.Export.run(ctx, out)
	case "import":
		cli.Import.place = at
		err = cli.Import.run(ctx, in, out)
	case "draft":
		cli.Draft.place = at
		err = cli.Draft.run(ctx, out)
	case "drafts":
		cli.Drafts.place = at
		err = cli.Drafts.run(ctx, out)
	case "publish":
		cli.Publish.place = at
		err = cli.Publish.run(ctx, in, out)
	}
	if err != nil {
		fmt.Fprintln(ts.Stderr(), explain(err))
	}
	if (err != nil) != neg {
		ts.Fatalf("%v", err)
	}
}
