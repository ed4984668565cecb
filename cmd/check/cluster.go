package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tributary/internal/clock"
)

// A test cluster needs no durability: it is thrown away. Tests of durability kill the product, not the server. It
// listens on a socket in its own folder only, so that two runs on one machine never meet.
var clusterSettings = map[string]string{
	"listen_addresses":          "",
	"fsync":                     "off",
	"synchronous_commit":        "off",
	"full_page_writes":          "off",
	"max_connections":           "200", // two packages at once, each with several pools
	"shared_buffers":            "128MB",
	"max_wal_size":              "1GB", // many short-lived databases: fewer checkpoints
	"log_min_messages":          "panic",
	"max_locks_per_transaction": "128",
}

const (
	startLimit = time.Minute
	stopLimit  = 20 * time.Second
)

// withCluster runs do against a PostgreSQL server of its own, which is gone afterwards whatever happened. PostgreSQL
// refuses to run as root, so root hands it to the user postgres.
func withCluster(ctx context.Context, do func(address string) error) (err error) {
	bin, err := postgresBinaries()
	if err != nil {
		return err
	}
	owner, err := clusterOwner()
	if err != nil {
		return err
	}
	folder, err := clusterFolder(owner)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()

	data := filepath.Join(folder, "data")
	// Sorted as people sort, as most installations are: a statement that needs the order of bytes must say so itself.
	initdb := owner.command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
		"--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	words := []string{filepath.Join(bin, "postgres"), "-D", data, "-k", folder}
	for name, value := range clusterSettings {
		words = append(words, "-c", name+"="+value)
	}
	server := owner.command(words...)
	var log strings.Builder
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		return fmt.Errorf("starting PostgreSQL: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	defer func() { err = errors.Join(err, stopServer(server, ended)) }()
	if err := awaitServer(ctx, bin, folder, ended); err != nil {
		return fmt.Errorf("%w: %s", err, log.String())
	}
	return do("postgres://postgres@/postgres?host=" + url.QueryEscape(folder))
}

func awaitServer(ctx context.Context, bin, folder string, ended chan error) error {
	for start := clock.Wall(); clock.Since(start) < startLimit; {
		if exec.CommandContext(ctx, filepath.Join(bin, "pg_isready"), "-q", "-h", folder).Run() == nil {
			return nil
		}
		select {
		case err := <-ended:
			ended <- err // stopServer waits for it too
			return fmt.Errorf("PostgreSQL ended at its start: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("PostgreSQL did not answer within %s", startLimit)
}

// stopServer ends the server without a checkpoint: nothing in it is wanted any more.
func stopServer(server *exec.Cmd, ended <-chan error) error {
	if err := server.Process.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-ended: // an immediate shutdown reports a non-zero end
		return nil
	case <-time.After(stopLimit):
		return errors.Join(server.Process.Kill(), errors.New("PostgreSQL did not stop and was killed"))
	}
}

// account is the user who runs the server; nil for the present one.
type account struct{ credential *syscall.Credential }

func clusterOwner() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	postgres, err := user.Lookup("postgres")
	if err != nil {
		return account{}, fmt.Errorf("PostgreSQL does not run as root, and there is no user for it: %w", err)
	}
	uid, err := strconv.ParseUint(postgres.Uid, 10, 32)
	if err != nil {
		return account{}, err
	}
	gid, err := strconv.ParseUint(postgres.Gid, 10, 32)
	if err != nil {
		return account{}, err
	}
	return account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

func (a account) command(words ...string) *exec.Cmd {
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = "/" // the work folder may be closed to that user
	// Its own process group: an interrupt from the terminal must reach the tests first, then the server.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: a.credential}
	return cmd
}

// clusterFolder makes a folder that the owner of the server can reach and whose path is short enough for a socket.
func clusterFolder(owner account) (string, error) {
	const longestSocketPath = 107 - len("/.s.PGSQL.5432")
	parents := []string{os.TempDir(), "/tmp"}
	for _, parent := range parents {
		if owner.credential != nil && !openToAll(parent) {
			continue
		}
		folder, err := os.MkdirTemp(parent, "tributary-pg-")
		if err != nil {
			return "", err
		}
		if len(folder) > longestSocketPath {
			os.Remove(folder)
			continue
		}
		if owner.credential != nil {
			err = os.Chown(folder, int(owner.credential.Uid), int(owner.credential.Gid))
		}
		return folder, err
	}
	return "", fmt.Errorf("none of %s can hold a PostgreSQL cluster: the path is too long or closed to the user postgres", parents)
}

// openToAll tells whether every folder on the way can be entered by anybody.
func openToAll(path string) bool {
	for ; ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil || info.Mode()&fs.FileMode(0o001) == 0 {
			return false
		}
		if path == filepath.Dir(path) {
			return true
		}
	}
}
