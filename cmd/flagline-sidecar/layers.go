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

// findings are what is to be known of the settings beyond their values.
type findings struct {
	unread  error    // why the file in the home says nothing
	unknown []string // what it says that is no setting

	// surrounding has the settings that nobody gave to this sidecar alone,
	// with the place where they stand: an operator may set the environment
	// of many, and the file in the home is for all that run there.
	surrounding map[string]string
}

// fill gives the settings that the command line does not mention the values
// that the environment has for them, or else the file that --config names.
func fill(flags *pflag.FlagSet, lookup func(string) (string, bool)) (found findings, err error) {
	found.surrounding = make(map[string]string)
	var errs []error
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed {
			return
		}
		if name, value, ok := fromEnvironment(flag.Name, lookup); ok {
			if err := setText(flags, flag, value); err != nil {
				errs = append(errs, fmt.Errorf("environment variable %s: %w", name, err))
			}
			found.surrounding[flag.Name] = "environment variable " + name
		}
	})
	if err := errors.Join(errs...); err != nil {
		return found, err
	}
	path, err := flags.GetString("config")
	if err != nil {
		return found, err
	}
	if path == "" {
		err = found.fillFromHome(flags)
		return found, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return found, fmt.Errorf("read the configuration: %w", err)
	}
	_, unknown, err := fillFromFile(flags, path, data)
	if len(unknown) > 0 {
		return found, fmt.Errorf("configuration %s: there is no setting %q", path, unknown[0])
	}
	return found, err
}

// fillFromHome reads the file in the user's home. Nobody has asked for it now,
// so that it may hold settings of another program, or be out of reach.
func (f *findings) fillFromHome(flags *pflag.FlagSet) error {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil //nolint:nilerr // no home, no file
	}
	path := filepath.Join(home, homeFile)
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		f.unread = err
		return nil
	}
	taken, unknown, err := fillFromFile(flags, path, data)
	for _, name := range taken {
		f.surrounding[name] = "configuration " + path
	}
	for _, name := range unknown {
		f.unknown = append(f.unknown, fmt.Sprintf("configuration %s: there is no setting %q; the others of the file hold", path, name))
	}
	return err
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
	return bare(flags.Set(flag.Name, value))
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
// returns the names of those, and the names in it that are none.
func fillFromFile(flags *pflag.FlagSet, path string, data []byte) (taken, unknown []string, err error) {
	var document map[string]any // JSON is YAML
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, nil, fmt.Errorf("configuration %s: %w", path, err)
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
			return nil, nil, fmt.Errorf("configuration %s: setting %s: %w", path, name, err)
		}
		taken = append(taken, name)
	}
	return taken, unknown, nil
}

// setValue gives a setting a value out of a document.
func setValue(flags *pflag.FlagSet, flag *pflag.Flag, value any) error {
	if flag.Name == "sources" {
		return setSources(flags, value)
	}
	switch value := value.(type) {
	case []any:
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

// setSources takes the sources as a list, or in the text that the command line
// takes.
func setSources(flags *pflag.FlagSet, value any) error {
	switch value := value.(type) {
	case nil:
		return nil
	case []any:
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		return flags.Set("sources", string(text))
	case string:
		if value == "" || strings.HasPrefix(strings.TrimSpace(value), "[") {
			return flags.Set("sources", value)
		}
	}
	return errors.New("write a list of {uri, provider}, such as [{uri: flags.json, provider: file}]")
}
