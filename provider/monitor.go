package provider

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
)

// settle is how long events wait after an initialisation has returned. The
// SDK records its outcome only then, and would overwrite what an event that
// overtook it has said.
const settle = 50 * time.Millisecond

var errNotConfirmed = errors.New("the flags have not been confirmed for too long")

// A report is what a mode sees of where its flags come from.
type report struct {
	usable  bool      // there are flags to answer from
	current bool      // they are known to be the newest
	expires time.Time // when current ends, unless reported again; zero if never
	fatal   bool      // they will never come
	err     error     // why they are not current
	changes changes   // since the report before
}

// A teller takes a report, or drops it if the provider is being shut down.
type teller func(report)

// A monitor turns reports into the states and events that OpenFeature wants
// to see. One goroutine, in run, owns all its state.
type monitor struct {
	name   string
	origin string // of the flags, for people
	logger *slog.Logger
	grace  time.Duration
	events chan<- openfeature.Event
	forget func() // called when it comes to ERROR

	reports chan report
	joins   chan chan error // initialisations that begin to wait
	leaves  chan chan error // initialisations that wait no longer
	done    chan struct{}

	state   openfeature.State
	last    report
	missed  changes      // since the provider was READY last
	waiting []chan error // initialisations; each gets one answer
	known   bool         // an initialisation has returned, so that the SDK listens
	queue   queue

	ageTimer, graceTimer, settleTimer *time.Timer
	settling                          bool
}

func newMonitor(s settings, events chan<- openfeature.Event, forget func()) *monitor {
	return &monitor{
		name:        s.name,
		origin:      s.origin(),
		forget:      forget,
		logger:      s.logger,
		grace:       s.grace,
		events:      events,
		reports:     make(chan report),
		joins:       make(chan chan error),
		leaves:      make(chan chan error),
		done:        make(chan struct{}),
		state:       openfeature.NotReadyState,
		ageTimer:    stoppedTimer(),
		graceTimer:  stoppedTimer(),
		settleTimer: stoppedTimer(),
	}
}

func stoppedTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

func (m *monitor) tell(r report) {
	select {
	case m.reports <- r:
	case <-m.done:
	}
}

// run does the monitor's work until ctx is done. It never blocks on anything
// but its own select, so whoever talks to it does not wait either.
func (m *monitor) run(ctx context.Context) {
	defer close(m.done)
	for {
		var outlet chan<- openfeature.Event
		var next openfeature.Event
		if len(m.queue) > 0 && !m.settling {
			outlet, next = m.events, m.queue[0]
			next.ProviderName = m.name
		}
		select {
		case <-ctx.Done():
			return
		case r := <-m.reports:
			if ctx.Err() == nil { // what ends now is not lost
				m.take(r)
			}
		case answer := <-m.joins:
			m.join(answer)
		case answer := <-m.leaves:
			m.leave(answer)
		case <-m.ageTimer.C:
			m.take(m.last)
		case <-m.graceTimer.C:
			m.expire()
		case <-m.settleTimer.C:
			m.settling = false
		case outlet <- next:
			m.queue = m.queue[1:]
		}
	}
}

// take makes r the newest report and draws the conclusions.
func (m *monitor) take(r report) {
	m.ageTimer.Stop()
	if r.current && !r.expires.IsZero() {
		left := time.Until(r.expires)
		if left <= 0 {
			r.current, r.err = false, errNotConfirmed
		} else {
			m.ageTimer.Reset(left)
		}
	}
	news := r.changes
	r.changes = changes{}
	m.last = r

	before := m.state
	if before == openfeature.StaleState || before == openfeature.ErrorState {
		m.missed.add(news)
	}
	switch next := m.conclude(r); {
	case next != before:
		m.enter(next)
		if next == openfeature.ReadyState {
			return // whoever was away hears of news and missed together
		}
	case before == openfeature.NotReadyState:
		return
	}
	if before != openfeature.NotReadyState && !news.none() {
		m.queue.push(event(openfeature.ProviderConfigChange, "flags have changed", news.flags()))
	}
}

// conclude returns the state that r leads to.
func (m *monitor) conclude(r report) openfeature.State {
	switch {
	case m.state == openfeature.FatalState:
		return m.state
	case r.current:
		return openfeature.ReadyState
	case m.state == openfeature.ReadyState:
		return openfeature.StaleState
	case m.state != openfeature.NotReadyState:
		return m.state
	case r.fatal:
		return openfeature.FatalState
	case r.usable && m.known:
		m.graceTimer.Reset(settle) // sources deliver a moment before they confirm
	}
	return m.state
}

// expire draws the conclusion from a state that has lasted too long.
func (m *monitor) expire() {
	switch m.state {
	case openfeature.StaleState:
		m.enter(openfeature.ErrorState)
	case openfeature.NotReadyState:
		m.enter(openfeature.StaleState)
	}
}

// enter changes the state and tells whoever waits or listens.
func (m *monitor) enter(state openfeature.State) {
	before := m.state
	m.state = state
	m.graceTimer.Stop()
	switch state {
	case openfeature.ReadyState:
		m.announce()
		if before != openfeature.NotReadyState {
			m.queue.push(event(openfeature.ProviderConfigChange, "flags may have changed", m.missed.flags()))
		}
		m.missed = changes{}
		m.answerAll(nil)
	case openfeature.StaleState:
		m.graceTimer.Reset(m.grace)
		m.announce()
	case openfeature.ErrorState:
		m.forget()
		m.announce()
	case openfeature.FatalState:
		m.announce()
		m.answerAll(m.fatalError())
	}
	m.log()
}

// announce queues the event of the current state, unless no initialisation
// has returned yet: the SDK draws the first event from that itself.
func (m *monitor) announce() {
	if !m.known {
		return
	}
	switch m.state {
	case openfeature.ReadyState:
		m.queue.push(event(openfeature.ProviderReady, "flags are current", nil))
	case openfeature.StaleState:
		m.queue.push(event(openfeature.ProviderStale, m.reason(), nil))
	case openfeature.ErrorState:
		m.queue.push(failure(openfeature.GeneralCode, m.reason()))
	case openfeature.FatalState:
		m.queue.push(failure(openfeature.ProviderFatalCode, m.reason()))
	}
}

func (m *monitor) reason() string {
	if m.last.err != nil {
		return m.last.err.Error()
	}
	return "nothing has been heard of them yet"
}

func (m *monitor) fatalError() error {
	return &openfeature.ProviderInitError{ErrorCode: openfeature.ProviderFatalCode, Message: m.reason()}
}

func (m *monitor) log() {
	switch m.state {
	case openfeature.ReadyState:
		m.logger.Info("report ready", "origin", m.origin)
	case openfeature.StaleState:
		m.logger.Warn("report stale", "origin", m.origin, "err", m.last.err)
	default:
		m.logger.Error("report error", "origin", m.origin, "err", m.last.err)
	}
}
