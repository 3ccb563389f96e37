//go:build mutate_noreconnect

package mutation

const broken = "noreconnect"
