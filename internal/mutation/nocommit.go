//go:build mutate_nocommit

package mutation

const broken = "nocommit"
