//go:build mutate_nobeacon

package mutation

const broken = "nobeacon"
