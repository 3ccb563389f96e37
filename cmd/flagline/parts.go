package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/flagline/flagline/admin/api"
)

// parts are the settings that say what a flag is to be.
type parts struct {
	file           string
	defaultVariant string
	state          string
	targeting      string
	variants       []string
	description    string
	owner          string
	tags           []string
}

func (p *parts) register(f *pflag.FlagSet) {
	f.StringVarP(&p.file, "file", "f", "", "the whole definition: a file with a flag as JSON, or - for standard input")
	f.StringVar(&p.defaultVariant, "default-variant", "", "the variant for everyone whom targeting gives no other")
	f.StringVar(&p.state, "state", "", "enabled or disabled")
	f.StringVar(&p.targeting, "targeting", "", "the rule, as JSON or @file; none removes it")
	f.StringArrayVar(&p.variants, "variant", nil, "a variant to add or replace, as name=value with the value in JSON; may be repeated")
	f.StringVar(&p.description, "description", "", "what the flag is for")
	f.StringVar(&p.owner, "owner", "", "who answers for the flag")
	f.StringArrayVar(&p.tags, "tag", nil, "a word to find the flag by; may be repeated, and replaces all that there are")
}

// fill puts into req what was given. Of what was not, nothing is said.
func (p *parts) fill(a *app, f *pflag.FlagSet, req *api.ChangeRequest) error {
	pieces := []string{"default-variant", "state", "targeting", "variant", "description", "owner", "tag"}
	given := slices.DeleteFunc(pieces, func(name string) bool { return !f.Changed(name) })
	if f.Changed("file") {
		if len(given) > 0 {
			return usage("--file is the whole definition; it and --%s exclude each other", given[0])
		}
		return a.jsonFile(p.file, &req.Definition)
	}
	if len(given) == 0 {
		return nil
	}
	said := new(api.Parts)
	for _, name := range given {
		if err := p.say(a, name, said); err != nil {
			return err
		}
	}
	req.Parts = said
	return nil
}

func (p *parts) say(a *app, name string, said *api.Parts) (err error) {
	switch name {
	case "default-variant":
		said.DefaultVariant = &p.defaultVariant
	case "state":
		said.State = &p.state
	case "targeting":
		if p.targeting == "none" {
			said.Targeting = json.RawMessage("null")
			return nil
		}
		return a.jsonSetting("targeting", p.targeting, &said.Targeting)
	case "variant":
		said.Variants, err = variantObject(p.variants)
	case "description":
		said.Description = &p.description
	case "owner":
		said.Owner = &p.owner
	case "tag":
		tags := slices.DeleteFunc(slices.Clone(p.tags), func(tag string) bool { return tag == "" })
		said.Tags = &tags
	}
	return err
}

// variantObject makes a JSON object of settings name=value, in their order.
func variantObject(settings []string) (json.RawMessage, error) {
	var members [][]byte
	for _, setting := range settings {
		name, value, ok := strings.Cut(setting, "=")
		if !ok || name == "" {
			return nil, usage("--variant %q is not name=value", setting)
		}
		if !json.Valid([]byte(value)) {
			return nil, usage("the value of --variant %s is not JSON; if it is a text, quote it: --variant '%s=%q'", setting, name, value)
		}
		quoted, err := api.Marshal(name)
		if err != nil {
			return nil, err
		}
		members = append(members, fmt.Appendf(bytes.TrimSpace(quoted), ":%s", value))
	}
	return fmt.Appendf(nil, "{%s}", bytes.Join(members, []byte(","))), nil
}

// jsonSetting reads the value of a setting that is JSON or @file.
func (a *app) jsonSetting(name, value string, into any) error {
	if file, ok := strings.CutPrefix(value, "@"); ok {
		return a.jsonFile(file, into)
	}
	err := json.Unmarshal([]byte(value), into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return usage("--%s is a JSON %s, not an object", name, wrong.Value)
	}
	if err != nil {
		return usage("--%s is not JSON: %v", name, err)
	}
	return nil
}

func (a *app) jsonFile(name string, into any) error {
	data, err := a.readFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return invalidFile(name, err)
	}
	return nil
}

// readFile reads a file or, for "-", standard input.
func (a *app) readFile(name string) ([]byte, error) {
	if name == "-" {
		data, err := io.ReadAll(a.in)
		if err != nil {
			return nil, fileError("standard input", err)
		}
		return data, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fileError("input", err)
	}
	return data, nil
}

// inFile says of the mistakes of a flag where they are in the file that the
// flag was read from.
func (p *parts) inFile(err error) error {
	e, ok := errors.AsType[*api.Error](err)
	if !ok || p.file == "" {
		return err
	}
	for i, d := range e.Details {
		if rest, ok := strings.CutPrefix(d.Pointer, "/flags/"); ok && d.File == "" {
			_, within, _ := strings.Cut(rest, "/")
			e.Details[i].File, e.Details[i].Pointer = p.file, strings.TrimSuffix("/"+within, "/")
		}
	}
	return e
}

// invalidFile says that a file is not what it should be.
func invalidFile(name string, err error) error {
	return &api.Error{
		Code:    api.CodeInvalid,
		Message: fmt.Sprintf("nothing was published: %s cannot be read", name),
		Details: []api.Detail{{File: name, Code: "not_json", Message: err.Error()}},
	}
}
