//go:build !mutate_nodigest && !mutate_nocheck && !mutate_nobeacon && !mutate_noreconnect && !mutate_nocommit && !mutate_lowergeneration && !mutate_gaps

package mutation

const broken = ""
