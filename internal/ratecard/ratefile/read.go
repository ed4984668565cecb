package ratefile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/ratecard"
)

// Limits of a file: far above what is kept by hand, low enough to read within seconds.
const (
	MaxFile   = 2 << 20 // bytes
	maxDepth  = 8       // brackets and list marks within each other
	maxListed = 5_000   // promotions or contracts
)

// spot is a place in the file: what stands there by name, and its line.
type spot struct {
	text string // the scalar, where it is one
	path string // offsite.rates.Home
	line int
	own  map[string]int // lines of what stands within it, by name, as far as they are known
}

// String is how errors name a place: `offsite.rates.Home (line 12)`.
func (s spot) String() string { return fmt.Sprintf("%s (line %d)", s.path, s.line) }

// under is a place within another: on its own line where that is known.
func (s spot) under(name string) spot {
	at := spot{path: s.path + "." + name, line: s.line}
	first := name
	if cut := strings.IndexAny(name, "[."); cut > 0 {
		first = name[:cut]
	}
	if line := s.own[first]; line != 0 {
		at.line = line
	}
	return at
}

// with is the place with the lines of its parts.
func (s spot) with(parts map[string]node) spot {
	s.own = make(map[string]int, len(parts))
	for name, part := range parts {
		s.own[name] = part.line
	}
	return s
}

// Line is the line on which it begins.
func (s spot) Line() int { return s.line }

// node is a part of the file.
type node struct {
	spot
	yaml ast.Node
}

func (n node) fail(rule, fix string, args ...any) error {
	return fault.Invalidf(n.String(), rule, fix, args...)
}

// rootPath names the file as a whole in errors.
const rootPath = "file"

// reader reads one file.
type reader struct {
	market market.Market
	file   *File
}

// sections are the parts of a file beside `marketplace` and `currency`. What else a marketplace pays gets a name and a
// function here.
var sections = []struct {
	name string
	read func(*reader, node) error
}{
	{string(ratecard.Offsite), (*reader).cards},
	{string(ratecard.Onsite), (*reader).cards},
	{string(ratecard.Boosted), (*reader).cards},
	{string(ratecard.SellerFee), (*reader).cards},
	{sectionPromotions, (*reader).promotions},
	{sectionContracts, (*reader).contracts},
	{sectionVolume, (*reader).volumes},
	{sectionBounties, (*reader).bounties},
}

// Marketplace gives the id of the marketplace that a file is for.
func Marketplace(raw []byte) (string, error) {
	at, err := whose(raw)
	return at.text, err
}

func whose(raw []byte) (spot, error) {
	_, parts, err := open(raw)
	if err != nil {
		return spot{}, err
	}
	name, ok := parts["marketplace"]
	if !ok {
		return spot{}, fault.Invalidf("marketplace", "is missing", "write whose rates these are, such as us")
	}
	text, err := name.scalar()
	return spot{text: text, path: "marketplace", line: name.line}, err
}

// Parse reads a file of that marketplace. The creators of its contracts are not known yet.
func Parse(raw []byte, m market.Market) (*File, error) {
	root, parts, err := open(raw)
	if err != nil {
		return nil, err
	}
	r := &reader{market: m, file: &File{Market: m, Cards: map[ratecard.Kind][]Card{}, lines: map[string]int{}}}
	for _, must := range []struct{ name, want string }{{"marketplace", m.ID}, {"currency", m.Currency}} {
		part, ok := parts[must.name]
		if !ok {
			return nil, root.fail("names no "+must.name, "write "+must.name+": "+must.want)
		}
		if text, err := part.scalar(); err != nil {
			return nil, err
		} else if text != must.want {
			return nil, part.fail("is not the marketplace's", "write "+must.want)
		}
	}
	for _, section := range sections {
		part, ok := parts[section.name]
		if !ok {
			continue
		}
		r.file.lines[section.name] = part.line
		if err := section.read(r, part); err != nil {
			return nil, err
		}
	}
	return r.file, nil
}

