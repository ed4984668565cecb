package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// View is a screen and what its owner prefers.
type View struct {
	Name          string
	Width, Height int
	Dark          bool
}

// The screens that every page is looked at on.
var (
	Desktop     = View{"desktop, light", 1280, 900, false}
	DesktopDark = View{"desktop, dark", 1280, 900, true}
	Phone       = View{"phone, light", 390, 844, false}
	PhoneDark   = View{"phone, dark", 390, 844, true}
	Views       = []View{Desktop, DesktopDark, Phone, PhoneDark}
)

// phoneWidth is where a screen is touched rather than pointed at.
const phoneWidth = 600

// look is how often a condition is looked at again. It decides no outcome, only how soon a true condition is noticed.
const look = 20 * time.Millisecond

// EachView runs the test once on every screen, each with a page of its own.
func EachView(t *testing.T, test func(t *testing.T, p *Page)) {
	for _, view := range Views {
		t.Run(view.Name, func(t *testing.T) {
			p := Open(t)
			p.View(view)
			test(t, p)
		})
	}
}

// View sets the screen. Motion is always reduced, so that a picture never catches a page on its way.
func (p *Page) View(v View) {
	p.t.Helper()
	theme := "light"
	if v.Dark {
		theme = "dark"
	}
	var options []chromedp.EmulateViewportOption
	if v.Width < phoneWidth {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	p.do("set the screen", chromedp.EmulateViewport(int64(v.Width), int64(v.Height), options...),
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
			return err
		}))
}

// Goto opens an address and waits until the page has loaded.
func (p *Page) Goto(address string) {
	p.t.Helper()
	p.do("go to "+address, chromedp.Navigate(address))
}

// Address is where the page is now.
func (p *Page) Address() string {
	p.t.Helper()
	return take(p, "read the address", chromedp.Location())
}

// Text gives the visible text of the first element that the CSS selector finds, waiting until there is one.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	return take(p, "read "+selector, chromedp.Text(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Click clicks the first such element once it can be seen.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.do("click "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Fill replaces what a field holds by typing; for a select it chooses the option with that value.
func (p *Page) Fill(selector, value string) {
	p.t.Helper()
	p.do("find "+selector, chromedp.WaitVisible(chromedp.CSS(selector)))
	choose := fmt.Sprintf(`((e, v) => {
		e.focus();
		if (e.tagName === 'SELECT' || ['date', 'time', 'month', 'color', 'range'].includes(e.type)) {
			e.value = v;
			e.dispatchEvent(new Event('input', {bubbles: true}));
			e.dispatchEvent(new Event('change', {bubbles: true}));
			return false;
		}
		if (e.select) e.select();
		return true;
	})(document.querySelector(%s), %s)`, quote(selector), quote(value))
	if !Eval[bool](p, choose) {
		return
	}
	steps := []chromedp.Action[chromedp.Void]{chromedp.KeyEvent(kb.Delete)}
	if value != "" {
		steps = append(steps, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, input.InsertText, input.InsertTextParams{Text: value})
			return err
		}))
	}
	p.do("fill "+selector, steps...)
}

// Press sends keys to whatever has the focus (kb.Enter, kb.Tab, or plain text).
func (p *Page) Press(keys string) {
	p.t.Helper()
	p.do("press "+fmt.Sprintf("%q", keys), chromedp.KeyEvent(keys))
}

// WaitText waits until the first such element shows a text that holds want.
func (p *Page) WaitText(selector, want string) {
	p.t.Helper()
	element := fmt.Sprintf("document.querySelector(%s)?.innerText", quote(selector))
	if err := p.await(fmt.Sprintf("%s?.includes(%s)", element, quote(want))); err != nil {
		p.t.Fatalf("%s does not show %q: %v; it shows %q", selector, want, err, Eval[string](p, element+" ?? 'nothing'"))
	}
}

// WaitFor waits until the JavaScript expression is true. It survives that the page goes elsewhere meanwhile, and an
// expression that fails (an element that is not there yet) is one that is not true yet.
func (p *Page) WaitFor(expression string) {
	p.t.Helper()
	if err := p.await(expression); err != nil {
		p.t.Fatalf("%s does not become true: %v", expression, err)
	}
}

func (p *Page) await(expression string) error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	for {
		truth, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if truth {
			return nil
		}
		select {
		case <-ctx.Done():
			if err != nil {
				return fmt.Errorf("after %s: %w", patience, err)
			}
			return fmt.Errorf("after %s", patience)
		case <-time.After(look):
		}
	}
}

// Eval gives the value of a JavaScript expression, of a promise the value that it comes to.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	return take(p, "evaluate "+expression, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Screenshot writes a picture of that size, as PNG, once every image and font has come. The page keeps that screen.
func (p *Page) Screenshot(path string, width, height int, dark bool) {
	p.t.Helper()
	p.View(View{"picture", width, height, dark})
	p.WaitFor("document.fonts.status === 'loaded' && [...document.images].every(i => i.complete || i.loading === 'lazy')")
	// Two frames: what a change of size or theme moves has been drawn.
	Eval[bool](p, "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
	picture := take(p, "draw the page", chromedp.CaptureScreenshot())
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, picture, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *Page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %v", what, p.explain(err))
	}
}

func take[T any](p *Page, what string, action chromedp.Action[T]) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		p.t.Fatalf("%s: %v", what, p.explain(err))
	}
	return value
}

// explain adds what the console said, which is most often the reason.
func (p *Page) explain(err error) error {
	if errors := p.Errors(); len(errors) > 0 {
		return fmt.Errorf("%w (console: %s)", err, strings.Join(errors, "; "))
	}
	return err
}

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return string(quoted)
}
