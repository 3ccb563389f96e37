package sourcetest

import "github.com/flagline/flagline/internal/flagdoc"

// The states that origins are taken through. They hold what a careless source
// would lose: the order of members, the spelling of numbers, properties that
// nobody knows, keys that do not fit into a file name or a subject.
var (
	first = flagdoc.Document{
		Settings: []byte(`{"$evaluators":{"staff":{"ends_with":[{"var":"email"},"@example.com"]}},"metadata":{"version":"1"}}`),
		Flags: []flagdoc.Flag{
			{Key: "a key/with * dots. and > spaces", Body: flagBody("1")},
			{Key: "banner", Body: []byte(`{"variants":{"b":1.50,"a":1e3},"state":"ENABLED","defaultVariant":"a","x-unknown":[null]}`)},
			{Key: "new-checkout", Body: flagBody("1")},
		},
	}

	// second changes, adds and removes a flag, and removes the settings.
	second = flagdoc.Document{
		Flags: []flagdoc.Flag{
			{Key: "a key/with * dots. and > spaces", Body: flagBody("1")},
			{Key: "new-checkout", Body: flagBody("2")},
			{Key: "search", Body: flagBody("1")},
		},
	}

	emptied = flagdoc.Document{}
)

func flagBody(value string) []byte {
	return []byte(`{"state":"ENABLED","variants":{"v":` + value + `},"defaultVariant":"v"}`)
}
