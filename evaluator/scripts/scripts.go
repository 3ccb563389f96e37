// Package scripts reads behaviour that is written down for people who write
// flags: a document, questions about its flags, and the answers. It serves tests,
// which put the same questions through every door.
//
// A script is a text file of sections. What stands before the first one is a
// heading for the reader.
//
//	Who is told what.
//
//	-- flags.json --
//	{"flags": {"new-checkout": {"variants": {"on": true}, "targeting": …}}}
//	-- evaluate --
//	# Staff see it first.
//	new-checkout  {"email": "ada@example.com"}  on  TARGETING_MATCH
//	new-checkout  {}                            -   DEFAULT
//	gone          {}                            -   ERROR FLAG_NOT_FOUND
//	-- metadata --
//	new-checkout  {"owner": "checkout"}
//
// Each line of "evaluate" has a flag's key, the context as a JSON object or null,
// the variant or "-" for none, the reason, and the error code if there is one.
// A line that begins with "# " says what the lines below it show. The section
// "metadata", which need not be there, says what comes with the answers about a
// flag. The section "flagd" has the lines that flagd answers differently.
package scripts

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/flagline/flagline/evaluator"
)

// A Script is one file.
type Script struct {
	Name      string // of the file, without folder and extension
	Document  string // the flags
	Questions []Question
	Metadata  map[string]map[string]any // by key of a flag
	Flagd     []Question                // what flagd answers, where that differs
}

// A Question is one line of a script, with its answer.
type Question struct {
	Line    string // as written
	Shows   string // the sentence that it stands under, "" if under none
	Key     string
	Context evaluator.Context
	Want    Answer
}

// An Answer is as much of a resolution as a line tells.
type Answer struct {
	Variant string // "" if there is none
	Reason  evaluator.Reason
	Code    evaluator.ErrorCode // "" if there is none
}

// String returns the answer as a line has it.
func (a Answer) String() string {
	words := []string{"-", string(a.Reason)}
	if a.Variant != "" {
		words[0] = a.Variant
	}
	if a.Code != "" {
		words = append(words, string(a.Code))
	}
	return strings.Join(words, " ")
}

// AnswerOf returns what a line would tell of r.
func AnswerOf(r evaluator.Resolution) Answer {
	a := Answer{Variant: r.Variant, Reason: r.Reason}
	if r.Err != nil {
		a.Code = r.Err.Code
	}
	return a
}

// Read reads the script in the file at path.
func Read(path string) (*Script, error) {
	sections, err := Sections(path)
	if err != nil {
		return nil, err
	}
	name := filepath.Base(path)
	s := &Script{Name: strings.TrimSuffix(name, filepath.Ext(name)), Document: sections["flags.json"]}
	if s.Document == "" {
		return nil, fmt.Errorf("%s: has no section flags.json", path)
	}
	if s.Questions, err = parseQuestions(sections["evaluate"]); err == nil && s.Questions == nil {
		err = errors.New("asks nothing")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s.Flagd, err = parseQuestions(sections["flagd"]); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s.Metadata, err = parseMetadata(sections["metadata"]); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// Sections returns the sections of the file at path by name; what stands before
// the first one is "". Of two with the same name the second continues the first.
func Sections(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	sections, name := make(map[string]string), ""
	for line := range strings.Lines(string(data)) {
		if title, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(title, " --") {
			name = strings.TrimSuffix(title, " --")
			continue
		}
		sections[name] += line
	}
	return sections, nil
}

func parseQuestions(section string) (questions []Question, err error) {
	shows := ""
	for line := range strings.SplitSeq(section, "\n") {
		if sentence, ok := strings.CutPrefix(line, "# "); ok {
			shows = sentence
			continue
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		q, err := parseQuestion(line)
		if err != nil {
			return nil, err
		}
		q.Shows = shows
		questions = append(questions, q)
	}
	return questions, nil
}

func parseQuestion(line string) (Question, error) {
	q := Question{Line: line}
	var rest string
	var err error
	if q.Key, q.Context, rest, err = parseObject(line); err != nil {
		return q, err
	}
	words := strings.Fields(rest)
	if len(words) < 2 || len(words) > 3 {
		return q, fmt.Errorf("line %q: the context must be followed by variant, reason and perhaps an error code", line)
	}
	q.Want.Reason = evaluator.Reason(words[1])
	if words[0] != "-" {
		q.Want.Variant = words[0]
	}
	if len(words) == 3 {
		q.Want.Code = evaluator.ErrorCode(words[2])
	}
	if !q.Want.makesSense() {
		return q, fmt.Errorf("line %q: there is no such answer", line)
	}
	return q, nil
}

// makesSense is false for misspelt reasons and for variants without a value.
func (a Answer) makesSense() bool {
	switch a.Reason {
	case evaluator.ReasonStatic, evaluator.ReasonTargetingMatch:
		return a.Variant != "" && a.Code == ""
	case evaluator.ReasonDefault:
		return a.Code == ""
	case evaluator.ReasonDisabled:
		return a.Variant == "" && a.Code == ""
	case evaluator.ReasonError:
		return a.Variant == "" && slices.Contains(codes(), a.Code)
	default:
		return false
	}
}

func codes() []evaluator.ErrorCode {
	return []evaluator.ErrorCode{
		evaluator.CodeFlagNotFound, evaluator.CodeParseError, evaluator.CodeTypeMismatch,
		evaluator.CodeInvalidContext, evaluator.CodeGeneral,
	}
}

func parseMetadata(section string) (map[string]map[string]any, error) {
	metadata := make(map[string]map[string]any)
	for line := range strings.SplitSeq(section, "\n") {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		key, object, rest, err := parseObject(line)
		if err == nil && strings.TrimSpace(rest) != "" {
			err = fmt.Errorf("line %q: nothing may follow the metadata", line)
		}
		if err != nil {
			return nil, err
		}
		metadata[key] = object
	}
	return metadata, nil
}

// parseObject reads the key of a flag and an object behind it.
func parseObject(line string) (key string, object map[string]any, rest string, err error) {
	key, rest, _ = strings.Cut(line, " ")
	dec := json.NewDecoder(strings.NewReader(rest))
	if err := dec.Decode(&object); err != nil {
		return "", nil, "", fmt.Errorf("line %q: the key must be followed by an object: %w", line, err)
	}
	return key, object, rest[dec.InputOffset():], nil
}
