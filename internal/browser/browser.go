// Package browser drives a real Chromium for tests: one browser per test process, one context of its own (cookies,
// storage, cache) per test, at most two at once. It waits on conditions only, never for a time to pass, and a page that
// writes an error to its console fails its test. Nothing outside this machine can be reached from a page.
//
// A package that opens pages says so once:
//
//	func TestMain(m *testing.M) { browser.Main(m) }
//
// A missing Chromium fails the test with the line that installs it. This package is for tests alone; the product never
// imports it.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const (
	// patience is how long a condition may take before it has failed. Far above what any page takes on a busy machine:
	// it bounds a broken test, and no passing test ever waits for it.
	patience = 30 * time.Second
	// pagesAtOnce keeps two test packages that run side by side within the memory of a small machine.
	pagesAtOnce = 2
)

const installLine = "chromium is missing: apt-get install -y --no-install-recommends chromium fonts-dejavu-core"

// Pages may speak to this machine and to nobody else; *.localhost is loopback by Chromium's own rule.
const onlyThisMachine = "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1"

var flags = []chromedp.ExecAllocatorOption{
	chromedp.NoSandbox, // the sandbox needs privileges that containers of build machines lack
	chromedp.DisableGPU,
	chromedp.Flag("disable-quic", true),
	chromedp.Flag("disable-component-update", true),
	chromedp.Flag("disable-search-engine-choice-screen", true),
	chromedp.Flag("hide-scrollbars", true), // pictures and widths are the same with any scrollbar
	chromedp.Flag("host-resolver-rules", onlyThisMachine),
	chromedp.Flag("lang", "en-GB"),
}

var chromium struct {
	sync.Mutex
	expected bool // a Main will close it
	ctx      context.Context
	close    func()
	err      error
}

var seats = make(chan struct{}, pagesAtOnce)

// Suite is a test run that closes the browser at its end. It fits where a *testing.M does (testscript.Main).
type Suite struct{ m *testing.M }

// Around prepares a suite: for a TestMain that hands its run to somebody else.
func Around(m *testing.M) *Suite {
	chromium.expected = true
	return &Suite{m}
}

// Run runs the tests, closes the browser if one was opened, and gives the exit code.
func (s *Suite) Run() int {
	code := s.m.Run()
	chromium.Lock()
	defer chromium.Unlock()
	if chromium.close != nil {
		chromium.close()
		chromium.close = nil
	}
	return code
}

// Main is the whole TestMain of a package that opens pages.
func Main(m *testing.M) { os.Exit(Around(m).Run()) }

// start gives the one browser of this process; the first caller starts it.
func start() (context.Context, error) {
	chromium.Lock()
	defer chromium.Unlock()
	if chromium.ctx != nil || chromium.err != nil {
		return chromium.ctx, chromium.err
	}
	if !chromium.expected {
		return nil, errors.New("this package opens pages and needs func TestMain(m *testing.M) { browser.Main(m) }")
	}
	chromium.ctx, chromium.close, chromium.err = launch()
	return chromium.ctx, chromium.err
}

func launch() (context.Context, func(), error) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, nil, errors.New(installLine)
	}
	folder, err := os.MkdirTemp("", "tributary-chromium-")
	if err != nil {
		return nil, nil, err
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, flags...)
	options = append(options, chromedp.ExecPath(path), chromedp.UserDataDir(folder))
	allocator, freeAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	stop := func() {
		limited, free := context.WithTimeout(ctx, patience)
		defer free()
		_ = chromedp.Cancel(limited) // asks Chromium to end; what does not is killed by the next line
		cancel()
		freeAllocator()
		os.RemoveAll(folder)
	}
	if err := chromedp.Do(ctx); err != nil {
		stop()
		return nil, nil, fmt.Errorf("starting %s: %w", path, err)
	}
	return ctx, stop, nil
}

// Page is one tab in a context of its own.
type Page struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	errors   []string
	expected []string
}

// Open gives an empty page. It is closed, and its console is judged, when the test ends. A test may hold two; a third
// would wait for itself. A test may hold two; a third
// would wait for itself.
func Open(t testing.TB) *Page {
	t.Helper()
	seats <- struct{}{}
	t.Cleanup(func() { <-seats })
	whole, err := start()
	if err != nil {
		t.Fatal(err)
	}
	p := &Page{t: t}
	ctx, cancel := chromedp.NewContext(whole, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.listen))
	p.ctx = ctx
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("opening a page: %v", err)
	}
	p.View(Desktop)
	t.Cleanup(p.judge)
	return p
}

// Context is the page's chromedp context, for what the helpers here do not offer.
func (p *Page) Context() context.Context { return p.ctx }

// Expect lets console errors pass that hold the text: a test of a page that is refused expects to see it refused.
func (p *Page) Expect(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = append(p.expected, text)
}

// listen runs inside the loop that reads from the browser: it stores and returns.
func (p *Page) listen(event any) {
	text := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = "uncaught: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			text = e.Entry.Text + " " + e.Entry.URL
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			text = "console: " + argumentText(e.Args)
		}
	}
	if text != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.errors = append(p.errors, text)
	}
}

func argumentText(args []*runtime.RemoteObject) string {
	var words []string
	for _, arg := range args {
		word := arg.Description
		if word == "" {
			word = string(arg.Value)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// judge fails the test for what the page wrote to its console. What the page wrote before the answer to a command is
// known before that answer, so one empty command is enough to have seen everything.
func (p *Page) judge() {
	if p.t.Failed() {
		p.keepPicture()
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("true")); err != nil {
		p.t.Errorf("the page no longer answers: %v", err)
	}
	for _, text := range p.Errors() {
		p.t.Errorf("the page wrote to its console: %s", text)
	}
}

// Errors gives what the page wrote to its console so far and no Expect allows.
func (p *Page) Errors() (found []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range p.errors {
		if !slices.ContainsFunc(p.expected, func(allowed string) bool { return strings.Contains(text, allowed) }) {
			found = append(found, text)
		}
	}
	return found
}

// keepPicture shows what a failed test saw; `go test -artifacts` keeps it.
func (p *Page) keepPicture() {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot()); err == nil {
		path := filepath.Join(p.t.ArtifactDir(), "page.png")
		if os.WriteFile(path, picture, 0o644) == nil {
			p.t.Logf("the page when the test failed: %s", path)
		}
	}
}
