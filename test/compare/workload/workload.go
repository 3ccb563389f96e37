package workload

// A Workload is what a system is asked: for each pair, its flag and its
// subject, again and again.
type Workload struct {
	Flags      []Flag
	Subjects   []Subject
	Attributes int // that describe each subject
	Pairs      []Pair
}

// A Pair is a question: the numbers of a flag and of a subject.
type Pair struct{ Flag, Subject int }

// How many subjects one flag is asked about when answers are compared. Whether
// shares are fair takes more of them to tell.
const (
	crowd      = 100
	shareCrowd = 300
)

// Warm asks about one flag: while it is timed for the subject who has to wait
// for longest, and when answers are compared for a crowd.
func Warm(kind Kind, attributes int) Workload {
	w := Workload{Flags: []Flag{NewFlag(kind, 0)}, Attributes: attributes, Pairs: []Pair{{}}}
	w.Subjects = append(w.Subjects, Hit(w.Flags[0], 0))
	n := crowd
	if w.Flags[0].Shares != nil {
		n = shareCrowd
	}
	for i := range n {
		w.Subjects = append(w.Subjects, NewSubject(i))
	}
	return w
}

// Rotation asks about n flags of all kinds and n subjects, each pair once in a
// turn and different pairs in each of sweeps turns.
func Rotation(n, sweeps int) Workload {
	w := Workload{Attributes: Few}
	kinds := Kinds()
	for i := range n {
		w.Flags = append(w.Flags, NewFlag(kinds[i%len(kinds)], i))
		w.Subjects = append(w.Subjects, NewSubject(i))
	}
	for sweep := range sweeps {
		for i := range n {
			w.Pairs = append(w.Pairs, Pair{i, (i + sweep*389) % n})
		}
	}
	return w
}

// Contexts describes the subjects, each with a map of its own: a system may
// keep what it is given.
func (w Workload) Contexts() []map[string]any {
	contexts := make([]map[string]any, len(w.Subjects))
	for i, s := range w.Subjects {
		contexts[i] = s.Attributes(w.Attributes)
	}
	return contexts
}

// Questions are the pairs that answers are compared for: all that are timed,
// and the one flag of a warm workload for its crowd.
func (w Workload) Questions() []Pair {
	if len(w.Flags) > 1 {
		return w.Pairs
	}
	var questions []Pair
	for i := range w.Subjects {
		questions = append(questions, Pair{0, i})
	}
	return questions
}
