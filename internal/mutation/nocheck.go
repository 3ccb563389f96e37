//go:build mutate_nocheck

package mutation

const broken = "nocheck"
