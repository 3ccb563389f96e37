package natskv

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source"
)

// deliver shows the log's state to the sink: step if the sink has the state
// before it, everything if step is nil.
func (f *follower) deliver(step *replica.Step) {
	state := f.log.State()
	u := source.Update{Version: source.Version{
		Environment: string(f.env),
		Incarnation: state.Head.Incarnation,
		Epoch:       state.Head.Epoch,
		Generation:  state.Generation(),
		Digest:      state.Head.Digest,
		Time:        state.Head.Time,
	}}
	if step != nil && f.delivered {
		u.Records = changed(step)
	} else {
		u.Replace = true
		u.Records = everything(state)
	}
	f.quarantine(u, f.sink.Apply(u))
	f.delivered = true
	f.logger.Info("apply flags", "generation", state.Generation(), "records", len(u.Records), "quarantined", len(f.quarantined))
	f.tell()
	f.saves.save(state, f.confirmed)
}

// quarantine keeps the list of flags that do not compile here. What u mentions
// is off the list unless it is among rejected; settings stand for their set.
func (f *follower) quarantine(u source.Update, rejected []source.Rejection) {
	f.quarantined = slices.DeleteFunc(f.quarantined, func(q source.Rejection) bool {
		return u.Replace || slices.ContainsFunc(u.Records, func(r source.Record) bool {
			return r.Set == q.Set && (r.Settings || r.Key == q.Key)
		})
	})
	f.quarantined = append(f.quarantined, rejected...)
}

// changed is what a step leaves of the records it went through.
func changed(step *replica.Step) []source.Record {
	seen := make(map[string]bool)
	var records []source.Record
	for _, r := range step.Records {
		k, err := wire.ParseKey(r.Key)
		if err != nil || seen[r.Key] {
			continue
		}
		seen[r.Key] = true
		e, _ := step.State.Get(k) // Body is nil if it is gone
		records = append(records, record(k, e.Body))
	}
	return records
}

func everything(state *replica.State) []source.Record {
	var records []source.Record
	for _, k := range state.Keys() {
		e, _ := state.Get(k)
		records = append(records, record(k, e.Body))
	}
	return records
}

func record(k wire.Key, body []byte) source.Record {
	return source.Record{Set: k.Set, Key: k.Flag, Settings: k.Flag == "", Body: body}
}

// tell reports to the fleet. It is sent once and not waited for: the next one
// follows soon.
func (f *follower) tell() {
	f.report.Reset(jitter(reportEvery))
	if !f.delivered && f.refused == nil {
		return
	}
	f.publish(wire.Report{})
}

func (f *follower) goodbye() { f.publish(wire.Report{Goodbye: true}) }

func (f *follower) publish(r wire.Report) {
	head := f.log.State().Head
	r.Instance, r.Service, r.Version = f.cfg.Instance, f.cfg.Service, f.cfg.Version
	r.Incarnation, r.Generation, r.Digest = head.Incarnation, head.Generation, head.Digest
	r.State, r.Time = wire.StateApplied, time.Now().UTC()
	if !f.confirmed.IsZero() {
		r.AgeSeconds = time.Since(f.confirmed).Seconds()
	}
	if f.emergency {
		r.Reason = "only a key for emergencies signed the flags"
	}
	if f.refused != nil {
		r.State, r.Reason = wire.StateRejected, f.refused.Error()
	}
	for _, q := range f.quarantined {
		r.Quarantined = append(r.Quarantined, wire.Flag{Set: q.Set, Key: q.Key, Reason: q.Reason})
	}
	body, err := json.Marshal(r)
	if err != nil {
		f.logger.Error("report to the fleet", "err", err)
		return
	}
	nc := f.client.Conn
	if !nc.IsConnected() {
		return // a report kept until later would tell of another time
	}
	if err := nc.Publish(f.env.Fleet(f.cfg.Instance), body); err != nil {
		f.logger.Warn("report to the fleet", "err", err)
	}
	if r.Goodbye {
		_ = nc.FlushTimeout(time.Second) // whoever misses it notices the silence
	}
}
