package main

// A goal is what a figure has to be: the gate has to hold, the aim is what
// prototypes and floors say is there.
type goal struct {
	title  string
	figure func(*figures) (ratio, bool)
	atMost bool // rather than at least
	gate   float64
	aim    float64
	unit   string // that is appended to figures; ratios have none

	// againstFlagd says that the figure is how much more flagd takes.
	againstFlagd bool
}

// flagdName is who stands for flagd in f.
func (f *figures) flagdName() string {
	if f.Flagd != "" {
		return flagd
	}
	return core
}

// goals are those of the server.
func goals() []goal {
	return []goal{
		flagdOver("OFREP, endswith", 3, 4),
		overFloor("OFREP, endswith", nethttp, 1.6, 1.25),
		flagdOver("gRPC, static", 3, 4),
		overFloor("gRPC, static", grpcgo, 1.5, 1.1),
		flagdOver("Connect JSON, static", 2.2, 3.8),
		flagdOver("OFREP, all of 100, fresh", 20, 36),
		flagdOver("OFREP, all of 1,000, fresh", 70, 115),
		{
			title: "OFREP, all of 1,000, unchanged / OFREP, static", atMost: true, gate: 2, aim: 1.25,
			figure: func(f *figures) (ratio, bool) {
				a, ok := f.find("OFREP, all of 1,000, unchanged", ours)
				b, ok2 := f.find("OFREP, static", ours)
				return ratio{a.Micros / b.Micros, a.Min / b.Max, a.Max / b.Min}, ok && ok2
			},
		},
		held("start with 100,000 flags", 100_000, "s", 1.75, 0.45, func(r footprintRow) float64 { return r.Start }),
		reload(),
		held("memory with 100 flags", 100, "MiB", 35, 25, func(r footprintRow) float64 { return r.Resident }),
		held("memory with 100,000 flags", 100_000, "MiB", 200, 110, func(r footprintRow) float64 { return r.Resident }),
		held("memory after three changes / before, 100,000 flags", 100_000, "", 1.3, 1.1, func(r footprintRow) float64 { return r.After / r.Resident }),
		told("a change to 1,000 event streams", "ms", 50, 10, func(r broadcastRow) float64 { return r.Used }),
		told("until the last of 1,000 event streams hears of it", "ms", 50, 10, func(r broadcastRow) float64 { return r.Last }),
		told("memory per event stream, each on its own connection", "KiB", 40, 20, func(r broadcastRow) float64 { return r.PerStream }),
		{
			title: "the program", atMost: true, gate: 30, aim: 20, unit: "MB",
			figure: func(f *figures) (ratio, bool) {
				for _, p := range f.Programs {
					if p.System == ours {
						return exactly(float64(p.Bytes) / 1e6), true
					}
				}
				return ratio{}, false
			},
		},
	}
}

func flagdOver(kase string, gate, aim float64) goal {
	return goal{title: kase + ": flagd / ours", againstFlagd: true, gate: gate, aim: aim, figure: func(f *figures) (ratio, bool) {
		return f.ratio(kase, f.flagdName(), ours)
	}}
}

func overFloor(kase, floor string, gate, aim float64) goal {
	return goal{title: kase + ": ours / " + floor, atMost: true, gate: gate, aim: aim, figure: func(f *figures) (ratio, bool) {
		return f.ratio(kase, ours, floor)
	}}
}

// reload is about a file of 10,000 flags in which one is changed.
func reload() goal {
	return goal{title: "one flag of 10,000 changed in the file: flagd / ours", againstFlagd: true, gate: 150, aim: 260, figure: func(f *figures) (ratio, bool) {
		a, ok := f.footprint(f.flagdName(), 10_000)
		b, ok2 := f.footprint(ours, 10_000)
		if !ok || !ok2 || b.ChangeUsed == 0 {
			return ratio{}, false
		}
		return exactly(a.ChangeUsed / b.ChangeUsed), true
	}}
}

func held(title string, flags int, unit string, gate, aim float64, of func(footprintRow) float64) goal {
	return goal{title: title, atMost: true, gate: gate, aim: aim, unit: unit, figure: func(f *figures) (ratio, bool) {
		r, ok := f.footprint(ours, flags)
		return exactly(of(r)), ok
	}}
}

func told(title, unit string, gate, aim float64, of func(broadcastRow) float64) goal {
	return goal{title: title, atMost: true, gate: gate, aim: aim, unit: unit, figure: func(f *figures) (ratio, bool) {
		for _, r := range f.Broadcasts {
			if r.System == ours && r.Kind == "events" && r.PerConnection == 1 {
				return exactly(of(r)), true
			}
		}
		return ratio{}, false
	}}
}

// A state is how far a figure has come.
type state string

// The states, from the best.
const (
	met    state = "met"
	within state = "gate"
	open   state = "open" // the stand-in reaches less than the gate, which says nothing about flagd
	missed state = "missed"
)

// A result is what came of a goal.
type result struct {
	Title  string  `json:"goal"`
	Figure float64 `json:"figure"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	AtMost bool    `json:"atMost,omitempty"`
	Gate   float64 `json:"gate"`
	Aim    float64 `json:"aim"`
	Unit   string  `json:"unit,omitempty"`
	State  state   `json:"state"`
}

// results are those of the goals that were measured.
func (f *figures) results() []result {
	var list []result
	for _, g := range goals() {
		v, ok := g.figure(f)
		if !ok {
			continue
		}
		list = append(list, result{
			Title: g.title, Figure: significant(v.median), Low: significant(v.low), High: significant(v.high),
			AtMost: g.atMost, Gate: g.gate, Aim: g.aim, Unit: g.unit, State: f.judge(g, v.median),
		})
	}
	return list
}

// judge says how far v has come. A stand-in costs less than flagd: what it
// reaches flagd does, too, and what it does not says nothing.
func (f *figures) judge(g goal, v float64) state {
	reaches := func(bound float64) bool { return v >= bound }
	if g.atMost {
		reaches = func(bound float64) bool { return v <= bound }
	}
	switch {
	case !reaches(g.gate) && g.againstFlagd && f.Flagd == "":
		return open
	case !reaches(g.gate):
		return missed
	case reaches(g.aim):
		return met
	default:
		return within
	}
}
