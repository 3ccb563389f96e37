package flagdoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	// maxExpansion bounds what the aliases and merges of a document stand for,
	// in bytes: nested, they can make a gigabyte out of a hundred characters.
	maxExpansion = 16 << 20

	// maxDepth is how deep encoding/json follows, too.
	maxDepth = 10_000
)

// ParseYAML reads a YAML document, of the kind that [Parse] reads as JSON.
//
// Anchors, aliases and merge keys are resolved. Numbers keep their spelling if
// JSON has it. Plain scalars that look like a time, and on, off, yes and no,
// are strings. What JSON cannot say is refused with its line: infinities, NaN,
// foreign tags, keys that are not scalars, a key given twice.
func ParseYAML(data []byte) (Document, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var root, more yaml.Node
	switch err := dec.Decode(&root); {
	case errors.Is(err, io.EOF):
		return Document{}, errors.New(`the document is empty; it must be an object with a member "flags"`)
	case err != nil:
		return Document{}, yamlError(err)
	}
	switch err := dec.Decode(&more); {
	case err == nil:
		return Document{}, fmt.Errorf("line %d: a second document begins; flags are read from one", more.Line)
	case !errors.Is(err, io.EOF):
		return Document{}, yamlError(err)
	}

	var c converter
	if err := c.write(&root, 0); err != nil {
		return Document{}, err
	}
	text, err := compact(c.out)
	if err != nil {
		return Document{}, err
	}
	return read(text)
}

func yamlError(err error) error {
	return fmt.Errorf("not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
}

// A converter writes YAML nodes as JSON.
type converter struct {
	out      []byte
	open     []*yaml.Node // the anchors that are being written as aliases
	borrowed int          // how many aliases and merges lead to what is being written
	expanded int          // bytes that they have cost
}

func (c *converter) write(n *yaml.Node, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("line %d: nested more than %d deep", n.Line, maxDepth)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return c.write(n.Content[0], depth)
	case yaml.MappingNode:
		return c.writeMapping(n, depth)
	case yaml.SequenceNode:
		return c.writeSequence(n, depth)
	case yaml.AliasNode:
		return c.writeAlias(n, depth)
	}
	text, err := scalar(n)
	if err != nil {
		return err
	}
	return c.emit(n, text)
}

// emit appends text, which n stands for.
func (c *converter) emit(n *yaml.Node, text []byte) error {
	c.out = append(c.out, text...)
	if c.borrowed == 0 {
		return nil
	}
	return c.spend(n, len(text)+1)
}

// spend counts what an alias or a merge costs.
func (c *converter) spend(n *yaml.Node, cost int) error {
	c.expanded += cost
	if c.expanded > maxExpansion {
		return fmt.Errorf("line %d: the aliases of this document expand to more than %d MiB", n.Line, maxExpansion>>20)
	}
	return nil
}

func (c *converter) writeAlias(n *yaml.Node, depth int) error {
	if slices.Contains(c.open, n.Alias) {
		return fmt.Errorf("line %d: the anchor %q contains itself", n.Line, n.Value)
	}
	c.open = append(c.open, n.Alias)
	c.borrowed++
	err := c.write(n.Alias, depth+1)
	c.borrowed--
	c.open = c.open[:len(c.open)-1]
	return err
}

func (c *converter) writeSequence(n *yaml.Node, depth int) error {
	c.out = append(c.out, '[')
	for i, e := range n.Content {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		if err := c.write(e, depth+1); err != nil {
			return err
		}
	}
	return c.emit(n, []byte("]"))
}

func (c *converter) writeMapping(n *yaml.Node, depth int) error {
	entries, err := c.mapping(n, nil)
	if err != nil {
		return err
	}
	c.out = append(c.out, '{')
	for i, e := range entries {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		if err := c.writeEntry(e, depth+1); err != nil {
			return err
		}
	}
	return c.emit(n, []byte("}"))
}

func (c *converter) writeEntry(e entry, depth int) error {
	if e.merged {
		c.borrowed++
		defer func() { c.borrowed-- }()
	}
	if err := c.emit(e.value, append(quote(e.key), ':')); err != nil {
		return err
	}
	return c.write(e.value, depth)
}

// An entry is one member of a mapping.
type entry struct {
	key    string
	value  *yaml.Node
	merged bool // whether another mapping lent it
}

// mapping returns the members of n, with what its merge keys add. A member of
// the mapping itself beats a merged one, and an earlier merge a later one.
// From names the mappings that are being merged into one another.
func (c *converter) mapping(n *yaml.Node, from []*yaml.Node) ([]entry, error) {
	var own, merged []entry
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.ScalarNode && k.ShortTag() == "!!merge" {
			more, err := c.mergees(v, append(from, n))
			if err != nil {
				return nil, err
			}
			merged = append(merged, more...)
			continue
		}
		key, err := keyOf(k)
		if err != nil {
			return nil, err
		}
		if line, again := lines[key]; again {
			return nil, fmt.Errorf("line %d: the key %q is already given on line %d", k.Line, key, line)
		}
		lines[key] = k.Line
		own = append(own, entry{key: key, value: v})
	}
	for _, e := range merged {
		if _, taken := lines[e.key]; !taken {
			lines[e.key] = e.value.Line
			own = append(own, entry{key: e.key, value: e.value, merged: true})
		}
	}
	return own, nil
}

// mergees returns what the value of a merge key stands for: a mapping, or
// several of them.
func (c *converter) mergees(n *yaml.Node, from []*yaml.Node) ([]entry, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if slices.Contains(from, n) {
		return nil, fmt.Errorf("line %d: this mapping is merged into itself", n.Line)
	}
	if err := c.spend(n, len(n.Content)+1); err != nil {
		return nil, err
	}
	switch n.Kind {
	case yaml.MappingNode:
		return c.mapping(n, from)
	case yaml.SequenceNode:
		var all []entry
		for _, e := range n.Content {
			more, err := c.mergees(e, append(from, n))
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
		return all, nil
	}
	return nil, fmt.Errorf("line %d: only mappings can be merged with <<", n.Line)
}

// keyOf returns the name of a member. A key that is not a string is named as
// JSON would write it: 1, true, null.
func keyOf(n *yaml.Node) (string, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		return "", fmt.Errorf("line %d: a key must be a scalar", n.Line)
	}
	text, err := scalar(n)
	if err != nil {
		return "", err
	}
	if kindOf(text) == "a string" {
		return unquote(text), nil
	}
	return string(text), nil
}

// scalar returns n as JSON.
func scalar(n *yaml.Node) ([]byte, error) {
	switch n.ShortTag() {
	case "!!str", "!!timestamp", "!!merge":
		return quote(n.Value), nil
	case "!!null":
		return []byte("null"), nil
	case "!!bool":
		return simplified(n)
	case "!!int", "!!float":
		if text := []byte(n.Value); json.Valid(text) && kindOf(text) == "a number" {
			return text, nil
		}
		return simplified(n)
	default:
		return nil, fmt.Errorf("line %d: JSON has nothing for the tag %s", n.Line, n.Tag)
	}
}

// simplified returns a boolean, or a number whose spelling JSON does not know.
func simplified(n *yaml.Node) ([]byte, error) {
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, fmt.Errorf("line %d: %q is not what its tag %s says", n.Line, n.Value, n.ShortTag())
	}
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(nil, v), nil
	case int, int64, uint64, float64:
		if text, err := json.Marshal(v); err == nil {
			return text, nil
		}
	}
	return nil, fmt.Errorf("line %d: JSON has no number %s", n.Line, n.Value)
}
