package manage

import (
	"cmp"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/sidecar/internal/tally"
)

// flagd's names. It counts answers twice: those that are no errors by flag,
// variant and reason, and all by reason, where errors have a code in place of
// the flag. The odd name of that label is flagd's own.
var (
	flagdLabels = prometheus.Labels{"feature_flag_provider_name": "flagd"}

	impressionDesc = prometheus.NewDesc("feature_flag_flagd_impression_total",
		"Answers by flag, variant and reason.",
		[]string{"feature_flag_key", "feature_flag_result_variant", "feature_flag_reason"}, flagdLabels)
	reasonDesc = prometheus.NewDesc("feature_flag_flagd_result_reason_total",
		reasonHelp, []string{"feature_flag_key", "feature_flag_reason"}, flagdLabels)
	failureDesc = prometheus.NewDesc("feature_flag_flagd_result_reason_total",
		reasonHelp, []string{"ExceptionTypeKeyName", "feature_flag_reason"}, flagdLabels)
	flagErrorDesc = prometheus.NewDesc("flagline_flag_errors_total",
		"Questions about a flag that exists that ended in an error, by flag.", []string{"feature_flag_key"}, nil)
)

const reasonHelp = "Answers by reason, and errors by code."

// An answerCollector reads the tally whenever it is scraped.
type answerCollector struct{ counts *tally.Tally }

// Describe says nothing: see [unchecked].
func (c *answerCollector) Describe(chan<- *prometheus.Desc) {}

// A series is what a scrape knows one figure by.
type series struct {
	desc   *prometheus.Desc
	labels [3]string // as many as desc has, from the first
	count  int
}

func seriesOf(desc *prometheus.Desc, labels ...string) series {
	s := series{desc: desc, count: len(labels)}
	copy(s.labels[:], labels)
	return s
}

func (c *answerCollector) Collect(ch chan<- prometheus.Metric) {
	// Figures are added up by what the labels will say, because several keys
	// may look the same once they are valid, and one series sent twice would
	// cost the whole scrape.
	sums := map[series]uint64{}
	for answer, figures := range c.counts.All() {
		count := figures.Single + figures.Bulk
		key, reason := valid(answer.Flag), valid(string(answer.Reason))
		if answer.Reason == evaluator.ReasonError {
			code := cmp.Or(answer.Code, evaluator.CodeGeneral)
			sums[seriesOf(failureDesc, string(code), reason)] += count
			if key != "" {
				sums[seriesOf(flagErrorDesc, key)] += count
			}
			continue
		}
		sums[seriesOf(impressionDesc, key, valid(answer.Variant), reason)] += count
		sums[seriesOf(reasonDesc, key, reason)] += count
	}
	for s, sum := range sums {
		// What was never given would only make the scrape longer.
		if sum > 0 {
			ch <- prometheus.MustNewConstMetric(s.desc, prometheus.CounterValue, float64(sum), s.labels[:s.count]...)
		}
	}
}
