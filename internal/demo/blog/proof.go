package blog

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"regexp"
	"slices"
)

// Limits of what is pasted.
const (
	maxPaste  = 8 << 10
	maxProofs = 5 // of a site: the oldest goes when another one comes
)

// proof is what somebody pasted to show that the site is theirs: a tag in the head of the pages, or a line in a file.
type proof struct {
	Name  string `json:"name"`           // of the tag
	Value string `json:"value"`          // its content, or the file's line
	File  bool   `json:"file,omitempty"` // it is the file's
}

// Tag is the tag as people see it in the source of a page.
func (p proof) Tag() string { return `<meta name="` + p.Name + `" content="` + p.Value + `">` }

var (
	pastedTag = regexp.MustCompile(`(?is)^\s*<meta\s+name\s*=\s*["']?([a-z0-9._-]{1,60})["']?\s+content\s*=\s*["']?([A-Za-z0-9._=+/-]{1,200})["']?\s*/?>\s*$`)
	// pastedLine is the text of a proving file: a name, an equals sign and a token.
	pastedLine = regexp.MustCompile(`^\s*([a-z0-9._-]{1,60}=[A-Za-z0-9._+/-]{1,200})\s*$`)
)

var errPaste = errors.New("what was pasted is neither a meta tag nor the line of a proving file")

// wrongPaste says so on the page, and what to do.
const wrongPaste = "This is neither a meta tag nor the line of a proving file. Copy the whole of it, from the first sign to the last, and paste it here."

// readProof reads what was pasted: the form that a tag or a line has, and nothing else, comes through.
func readProof(text string) (proof, error) {
	if found := pastedTag.FindStringSubmatch(text); found != nil {
		return proof{Name: found[1], Value: found[2]}, nil
	}
	if found := pastedLine.FindStringSubmatch(text); found != nil {
		return proof{Value: found[1], File: true}, nil
	}
	return proof{}, errPaste
}

// Put puts a proof on a site, as the form of its admin page does: a whole meta tag, or the line of the file.
func (s *Sites) Put(name, text string) error {
	_, err := s.put(name+localhost, text)
	return err
}

func (s *Sites) put(host, text string) (proof, error) {
	p, err := readProof(text)
	if err != nil {
		return p, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byHost[host] == nil {
		return p, errors.New("there is no site of that name")
	}
	list := slices.DeleteFunc(slices.Clone(s.proofs[host]), func(other proof) bool { return other == p })
	list = append(list, p)
	s.proofs[host] = list[max(0, len(list)-maxProofs):]
	return p, s.save()
}

// proofsOf gives what stands on a site.
func (s *Sites) proofsOf(host string) (tags, lines []proof) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.proofs[host] {
		if p.File {
			lines = append(lines, p)
		} else {
			tags = append(tags, p)
		}
	}
	return tags, lines
}

// load reads what was pasted before this start.
func (s *Sites) load() error {
	if s.config.Path == "" {
		return nil
	}
	text, err := os.ReadFile(s.config.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(text, &s.proofs)
}

// save writes it beside the old one first, so that a process which is cut off leaves one of the two.
func (s *Sites) save() error {
	if s.config.Path == "" {
		return nil
	}
	text, err := json.Marshal(s.proofs)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.config.Path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(s.config.Path+".new", s.config.Path)
}
