package bench

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/edge"
	"tributary/internal/market"
)

const (
	redirectConnections = 256
	redirectRound       = 1500 * time.Millisecond
	redirectTags        = 64
)

// redirects compares links, each click synced before its 302, with servers that do nothing but answer 302: Go's own
// and, where it is installed, nginx. All are asked by the same generator for the same addresses.
func redirects(ctx context.Context, o Options) (report Report, err error) {
	report = newReport("redirect", o)
	rig, err := o.openRig(ctx)
	if err != nil {
		return report, err
	}
	defer func() { err = joined(err, rig.close()) }()
	bare, stop, err := o.listen(ctx, http.HandlerFunc(answerBare))
	if err != nil {
		return report, err
	}
	defer stop()
	spent := map[string][]float64{}
	sides := []side{{"edge", rig.asked(rig.address, "edge", spent)}, {"bare net/http", rig.asked(bare, "bare net/http", spent)}}
	if nginx := findNginx(); nginx != "" {
		address, stop, err := o.startNginx(ctx, nginx, o.folder)
		if err != nil {
			return report, err
		}
		defer stop()
		sides = append(sides, side{"nginx", rig.asked(address, "nginx", spent)})
		report.Settings["nginx"] = versionOf(nginx)
	}
	rates, err := report.inTurn(ctx, "redirects/s", sides...)
	if err != nil {
		return report, err
	}
	report.ratio("vs_nethttp", rates["edge"], rates["bare net/http"])
	if len(sides) > 2 {
		report.ratio("vs_nginx", rates["edge"], rates["nginx"])
	}
	for _, name := range []string{"edge", "bare net/http"} {
		report.Figures[name+", own CPU"] = fmt.Sprintf("%.1f µs for each", median(spent[name]))
	}
	report.Settings["load"] = fmt.Sprintf("%d connections, %s a round, the generator on the same cores", redirectConnections, redirectRound)
	report.Settings["clicks"] = "synced before the answer; the shipper is measured by `bench ship`"
	if err := rig.waits(&report, median(rates["edge"])); err != nil {
		return report, err
	}
	return report, o.recovery(ctx, &report)
}

// waits notes how long an answer takes at full and at half load.
func (r *edgeRig) waits(report *Report, full float64) error {
	for name, rate := range map[string]float64{"full": 0, "half": full / 2} {
		result, err := r.load.run(load{r.address, r.paths, redirectConnections, 2 * redirectRound, rate})
		if err != nil {
			return err
		}
		report.Figures["edge, p50 at "+name+" load"] = milliseconds(result.P50)
		report.Figures["edge, p99 at "+name+" load"] = milliseconds(result.P99)
	}
	stats := r.edge.Stats()
	if stats.Clicks != stats.Redirects {
		return fmt.Errorf("%d redirects, of which %d were logged", stats.Redirects, stats.Clicks)
	}
	return nil
}

func answerBare(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Location"] = []string{"http://store.example/dp/KETTLE-1"}
	w.WriteHeader(http.StatusFound)
}

// edgeRig is an edge with its log behind a server, and the generator that asks it.
type edgeRig struct {
	*World
	log     *click.Log
	edge    *edge.Edge
	address string
	stop    func() error
	load    *generator
	paths   []string
}

func (o Options) openRig(ctx context.Context) (*edgeRig, error) {
	w, err := o.openWorld(ctx, redirectTags, db.Options{})
	if err != nil {
		return nil, err
	}
	r := &edgeRig{World: w}
	for i, tag := range w.Tags {
		r.paths = append(r.paths, "/dp/"+SKU(i)+"?tag="+tag+"&sub1=video&utm_source=youtube")
	}
	state, err := edge.OpenState(ctx, w.DB, "", nil)
	if err != nil {
		return nil, joined(err, w.close())
	}
	countries, err := market.ShippedCountries()
	if err == nil {
		r.log, err = click.OpenLog(w.clickFolder(), 1, click.Options{})
	}
	if err != nil {
		return nil, joined(err, w.close())
	}
	r.edge = edge.New(edge.Config{State: state, Log: r.log, Ring: w.Ring, Clock: w.Clock, Countries: countries})
	if r.address, r.stop, err = w.program.listen(ctx, r.edge); err == nil {
		r.load, err = startGenerator(ctx)
	}
	return r, err
}

func (r *edgeRig) close() error {
	return joined(r.load.stop(), r.stop(), r.log.Close(), r.World.close())
}

// asked gives rounds of requests to an address; spent notes the processor time of this process for each answer.
func (r *edgeRig) asked(address, name string, spent map[string][]float64) func(context.Context) (float64, error) {
	return func(context.Context) (float64, error) {
		before := ownCPU()
		result, err := r.load.run(load{Address: address, Paths: r.paths, Connections: redirectConnections, For: redirectRound})
		if err != nil {
			return 0, err
		}
		spent[name] = append(spent[name], float64((ownCPU()-before).Nanoseconds())/1000/float64(result.Requests))
		return result.rate(), nil
	}
}

// findNginx looks also where Debian keeps it, which is not on everyone's path.
func findNginx() string {
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func versionOf(nginx string) string {
	out, err := exec.Command(nginx, "-v").CombinedOutput()
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(out))
}

const nginxConfig = `daemon off; pid %[1]s/nginx.pid; error_log %[1]s/error.log; worker_processes auto;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 1000000000; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p;
  fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  server { listen %[2]s; location / { return 302 http://store.example/dp/KETTLE-1; } } }
`

// startNginx runs nginx in a folder of its own, as `return 302` and nothing else.
func (p Program) startNginx(ctx context.Context, nginx, folder string) (address string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address = listener.Addr().String()
	if err := listener.Close(); err != nil { // nginx takes the port that was free a moment ago
		return "", nil, err
	}
	config := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, folder, address), 0o600); err != nil {
		return "", nil, err
	}
	process := exec.CommandContext(ctx, nginx, "-c", config, "-e", filepath.Join(folder, "error.log"))
	process.Cancel = func() error { return process.Process.Signal(os.Interrupt) } // it ends its workers
	if err := process.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = process.Cancel() // the folder goes with it; how it ended says nothing
		_ = process.Wait()
	}
	for begin := clock.Wall(); clock.Since(begin) < 5*time.Second; time.Sleep(10 * time.Millisecond) {
		conn, err := p.Dial("tcp", address)
		if err == nil {
			return address, stop, conn.Close()
		}
	}
	stop()
	return "", nil, fmt.Errorf("nginx did not answer at %s", address)
}
