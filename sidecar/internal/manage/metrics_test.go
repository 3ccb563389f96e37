package manage_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
	"github.com/flagline/flagline/sidecar/internal/manage"
	"github.com/flagline/flagline/sidecar/internal/tally"
	"github.com/flagline/flagline/source"
)

// expect scrapes s until it has to fail: every line must be there.
func expect(t *testing.T, s *manage.Service, lines ...string) (scrape string) {
	t.Helper()
	code, scrape := get(t, serve(t, s)+"/metrics")
	if code != http.StatusOK {
		t.Fatalf("the scrape answers %d: %s", code, scrape)
	}
	for _, line := range lines {
		if !strings.Contains(scrape, "\n"+line) {
			t.Errorf("the scrape lacks %s\n%s", line, about(scrape, line))
		}
	}
	return scrape
}

// about returns the lines of scrape with the same name as line.
func about(scrape, line string) string {
	name, _, _ := strings.Cut(line, "{")
	var found []string
	for have := range strings.Lines(scrape) {
		if strings.HasPrefix(have, name) && !strings.Contains(have, "_bucket") {
			found = append(found, have)
		}
	}
	return strings.Join(found, "")
}

func TestMetricsShowTheStateOfTheSidecar(t *testing.T) {
	st, sink := flagtest.Store(t, `{"flags":{"bad":{"variants":{"x":1},"defaultVariant":"y"}}}`)
	sink.Report(source.Status{Connected: true, Confirmed: time.Now()})
	s := manage.New(st, tally.New(), manage.Identity{Instance: "shop-1", Version: "v1.2.3"}, time.Minute)
	expect(t, s,
		"flagline_generation 1\n",
		"flagline_rejected_flags 1\n",
		"flagline_source_connected{source=\"flags.json\"} 1\n",
		"flagline_age_seconds ",
		"go_goroutines ",
		"go_build_info{",
		"process_resident_memory_bytes ",
		`target_info{service_instance_id="shop-1",service_name="flagline-sidecar",service_version="v1.2.3"} 1`,
		`flagline_build_info{goversion="go`,
	)
}

func TestAnswersAreCountedByFlagdsNames(t *testing.T) {
	counts := tally.New()
	s := manage.New(store.New(), counts, manage.Identity{}, time.Minute)
	on := counts.Counter("new-checkout", "on", evaluator.ReasonStatic)
	on.Single()
	on.Bulk()
	counts.Counter("new-checkout", "off", evaluator.ReasonStatic).Single()
	counts.Counter("off", "", evaluator.ReasonDisabled).Single()
	counts.Failure("broken", evaluator.CodeParseError).Single()
	counts.Failure("broken-too", evaluator.CodeParseError).Bulk()
	counts.Failure("", evaluator.CodeFlagNotFound).Single()
	counts.Failure("", evaluator.CodeFlagNotFound).Single()
	counts.Counter("unasked", "on", evaluator.ReasonStatic)

	const provider = `feature_flag_provider_name="flagd"`
	scrape := expect(t, s,
		`feature_flag_flagd_impression_total{feature_flag_key="new-checkout",`+provider+
			`,feature_flag_reason="STATIC",feature_flag_result_variant="on"} 2`,
		`feature_flag_flagd_impression_total{feature_flag_key="new-checkout",`+provider+
			`,feature_flag_reason="STATIC",feature_flag_result_variant="off"} 1`,
		`feature_flag_flagd_impression_total{feature_flag_key="off",`+provider+
			`,feature_flag_reason="DISABLED",feature_flag_result_variant=""} 1`,
		`feature_flag_flagd_result_reason_total{feature_flag_key="new-checkout",`+provider+
			`,feature_flag_reason="STATIC"} 3`,
		`feature_flag_flagd_result_reason_total{ExceptionTypeKeyName="PARSE_ERROR",`+provider+
			`,feature_flag_reason="ERROR"} 2`,
		`feature_flag_flagd_result_reason_total{ExceptionTypeKeyName="FLAG_NOT_FOUND",`+provider+
			`,feature_flag_reason="ERROR"} 2`,
		`flagline_flag_errors_total{feature_flag_key="broken"} 1`,
	)
	if strings.Contains(scrape, "unasked") || strings.Contains(scrape, `impression_total{feature_flag_key="broken"`) {
		t.Error("the scrape shows answers that were not given")
	}
}

func TestKeysThatLookAlikeDoNotSpoilTheScrape(t *testing.T) {
	counts := tally.New()
	counts.Counter("a\xff", "on", evaluator.ReasonStatic).Single()
	counts.Counter("a\xfe", "on", evaluator.ReasonStatic).Single()
	expect(t, manage.New(store.New(), counts, manage.Identity{Instance: "\xff"}, time.Minute),
		`feature_flag_flagd_impression_total{feature_flag_key="a`+"\uFFFD"+
			`",feature_flag_provider_name="flagd",feature_flag_reason="STATIC",feature_flag_result_variant="on"} 2`)
}

func BenchmarkScrape(b *testing.B) {
	counts := tally.New()
	for i := range 10_000 {
		counts.Counter(fmt.Sprint("flag-", i), "on", evaluator.ReasonStatic).Single()
	}
	s := manage.New(store.New(), counts, manage.Identity{}, time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Gatherer().Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
