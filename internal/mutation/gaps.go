//go:build mutate_gaps

package mutation

const broken = "gaps"
