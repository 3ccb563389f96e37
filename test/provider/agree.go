package main

import (
	"context"
	"fmt"
)

// agree returns an error if two ways answer a case differently. Handles and
// engines do not tell the variant; constants answer who matches alone.
func (k kase) agree(ctx context.Context, all map[string]*way) error {
	hand := all[goByHand]
	for i, s := range crowdOf(k.attributes) {
		want, err := hand.decide(ctx, k.flag, s)
		if err != nil {
			return err
		}
		for _, name := range k.ways {
			w := all[name]
			if w.constant && i > 0 {
				continue
			}
			for range 2 { // the second may be answered from memory
				got, err := w.decide(ctx, k.flag, s)
				if err != nil {
					return fmt.Errorf("%s, flag %q for %v: %w", name, k.flag.Key, s.attributes, err)
				}
				variant, _ := variantOf(k.flag, got.Value)
				if got.Value != want.Value || got.Variant != "" && got.Variant != variant {
					return fmt.Errorf("flag %q for %v: %s answers %v, %q; by hand it is %v",
						k.flag.Key, s.attributes, name, got.Value, got.Variant, want.Value)
				}
			}
		}
	}
	return nil
}
