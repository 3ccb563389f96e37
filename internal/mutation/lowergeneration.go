//go:build mutate_lowergeneration

package mutation

const broken = "lowergeneration"
