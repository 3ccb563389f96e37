//go:build mutate_nodigest

package mutation

const broken = "nodigest"
