package flagdoc_test

import (
	"fmt"

	"github.com/flagline/flagline/internal/flagdoc"
)

func ExampleParse() {
	doc, err := flagdoc.Parse([]byte(`{
		"metadata": {"flagSetId": "shop"},
		"flags": [{"key": "banner", "variants": {"half": 0.50}}]
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(doc.Set)
	for _, f := range doc.Flags {
		fmt.Printf("%s: %s\n", f.Key, f.Body)
	}
	// Output:
	// shop
	// banner: {"variants":{"half":0.50}}
}

func ExampleParseFile() {
	_, err := flagdoc.ParseFile("flags.yaml", []byte("flags:\n  banner: {weight: .inf}\n"))
	fmt.Println(err)
	// Output:
	// flags.yaml: line 2: JSON has no number .inf
}

func ExampleFormat() {
	doc, err := flagdoc.ParseYAML([]byte("flags: {search: {state: DISABLED}, banner: {}}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(flagdoc.Format(doc)))
	// Output:
	// {
	//   "flags": {
	//     "banner": {},
	//     "search": {
	//       "state": "DISABLED"
	//     }
	//   }
	// }
}
