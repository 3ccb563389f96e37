package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
)

// await waits for the provider to be READY, for the deadline or for ctx, and
// returns what an initialisation returns.
func (m *monitor) await(ctx context.Context, deadline time.Duration) error {
	answer := make(chan error, 1)
	if !m.send(m.joins, answer) {
		return errShutDown
	}
	patience := time.NewTimer(deadline)
	defer patience.Stop()
	select {
	case err := <-answer:
		return err
	case <-m.done:
		return errShutDown
	case <-ctx.Done():
	case <-patience.C:
	}
	if !m.send(m.leaves, answer) {
		return errShutDown
	}
	err := <-answer
	switch _, fatal := errors.AsType[*openfeature.ProviderInitError](err); {
	case err == nil || fatal:
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("wait for flags: %w: %w", ctx.Err(), err)
	}
	return fmt.Errorf("no flags within %v: %w", deadline, err)
}

func (m *monitor) send(to chan<- chan error, answer chan error) bool {
	select {
	case to <- answer:
		return true
	case <-m.done:
		return false
	}
}

// join answers an initialisation that begins, or lets it wait.
func (m *monitor) join(answer chan error) {
	switch m.state {
	case openfeature.ReadyState:
		m.answer(answer, nil)
	case openfeature.FatalState:
		m.answer(answer, m.fatalError())
	default:
		m.waiting = append(m.waiting, answer)
	}
}

// leave answers an initialisation that has waited long enough, unless it has
// been answered meanwhile.
func (m *monitor) leave(answer chan error) {
	i := slices.Index(m.waiting, answer)
	if i < 0 {
		return
	}
	m.waiting = slices.Delete(m.waiting, i, i+1)
	if !m.last.usable {
		m.answer(answer, errors.New(m.reason()))
	} else {
		m.answer(answer, nil)
	}
	if m.state == openfeature.NotReadyState && m.last.usable {
		m.enter(openfeature.StaleState)
	} else {
		m.announce() // the SDK is about to note READY or ERROR: correct it
	}
}

func (m *monitor) answerAll(err error) {
	for _, answer := range m.waiting {
		m.answer(answer, err)
	}
	m.waiting = nil
}

func (m *monitor) answer(answer chan error, err error) {
	answer <- err
	m.known = true
	m.settling = true
	m.settleTimer.Reset(settle)
}
