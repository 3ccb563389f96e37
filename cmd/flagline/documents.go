package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/flagline/flagline/admin/api"
	"github.com/flagline/flagline/evaluator/lint"
	"github.com/flagline/flagline/internal/flagdoc"
)

// A text is a document as it was read.
type text struct {
	file string
	yaml bool
	data []byte
}

// read reads files, the documents that are in directories, and standard input.
func (a *app) read(names []string) ([]text, error) {
	var all []text
	for _, name := range names {
		files, err := expand(name)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			data, err := a.readFile(file)
			if err != nil {
				return nil, err
			}
			all = append(all, text{file, isYAML(file, data), data})
		}
	}
	return all, nil
}

// expand returns the documents in a directory, or name itself.
func expand(name string) ([]string, error) {
	if name == "-" {
		return []string{name}, nil
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, fileError("input", err)
	case !info.IsDir():
		return []string{name}, nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, fileError("input", err)
	}
	var files []string
	for _, e := range entries {
		if ext := extension(e.Name()); !e.IsDir() && slices.Contains([]string{".json", ".yaml", ".yml"}, ext) {
			files = append(files, filepath.Join(name, e.Name()))
		}
	}
	if files == nil {
		return nil, usage("directory %s has no .json, .yaml or .yml files", name)
	}
	return files, nil
}

func extension(name string) string { return strings.ToLower(filepath.Ext(name)) }

// isYAML goes by the name, and by the first character where there is none.
func isYAML(name string, data []byte) bool {
	switch extension(name) {
	case ".yaml", ".yml":
		return true
	case ".json":
		return false
	}
	data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n")
	return len(data) > 0 && data[0] != '{' && data[0] != '['
}

func (t text) parse() (flagdoc.Document, error) {
	if t.yaml {
		return flagdoc.ParseYAML(t.data)
	}
	return flagdoc.Parse(t.data)
}

// lint finds the mistakes of a document.
func (t text) lint() []lint.Finding {
	data := t.data
	if t.yaml {
		doc, err := t.parse()
		if err != nil {
			return []lint.Finding{{Severity: lint.SeverityError, Code: "not_a_document", Message: err.Error()}}
		}
		data = flagdoc.Format(doc)
	}
	return lint.Document(data)
}

// documents reads what is to be applied. The error names every file that is
// not a document.
func (a *app) documents(names []string) ([]api.Document, error) {
	if len(names) == 0 {
		return nil, usage("say which document: -f FILE, a directory, or - for standard input")
	}
	texts, err := a.read(names)
	if err != nil {
		return nil, err
	}
	var docs []api.Document
	var wrong []api.Detail
	for _, t := range texts {
		if spelt := t.spelling(); spelt != nil {
			wrong = append(wrong, spelt...)
			continue
		}
		doc, err := t.parse()
		if err != nil {
			wrong = append(wrong, t.mistakes(err)...)
			continue
		}
		docs = append(docs, api.Document{File: t.file, Document: flagdoc.Format(doc)})
	}
	if wrong != nil {
		return nil, &api.Error{Code: api.CodeInvalid, Message: "not every file is a flag document", Details: wrong}
	}
	return docs, nil
}

// spelling says what of a text would be lost by reading it. YAML is checked by
// its parser.
func (t text) spelling() (details []api.Detail) {
	if t.yaml || !json.Valid(t.data) {
		return nil // which the parser tells
	}
	for _, f := range lint.Spelling(t.data) {
		details = append(details, api.Detail{File: t.file, Pointer: f.Pointer, Code: string(f.Code), Message: f.Message})
	}
	return details
}

// mistakes says what is wrong with a text that is not a document, where lint
// can say more than the one reason that it could not be read.
func (t text) mistakes(cause error) []api.Detail {
	var details []api.Detail
	for _, f := range t.lint() {
		if f.Severity == lint.SeverityError {
			details = append(details, api.Detail{File: t.file, Pointer: f.Pointer, Code: string(f.Code), Message: f.Message})
		}
	}
	if details == nil {
		details = []api.Detail{{File: t.file, Code: "not_a_document", Message: cause.Error()}}
	}
	return details
}
