package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/flagline/flagline/internal/signing"
)

func (a *app) keyCommand() *cobra.Command {
	return noun("key", "Keys that changes are signed with", a.keyNewCommand())
}

func (a *app) keyNewCommand() *cobra.Command {
	var file string
	var emergency bool
	cmd := &cobra.Command{
		Use:   "new -f FILE",
		Short: "Make a signing key, and print the line for those who shall trust it",
		Long: `Make a signing key, and print the line for those who shall trust it.

The key goes into FILE, which must not exist, for "flagline serve
--signing-key". The line that is printed goes into the file that is given to
"flagline-sidecar start --trusted-keys". A sidecar with that file takes only
changes that one of its keys has signed.

To replace a key, run every control plane with both keys, then add the new line
to every sidecar's file beside the old one, then take the old key away from the
control planes, and last the old line from the sidecars. A key that is made with
--break-glass is for emergencies: keep it apart; sidecars take what it signs,
and log it as an error.`,
		Args: arguments(0, 0, "no arguments; the file is named with -f"),
		RunE: func(*cobra.Command, []string) error {
			if file == "" {
				return usage("name the file for the key with -f")
			}
			secret, trusted, err := signing.NewKey(emergency)
			if err != nil {
				return err
			}
			if err := writeNew(file, secret); err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.out, trusted)
			return err
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "where the key goes, for its owner alone to read")
	cmd.Flags().BoolVar(&emergency, "break-glass", false, "a key for emergencies, whose use is told loudly")
	return cmd
}

// writeNew writes a secret into a file that must not exist: a key that is
// overwritten is lost.
func writeNew(file string, secret []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return usage("%s exists; a key is never overwritten", file)
	}
	if err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	_, err = f.Write(secret)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