// open parses the text and gives its top level.
func open(raw []byte) (root node, parts map[string]node, err error) {
	// The parser is not ours and has stopped at malformed texts before; such a text is refused, not our process.
	defer func() {
		if recover() != nil {
			err = fault.Invalidf("file", "cannot be read as YAML", "compare it with one that was exported")
		}
	}()
	if len(raw) > MaxFile {
		return root, nil, fault.New(fault.Exhausted, "file", fmt.Sprintf("is larger than %d bytes", MaxFile),
			"give rates to categories in place of products")
	}
	tokens := lexer.Tokenize(string(raw))
	if err := checkTokens(tokens); err != nil {
		return root, nil, err
	}
	// Comments are left to the text (Amend): nothing here needs them.
	tree, err := parser.Parse(tokens, 0)
	if err != nil {
		return root, nil, notYAML(err)
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		return root, nil, fault.Invalidf("file", "is not one YAML document", "write marketplace, currency and the sections, once")
	}
	root = node{spot{path: rootPath, line: 1}, tree.Docs[0].Body}
	names := []string{"marketplace", "currency"}
	for _, section := range sections {
		names = append(names, section.name)
	}
	parts, err = root.fields(names...)
	return root, parts, err
}

// checkTokens refuses what a rates file has no use for and what a reader could trip over: references, tags, several
// documents, and nesting without end.
func checkTokens(tokens token.Tokens) error {
	// The parser calls itself for each level, and a text of brackets alone would take all of the stack.
	depth, dashes, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, dashes = t.Position.Line, 0
		}
		at := node{spot: spot{path: rootPath, line: line}}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.TagType, token.MergeKeyType, token.DirectiveType:
			return at.fail("has a mark for anchors, tags or directives",
				"write the value itself, in quotes where it begins with & * ! or %")
		case token.MappingKeyType:
			return at.fail("has a question mark as a key", "write the key in quotes")
		case token.LiteralType, token.FoldedType:
			return at.fail("has a text of several lines", "write it on one line")
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType:
			dashes++
		}
		if depth > maxDepth || dashes > maxDepth {
			return at.fail("is nested too deeply", "compare it with a file that was exported")
		}
	}
	return nil
}

func notYAML(err error) error {
	var positioned yaml.Error
	if errors.As(err, &positioned) && positioned.GetToken() != nil {
		at := node{spot: spot{path: rootPath, line: positioned.GetToken().Position.Line}}
		return at.fail("is not YAML there: %s", "mend it there", positioned.GetMessage())
	}
	return fault.Invalidf("file", "is not YAML", "compare it with one that was exported").Because(err)
}

// child is a part below, by name.
func (n node) child(name string, value ast.Node, key *token.Token) node {
	at := spot{path: name, line: n.line}
	if n.path != rootPath {
		at.path = n.path + "." + name
	}
	if key != nil {
		at.line = key.Position.Line
	}
	return node{at, value}
}

// empty tells whether nothing stands there.
func (n node) empty() bool { return n.yaml == nil || n.yaml.Type() == ast.NullType }

// pairs gives the keys and values of a mapping, in their order; none where nothing stands there.
func (n node) pairs() ([]node, error) {
	if n.empty() {
		return nil, nil
	}
	var values []*ast.MappingValueNode
	switch m := n.yaml.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		return nil, n.fail("is not a list of names with values", "write `name: value`, each on a line of its own or within { }")
	}
	pairs := make([]node, len(values))
	for i, pair := range values {
		key, err := node{n.spot, pair.Key}.scalar()
		if err != nil {
			return nil, err
		}
		pairs[i] = n.child(key, pair.Value, pair.Key.GetToken())
		pairs[i].text = key
	}
	return pairs, nil
}

// fields gives the values of a mapping that may have only these names.
func (n node) fields(names ...string) (map[string]node, error) {
	pairs, err := n.pairs()
	if err != nil {
		return nil, err
	}
	found := make(map[string]node, len(pairs))
	for _, pair := range pairs {
		if !slices.Contains(names, pair.text) {
			return nil, pair.fail("is not known here", "write one of "+strings.Join(names, ", "))
		}
		// The parser sees most of these, but not `a` and `"a"`.
		if _, twice := found[pair.text]; twice {
			return nil, pair.fail("stands there twice", "keep one of the two")
		}
		found[pair.text] = pair
	}
	return found, nil
}

