package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"
)

// homeFile is the file with settings that is read if no other is named, as
// flagd does.
const homeFile = ".agent.yaml"

// fill gives the settings that the command line does not mention the values
// that the environment has for them, or else the file that --config names. It
// returns what deserves a warning.
func fill(flags *pflag.FlagSet, lookup func(string) (string, bool)) (notes []string, err error) {
	var errs []error
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed {
			return
		}
		if name, value, ok := fromEnvironment(flag.Name, lookup); ok {
			if err := setText(flags, flag, value); err != nil {
				errs = append(errs, fmt.Errorf("environment variable %s: %w", name, err))
			}
		}
	})
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	path, err := flags.GetString("config")
	if err != nil {
		return nil, err
	}
	if path == "" {
		return fillFromHome(flags)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	unknown, err := fillFromFile(flags, path, data)
	if len(unknown) > 0 {
		return nil, fmt.Errorf("configuration %s: there is no setting %q", path, unknown[0])
	}
	return nil, err
}

// fillFromHome reads the file in the user's home. Nobody has asked for it now,
// so that it may hold settings of another program, or be out of reach.
func fillFromHome(flags *pflag.FlagSet) (notes []string, err error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, nil //nolint:nilerr // no home, no file
	}
	path := filepath.Join(home, homeFile)
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return []string{err.Error()}, nil
	}
	unknown, err := fillFromFile(flags, path, data)
	for _, name := range unknown {
		notes = append(notes, fmt.Sprintf("configuration %s: there is no setting %q", path, name))
	}
	return notes, err
}

// fromEnvironment finds the variable for a setting. The name in the middle is
// for operators who put FLAGD_ before everything. An empty variable is none.
func fromEnvironment(setting string, lookup func(string) (string, bool)) (name, value string, ok bool) {
	plain := strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
	for _, prefix := range []string{"FLAGLINE_", "FLAGD_FLAGLINE_", "FLAGD_"} {
		value, ok = lookup(prefix + plain)
		// Beside a Service called flagd, Kubernetes sets FLAGD_PORT to an
		// address that nobody meant for us.
		linked := strings.HasSuffix(plain, "PORT") && strings.HasPrefix(value, "tcp://")
		if ok && value != "" && !linked {
			return prefix + plain, value, true
		}
	}
	return "", "", false
}

// setText gives a setting a value in one text: lists are separated by spaces,
// or by commas where no entry can hold one, and maps are a JSON object, as flagd
// reads them, or key=value,key=value.
func setText(flags *pflag.FlagSet, flag *pflag.Flag, value string) error {
	switch flag.Value.Type() {
	case "stringArray":
		return setAll(flags, flag, strings.Fields(value))
	case "stringSlice":
		return setAll(flags, flag, strings.FieldsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || r == ',' }))
	case "stringToString":
		if strings.HasPrefix(value, "{") {
			var pairs map[string]any
			if err := json.Unmarshal([]byte(value), &pairs); err != nil {
				return fmt.Errorf("not a JSON object: %w", err)
			}
			return setPairs(flags, flag, pairs)
		}
	}
	return flags.Set(flag.Name, value)
}

func setAll(flags *pflag.FlagSet, flag *pflag.Flag, values []string) error {
	if len(values) == 0 && flag.Value.Type() == "stringSlice" {
		return flags.Set(flag.Name, "") // none, whatever the default is
	}
	for _, value := range values {
		if err := flags.Set(flag.Name, value); err != nil {
			return err
		}
	}
	return nil
}

// setPairs quotes each pair, so that a value may hold any character.
func setPairs(flags *pflag.FlagSet, flag *pflag.Flag, pairs map[string]any) error {
	var fields []string
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		fields = append(fields, fmt.Sprintf("%s=%v", key, pairs[key]))
	}
	var line strings.Builder
	w := csv.NewWriter(&line)
	if err := w.Write(fields); err != nil {
		return err
	}
	w.Flush()
	return flags.Set(flag.Name, strings.TrimSuffix(line.String(), "\n"))
}

// fillFromFile gives settings that have no value yet those of a document, and
// returns the names in it that are none.
func fillFromFile(flags *pflag.FlagSet, path string, data []byte) (unknown []string, err error) {
	var document map[string]any // JSON is YAML
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	for _, name := range slices.Sorted(maps.Keys(document)) {
		flag := flags.Lookup(name)
		if flag == nil || name == "config" {
			unknown = append(unknown, name)
			continue
		}
		if flag.Changed {
			continue
		}
		if err := setValue(flags, flag, document[name]); err != nil {
			return nil, fmt.Errorf("configuration %s: setting %s: %w", path, name, err)
		}
	}
	return unknown, nil
}

// setValue gives a setting a value out of a document.
func setValue(flags *pflag.FlagSet, flag *pflag.Flag, value any) error {
	switch value := value.(type) {
	case []any:
		if flag.Name == "sources" {
			text, err := json.Marshal(value)
			if err != nil {
				return err
			}
			return flags.Set(flag.Name, string(text))
		}
		var values []string
		for _, v := range value {
			values = append(values, fmt.Sprint(v))
		}
		return setAll(flags, flag, values)
	case map[string]any:
		return setPairs(flags, flag, value)
	case nil:
		return nil
	default:
		return setText(flags, flag, fmt.Sprint(value))
	}
}
