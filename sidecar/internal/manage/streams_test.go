package manage_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/manage"
)

func TestSyncStreamsAreCountedWhileTheyAreOpen(t *testing.T) {
	s := watch(store.New())
	first := s.SyncStream("shop", "flagSetId=a")
	second := s.SyncStream("shop", "flagSetId=a")
	third := s.SyncStream("", "")
	expect(t, s,
		`feature_flag_flagd_sync_active_streams{provider_id="shop",selector="flagSetId=a"} 2`,
		`feature_flag_flagd_sync_active_streams{provider_id="",selector=""} 1`,
	)
	first(manage.NormalClose)
	first(manage.NormalClose) // hanging up twice is hanging up once
	second(manage.ClientDisconnect)
	third("made up")
	expect(t, s,
		`feature_flag_flagd_sync_active_streams{provider_id="shop",selector="flagSetId=a"} 0`,
		`feature_flag_flagd_sync_active_streams{provider_id="",selector=""} 0`,
		`feature_flag_flagd_sync_stream_duration_seconds_count{reason="normal_close"} 1`,
		`feature_flag_flagd_sync_stream_duration_seconds_count{reason="client_disconnect"} 1`,
		`feature_flag_flagd_sync_stream_duration_seconds_count{reason="error"} 1`,
		`feature_flag_flagd_sync_stream_duration_seconds_bucket{reason="normal_close",le="10800"} 1`,
	)
}

func TestNamesThatCallersMakeUpHaveAnEnd(t *testing.T) {
	s := watch(store.New())
	s.SyncStream("shop", strings.Repeat("x", 129))
	for i := range 1000 {
		s.SyncStream(fmt.Sprint("provider-", i), "")(manage.ClientDisconnect)
	}
	held := s.SyncStream("one-too-many", "")
	s.SyncStream("provider-7", strings.Repeat("x", 10_000))
	s.SyncStream("provider-7\xff", "")
	scrape := expect(t, s,
		`feature_flag_flagd_sync_active_streams{provider_id="shop",selector="other"} 1`,
		`feature_flag_flagd_sync_active_streams{provider_id="other",selector="other"} 3`,
	)
	if n := strings.Count(scrape, "\nfeature_flag_flagd_sync_active_streams{"); n != 201 {
		t.Errorf("there are %d names, want 200 and the others", n)
	}
	held(manage.NormalClose)
	expect(t, s, `feature_flag_flagd_sync_active_streams{provider_id="other",selector="other"} 2`)
}

func TestEventStreamsAreCountedWhileTheyAreOpen(t *testing.T) {
	s := watch(store.New())
	closed := s.EventStream("evaluation")
	s.EventStream("ofrep")
	expect(t, s,
		`flagline_event_streams{service_name="evaluation"} 1`,
		`flagline_event_streams{service_name="ofrep"} 1`,
	)
	closed()
	expect(t, s, `flagline_event_streams{service_name="evaluation"} 0`)
}
