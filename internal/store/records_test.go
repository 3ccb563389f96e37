package store_test

import (
	"fmt"
	"strings"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/source"
)

func all(records ...source.Record) source.Update {
	return source.Update{Replace: true, Records: records}
}

func some(records ...source.Record) source.Update { return source.Update{Records: records} }

// flag is a flag that answers with value, which is JSON.
func flag(set, key, value string) source.Record {
	body := `{"state":"ENABLED","variants":{"v":` + value + `},"defaultVariant":"v"}`
	return source.Record{Set: set, Key: key, Body: []byte(body)}
}

// bad is a flag that does not compile.
func bad(set, key, variant string) source.Record {
	body := `{"state":"ENABLED","variants":{"v":1},"defaultVariant":"` + variant + `"}`
	return source.Record{Set: set, Key: key, Body: []byte(body)}
}

func gone(set, key string) source.Record { return source.Record{Set: set, Key: key} }

func settings(set, body string) source.Record {
	return source.Record{Set: set, Body: []byte(body), Settings: true}
}

// answers evaluates all flags that sel selects, as "key=value key=value".
func answers(sn *store.Snapshot, sel store.Selector) string {
	var list []string
	for key, f := range sn.Flags(sel) {
		r := f.Evaluate(nil)
		if r.Err != nil {
			list = append(list, key+"="+string(r.Err.Code))
		} else {
			list = append(list, fmt.Sprintf("%s=%v", key, r.Value))
		}
	}
	return strings.Join(list, " ")
}

// rejected lists rejections as "set/key set/key".
func rejected(list []source.Rejection) string {
	var names []string
	for _, r := range list {
		if r.Reason == "" {
			r.Key += " without a reason"
		}
		names = append(names, r.Set+"/"+r.Key)
	}
	return strings.Join(names, " ")
}