// field is a value that a mapping may have, and how it is read.
type field struct {
	name string
	read func(node) error
}

// record reads a mapping of such fields, in their order, and gives what is there.
func (n node) record(fields ...field) (map[string]node, error) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	parts, err := n.fields(names...)
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		if part, ok := parts[f.name]; ok {
			if err := f.read(part); err != nil {
				return nil, err
			}
		}
	}
	return parts, nil
}

// need refuses a mapping in which one of these is missing.
func (n node) need(parts map[string]node, fix string, names ...string) error {
	for _, name := range names {
		if _, ok := parts[name]; !ok {
			return n.fail("has no "+name, fix)
		}
	}
	return nil
}

// items gives the parts of a list; none where nothing stands there.
func (n node) items() ([]node, error) {
	if n.empty() {
		return nil, nil
	}
	list, ok := n.yaml.(*ast.SequenceNode)
	if !ok {
		return nil, n.fail("is not a list", "write each part on a line of its own behind a dash, or within [ ]")
	}
	if len(list.Values) > maxListed {
		return nil, fault.New(fault.Exhausted, n.String(), fmt.Sprintf("has more than %d parts", maxListed),
			"leave out what is over")
	}
	items := make([]node, len(list.Values))
	for i, value := range list.Values {
		items[i] = node{spot{path: fmt.Sprintf("%s[%d]", n.path, i), line: n.line}, value}
		if t := value.GetToken(); t != nil {
			items[i].line = t.Position.Line
		}
	}
	return items, nil
}

// texts gives the parts of a list of single words.
func (n node) texts() (all []string, err error) {
	items, err := n.items()
	for i := 0; err == nil && i < len(items); i++ {
		var text string
		text, err = items[i].scalar()
		all = append(all, text)
	}
	return all, err
}

// scalar gives a single value as it was written: numbers keep their digits, and nothing becomes a float.
func (n node) scalar() (string, error) {
	if n.empty() {
		return "", n.fail("is empty", "write a value")
	}
	switch n.yaml.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.yaml.GetToken().Value, nil
	}
	return "", n.fail("is not a single value", "write a word, a number or a date")
}

func (n node) yesNo() (bool, error) {
	switch text, err := n.scalar(); {
	case err != nil:
		return false, err
	case text == "true":
		return true, nil
	case text == "false":
		return false, nil
	}
	return false, n.fail("is neither true nor false", "write one of the two")
}

// instant reads a date of the marketplace, which stands for its first instant, or an instant as RFC 3339.
func (r *reader) instant(n node) (time.Time, error) {
	text, err := n.scalar()
	if err != nil {
		return time.Time{}, err
	}
	if date, err := time.Parse(dateForm, text); err == nil {
		return startOf(date, r.market.Location()), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, n.fail("is neither a date nor an instant", "write 2026-12-15, or 2026-12-15T09:00:00Z")
	}
	return at.UTC().Truncate(time.Microsecond), nil
}

// end reads an end: a date is the last one that is included, an instant the first that is not.
func (r *reader) end(n node) (time.Time, error) {
	text, err := n.scalar()
	if err != nil {
		return time.Time{}, err
	}
	if date, err := time.Parse(dateForm, text); err == nil {
		return startOf(date.AddDate(0, 0, 1), r.market.Location()), nil
	}
	return r.instant(n)
}

// percent reads a rate as people write it.
func (n node) percent() (int64, error) {
	text, err := n.scalar()
	if err != nil {
		return 0, err
	}
	return ratecard.ParsePercent(n.String(), text)
}

// amount reads money of the marketplace's currency as people write it; it is above zero.
func (r *reader) amount(n node) (int64, error) {
	text, err := n.scalar()
	if err != nil {
		return 0, err
	}
	return ratecard.ParseAmount(n.String(), text, r.market.Currency)
}
