package house

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)
	require = regexp.MustCompile(`(?m)^(?:require )?\t?([a-z0-9.]+\.[a-z]+/?\S*) v\S+$`)
)

// TestLinks holds that whatever a page of the repository points to is there.
func TestLinks(t *testing.T) {
	tree := os.DirFS("../..")
	err := fs.WalkDir(tree, ".", func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return enterFolder(tree, at)
		}
		if path.Ext(at) != ".md" {
			return nil
		}
		text, err := fs.ReadFile(tree, at)
		if err != nil {
			return err
		}
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(found[1], ":") {
				continue // another site's address
			}
			if _, err := fs.Stat(tree, path.Join(path.Dir(at), found[1])); err != nil {
				t.Errorf("%s points to %s, which is not there", at, found[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDependencies holds that every module which go.mod asks for by name has its sentence.
func TestDependencies(t *testing.T) {
	reasons, err := os.ReadFile("../../docs/decisions/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	direct := require.FindAllStringSubmatch(string(mod), -1) // lines that end in // indirect do not match
	if len(direct) == 0 {
		t.Fatal("go.mod names no module: the pattern no longer fits")
	}
	for _, found := range direct {
		if !strings.Contains(string(reasons), "`"+found[1]+"`") {
			t.Errorf("docs/decisions/dependencies.md has no sentence for %s", found[1])
		}
	}
}
