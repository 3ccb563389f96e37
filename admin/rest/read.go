package rest

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/api"
	"github.com/flagline/flagline/internal/flagdoc"
)

const (
	defaultPage = 1000 // flags
	largestPage = 10000
)

func (s *server) environments(*http.Request) (any, error) {
	if err := s.waiting(); err != nil {
		return nil, err
	}
	list := []api.Environment{}
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Environments)) {
		st := s.cfg.Environments[name].Ledger.State()
		list = append(list, api.Environment{
			Environment: name,
			Generation:  st.Generation(),
			Digest:      st.Digest(),
			Flags:       len(st.Flags()),
			Sets:        append([]string{}, st.Sets()...),
		})
	}
	return api.Environments{Environments: list}, nil
}

// hint names the environments that there are.
func (s *server) hint() string {
	names := slices.Sorted(maps.Keys(s.cfg.Environments))
	if len(names) == 0 {
		return "there is none at all"
	}
	return "there are: " + strings.Join(names, ", ")
}

func (s *server) flags(r *http.Request, env Environment) (any, error) {
	q := r.URL.Query()
	limit, err := number(q, "limit", defaultPage)
	if err != nil {
		return nil, err
	}
	after, err := decodeCursor(q.Get("after"))
	if err != nil {
		return nil, err
	}
	st := env.Ledger.State()
	all := st.Flags()
	if q.Has("set") {
		all = slices.DeleteFunc(slices.Clone(all), func(f admin.Flag) bool { return f.Set != q.Get("set") })
	}
	from, found := slices.BinarySearchFunc(all, after, compareNames)
	if found {
		from++
	}
	page := api.Flags{Environment: st.Environment(), Generation: st.Generation(), Flags: []api.Flag{}}
	to := min(len(all), from+int(min(max(limit, 1), largestPage)))
	for _, f := range all[from:to] {
		page.Flags = append(page.Flags, flagOf(st, f))
	}
	if to < len(all) {
		page.Next = encodeCursor(all[to-1])
	}
	return page, nil
}

func compareNames(a, b admin.Flag) int {
	return cmp.Or(cmp.Compare(a.Set, b.Set), cmp.Compare(a.Key, b.Key))
}

// A cursor names the last flag of a page. Callers take it as it is.
func encodeCursor(f admin.Flag) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Quote(f.Set) + f.Key))
}

func decodeCursor(text string) (admin.Flag, error) {
	if text == "" {
		return admin.Flag{}, nil // before every flag: no key is empty
	}
	wrong := &admin.UsageError{Message: "\"after\" is not the \"next\" of a page"}
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return admin.Flag{}, wrong
	}
	quoted, err := strconv.QuotedPrefix(string(decoded))
	if err != nil {
		return admin.Flag{}, wrong
	}
	set, err := strconv.Unquote(quoted)
	if err != nil {
		return admin.Flag{}, wrong
	}
	return admin.Flag{Set: set, Key: string(decoded[len(quoted):])}, nil
}

func (s *server) flag(r *http.Request, env Environment) (any, error) {
	st := env.Ledger.State()
	f, err := admin.Find(st, asked(r.URL.Query()), r.PathValue("key"))
	if err != nil {
		return nil, err
	}
	return flagOf(st, f), nil
}

func flagOf(st admin.State, f admin.Flag) api.Flag {
	return api.Flag{
		Environment: st.Environment(),
		Set:         f.Set,
		Key:         f.Key,
		Generation:  f.Generation,
		Change:      f.Change,
		Author:      f.Author,
		Flag:        f.Body,
	}
}

// asked returns the flag set that a query names, or nil.
func asked(q url.Values) *string {
	if !q.Has("set") {
		return nil
	}
	set := q.Get("set")
	return &set
}

func (s *server) history(r *http.Request, env Environment) (any, error) {
	q := r.URL.Query()
	before, err := number(q, "before", 0)
	if err != nil {
		return nil, err
	}
	limit, err := number(q, "limit", 50)
	if err != nil {
		return nil, err
	}
	query := admin.HistoryQuery{Key: q.Get("key"), Before: before, Limit: int(min(limit, largestPage))}
	st := env.Ledger.State()
	if query.Key != "" {
		query.Set = setOf(st, asked(q), query.Key)
	}
	changes, err := env.Ledger.History(r.Context(), query)
	if err != nil {
		return nil, err
	}
	if query.Key != "" && before == 0 && len(changes) == 0 {
		if _, err := admin.Find(st, &query.Set, query.Key); err != nil {
			return nil, err
		}
	}
	list := []api.Change{}
	for _, c := range changes {
		list = append(list, changeOf(c))
	}
	return api.History{Changes: list}, nil
}

// setOf returns the set to look for a flag in, which may be gone, or be new:
// the one asked for, else the one that has it, else the unnamed one.
func setOf(st admin.State, asked *string, key string) string {
	if asked != nil {
		return *asked
	}
	f, err := admin.Find(st, nil, key)
	if err != nil {
		return ""
	}
	return f.Set
}

func (s *server) export(r *http.Request, env Environment) (any, error) {
	st := env.Ledger.State()
	set, err := exported(st, asked(r.URL.Query()))
	if err != nil {
		return nil, err
	}
	doc := flagdoc.Document{Set: set, Settings: st.Settings(set)}
	for _, f := range st.Flags() {
		if f.Set == set {
			doc.Flags = append(doc.Flags, flagdoc.Flag{Key: f.Key, Body: f.Body})
		}
	}
	return raw(flagdoc.Format(doc)), nil
}

// exported is the set to export: the one asked for, else the unnamed one if
// there is one, else the only one.
func exported(st admin.State, asked *string) (string, error) {
	sets := st.Sets()
	switch {
	case asked != nil && (*asked == "" || slices.Contains(sets, *asked)):
		return *asked, nil
	case asked != nil:
		return "", &admin.NotFoundError{Kind: "flag set", Name: *asked, Hint: fmt.Sprintf("there are: %q", sets)}
	case len(sets) == 0 || slices.Contains(sets, ""):
		return "", nil
	case len(sets) == 1:
		return sets[0], nil
	}
	return "", &admin.UsageError{Message: fmt.Sprintf("there are several flag sets: %q; say which one", sets)}
}

func number(q url.Values, name string, otherwise uint64) (uint64, error) {
	if !q.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(q.Get(name), 10, 63)
	if err != nil {
		return 0, &admin.UsageError{Message: fmt.Sprintf("%q is not a number: %q", name, q.Get(name))}
	}
	return n, nil
}
