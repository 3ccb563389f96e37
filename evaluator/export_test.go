package evaluator

// The two ways to a flag set.
var (
	CompileQuickly    = compileQuickly
	CompileThoroughly = compileThoroughly
)
