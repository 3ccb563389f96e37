package jsonlogic_test

import (
	"encoding/json"
	"fmt"

	"github.com/flagline/flagline/evaluator/jsonlogic"
)

func Example() {
	var rule any
	if err := json.Unmarshal([]byte(`{"if":[
		{"ends_with":[{"var":"email"},"@example.com"]}, "staff",
		{"sem_ver":[{"var":"app.version"},">=","2.0"]}, "new"
	]}`), &rule); err != nil {
		fmt.Println(err)
		return
	}
	program, err := jsonlogic.Compile(rule)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, who := range []map[string]any{
		{"email": "ada@example.com"},
		{"email": "bob@mail.net", "app": map[string]any{"version": "2.1.3"}},
		{},
	} {
		fmt.Println(program.Value(jsonlogic.Input{Context: who}))
	}
	// Output:
	// staff <nil>
	// new <nil>
	// <nil> <nil>
}

func ExampleCompile_unknownOperator() {
	_, err := jsonlogic.Compile(map[string]any{"plus": []any{1, 1}})
	fmt.Println(err)
	// Output:
	// unknown operator "plus"
}

// Whoever asks often looks at constants by their number, which costs less than a
// value.
func ExampleProgram_Run() {
	program, err := jsonlogic.Compile(map[string]any{"fractional": []any{[]any{"on", 10}, []any{"off", 90}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	var result jsonlogic.Result
	for _, key := range []string{"user-1", "user-2"} {
		program.Run(jsonlogic.Input{Context: map[string]any{"targetingKey": key}, FlagKey: "flag"}, &result)
		fmt.Println(key, program.Constants()[result.Constant])
	}
	// Output:
	// user-1 off
	// user-2 on
}
