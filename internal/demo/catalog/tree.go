package catalog

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"tributary/internal/product"
)

//go:embed tree.txt
var treeText string

// Leaf is a category that holds goods, with the words they are made of. tree.txt explains the columns.
type Leaf struct {
	Category   string // full path
	Department string // its first level
	Hue        int    // of its pictures, in degrees
	code       string
	form       string
	motif      string
	low, high  int64 // price range in whole units
	brands     []string
	nouns      []string
	qualities  []string
	sizes      []string
}

// Name is the last level of the path.
func (l *Leaf) Name() string {
	above, ok := product.Parent(l.Category)
	if !ok {
		return l.Category
	}
	return l.Category[len(above)+len(product.Separator):]
}

// readTree reads tree.txt. It is part of the program, so a mistake in it is one of ours.
func readTree(text string) (leaves []*Leaf) {
	var department Leaf
	for number, line := range strings.Split(text, "\n") {
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		name, isDepartment := strings.CutPrefix(cells[0], "= ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case isDepartment && len(cells) == 3:
			department = Leaf{Department: name, Hue: int(whole(cells[1], number)), brands: list(cells[2])}
		case len(cells) == 8:
			leaf := department
			leaf.Category = department.Department + product.Separator + cells[0]
			if cells[0] == department.Department { // the only shelf of its department
				leaf.Category = cells[0]
			}
			leaf.code, leaf.form, leaf.motif = cells[1], cells[2], cells[3]
			low, high, _ := strings.Cut(cells[4], "-")
			leaf.low, leaf.high = whole(low, number), whole(high, number)
			leaf.nouns, leaf.qualities, leaf.sizes = list(cells[5]), list(cells[6]), list(cells[7])
			leaves = append(leaves, &leaf)
		default:
			panic(fmt.Sprintf("catalog: tree.txt:%d: %d columns", number+1, len(cells)))
		}
	}
	return leaves
}

func whole(text string, line int) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("catalog: tree.txt:%d: %v", line+1, err))
	}
	return n
}

func list(text string) []string {
	if text == "-" {
		return nil
	}
	words := strings.Split(text, ";")
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	return words
}
