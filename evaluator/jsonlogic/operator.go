package jsonlogic

// An operator is what a node of the tree does.
type operator uint8

const (
	opConstant operator = iota // gives the node's value
	opList                     // gives an array of what its arguments give
	opSlot                     // reads a variable of the context, for which the graph has a slot
	opPath                     // reads a variable whose name was written out
	opVar
	opAnd
	opOr
	opIf
	opNot
	opTruth
	opEqual
	opUnequal
	opSame
	opDifferent
	opLess
	opLessOrEqual
	opGreater
	opGreaterOrEqual
	opIn
	opAdd
	opSubtract
	opMultiply
	opDivide
	opModulo
	opAbsolute
	opMaximum
	opMinimum
	opCat
	opSubstr
	opSet
	opMissing
	opMissingSome
	opMerge
	opMap
	opFilter
	opReduce
	opAll
	opNone
	opSome
	opContainsAll
	opContainsAny
	opContainsNone
	opFractional
	opSemVer
	opStartsWith
	opEndsWith
	opInvalid // always fails: its arguments are not what the operator takes
	opHas     // in with its operands the other way round, which no rule can call
)

var operators = map[string]operator{
	"var": opVar,
	"and": opAnd, "or": opOr, "if": opIf, "?:": opIf, "!": opNot, "!!": opTruth,
	"==": opEqual, "!=": opUnequal, "===": opSame, "!==": opDifferent,
	"<": opLess, "<=": opLessOrEqual, ">": opGreater, ">=": opGreaterOrEqual, "in": opIn,
	"+": opAdd, "-": opSubtract, "*": opMultiply, "/": opDivide, "%": opModulo,
	"abs": opAbsolute, "max": opMaximum, "min": opMinimum,
	"cat": opCat, "substr": opSubstr, "set": opSet,
	"missing": opMissing, "missing_some": opMissingSome, "merge": opMerge,
	"map": opMap, "filter": opFilter, "reduce": opReduce, "all": opAll, "none": opNone, "some": opSome,
	"contains_all": opContainsAll, "contains_any": opContainsAny, "contains_none": opContainsNone,
	"fractional": opFractional, "sem_ver": opSemVer, "starts_with": opStartsWith, "ends_with": opEndsWith,
}

// IsOperator says whether the language has an operator of that name.
func IsOperator(name string) bool { return operators[name] != opConstant }

// isLazy is true for operators that look at their arguments as they are written.
func (op operator) isLazy() bool { return op == opAnd || op == opOr || op == opIf }

// isLoop is true for operators that run a rule over the elements of an array.
func (op operator) isLoop() bool { return opMap <= op && op <= opSome }

// isBoolean is true for operators that give true or false, or fail.
func (op operator) isBoolean() bool {
	return opNot <= op && op <= opIn || opAll <= op && op <= opContainsNone
}

// isPure is true for operators whose result depends on their operands alone.
func (op operator) isPure() bool {
	return opAnd <= op && op <= opSet || op == opMerge ||
		opContainsAll <= op && op <= opContainsNone || opSemVer <= op && op <= opEndsWith || op == opList
}
