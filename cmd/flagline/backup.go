package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/api"
	"github.com/flagline/flagline/admin/journal"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// owning are the settings of commands that speak to NATS as the control plane
// does.
type owning struct{ natsURL, credentials string }

func (o *owning) register(f *pflag.FlagSet) {
	f.StringVar(&o.natsURL, "nats-url", "nats://127.0.0.1:4222", "the NATS servers, separated by commas")
	f.StringVar(&o.credentials, "nats-creds", "", "file with the credential that owns the environments (default: what a local server left)")
}

func (a *app) backupCommand() *cobra.Command {
	var o owning
	var file string
	var journals []string
	cmd := &cobra.Command{
		Use:   "backup -E ENV -f FILE",
		Short: "Write everything an environment holds, and its history, into one file",
		Long: `Write everything an environment holds, and its history, into one file.

It is read from NATS, with the credential of the control plane, or with
--journal from what control planes keep beside it, so that it works when NATS
is lost. Each generation is held against its digest.`,
		Args: arguments(0, 0, "no arguments; the file is named with -f"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			env, err := a.mustNameEnvironment()
			if err != nil {
				return err
			}
			if file == "" {
				return usage("say where to: -f FILE")
			}
			var history iter.Seq2[*replica.Step, error]
			if len(journals) > 0 {
				best, err := a.choose(env, nil, journals)
				if err != nil {
					return err
				}
				history = best.History()
			} else {
				nc, err := a.owner(cmd.Context(), o)
				if err != nil {
					return err
				}
				defer nc.Close()
				history = journal.Whole(cmd.Context(), natslog.Owner(nc, env))
			}
			sum, err := writeBackup(file, env, history)
			if err != nil {
				return durability(err)
			}
			return a.show(sum, func(p *page) {
				p.linef("%s holds %s up to generation %d: %s, %s", file, sum.Environment, sum.Generation,
					count(sum.Flags, "flag"), count(int(sum.Records), "record"))
			})
		},
	}
	o.register(cmd.Flags())
	cmd.Flags().StringVarP(&file, "file", "f", "", "the file to write; one that exists is replaced")
	cmd.Flags().StringArrayVar(&journals, "journal", nil, "the journal directory of a control plane, to read instead of NATS; may be repeated")
	return cmd
}

func (a *app) restoreCommand() *cobra.Command {
	var o owning
	var files, journals, keys []string
	cfg := ledger.RestoreConfig{}
	cmd := &cobra.Command{
		Use:   "restore -E ENV [-f FILE] [--journal DIR]",
		Short: "Make an environment again from backups and journals, with its history",
		Long: `Make an environment again from backups and journals, with its history.

Of all that is named, the source that goes furthest counts. Sources that
contradict each other restore nothing. Every change keeps its generation,
author, reason and time, and one more tells of the restoration. Readers go on
answering with what they have, and follow once everything is there.

An environment that holds anything is left alone unless --replace is given.
With --dry-run it only says what would be restored.`,
		Example: `  flagline restore -E prod --journal flagline-data/journal
  flagline restore -E prod -f prod.backup --replace -m "undo the import"`,
		Args: arguments(0, 0, "no arguments; sources are named with -f and --journal"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			env, err := a.mustNameEnvironment()
			if err != nil {
				return err
			}
			best, err := a.choose(env, files, journals)
			if err != nil {
				return err
			}
			if a.settings.dryRun {
				return a.show(preview(best), func(p *page) {
					p.linef("would restore %s up to generation %d from %s", env, best.Generation(), best.Path)
				})
			}
			nc, err := a.owner(cmd.Context(), o)
			if err != nil {
				return err
			}
			defer nc.Close()
			cfg.Environment, cfg.Epoch, cfg.SigningKeys = string(env), best.Epoch, keys
			cfg.Author, cfg.Reason = a.settings.author, a.settings.reason
			if cfg.Reason == "" {
				cfg.Reason = fmt.Sprintf("restored from generation %d of incarnation %s", best.Generation(), best.Incarnation)
			}
			cfg.Logger = a.logger(false)
			made, err := ledger.Restore(cmd.Context(), nc, cfg, best.History())
			if err != nil {
				return durability(err)
			}
			return a.show(made, func(p *page) {
				p.linef("restored %s from %s", env, best.Path)
				p.linef("  %s and %s, now at generation %d", count(made.Flags, "flag"), count(made.Changes, "change"), made.Generation)
			})
		},
	}
	f := cmd.Flags()
	o.register(f)
	f.StringArrayVarP(&files, "file", "f", nil, "a backup; may be repeated")
	f.StringArrayVar(&journals, "journal", nil, "the journal directory of a control plane; may be repeated")
	f.BoolVar(&cfg.Replace, "replace", false, "delete what the environment holds now")
	f.BoolVar(&cfg.StateOnly, "state-only", false, "restore the newest state alone, and drop who changed what")
	f.IntVar(&cfg.Replicas, "replicas", 1, "how many servers of a NATS cluster store the environment")
	f.StringArrayVar(&keys, "signing-key", nil, "file with a key to sign everything with; may be repeated")
	return cmd
}

// mustNameEnvironment is the environment that -E names: what takes no server to
// ask cannot find the only one there is.
func (a *app) mustNameEnvironment() (wire.Environment, error) {
	if a.settings.environment == "" {
		return "", usage("say which environment: -E NAME")
	}
	env, err := wire.ParseEnvironment(a.settings.environment)
	if err != nil {
		return "", usage("%v", err)
	}
	return env, nil
}

// choose finds the best of backups and journals, and warns of damage.
func (a *app) choose(env wire.Environment, files, journals []string) (journal.Choice, error) {
	if len(files)+len(journals) == 0 {
		return journal.Choice{}, usage("say what from: -f FILE for a backup, --journal DIR for what a control plane kept")
	}
	var sources []*journal.Source
	for _, file := range files {
		src, err := journal.OpenBackup(file)
		if err != nil {
			return journal.Choice{}, durability(err)
		}
		if src.Environment != env {
			return journal.Choice{}, usage("%s is a backup of environment %q, not of %q", file, src.Environment, env)
		}
		sources = append(sources, src)
	}
	for _, dir := range journals {
		found, err := journal.OpenDirectory(dir, env)
		if err != nil {
			return journal.Choice{}, durability(err)
		}
		if len(found) == 0 {
			return journal.Choice{}, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf(
				"%s has no journal of environment %q; there are: %s", dir, env, orNone(journal.Environments(dir)))}
		}
		sources = append(sources, found...)
	}
	best, err := journal.Choose(sources)
	if err != nil {
		return journal.Choice{}, durability(err)
	}
	for _, damage := range best.Damage {
		a.logger(false).Warn("leave out the damaged end of a journal", "err", damage)
	}
	return best, nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// A restorePreview says what a restore would restore.
type restorePreview struct {
	Environment string    `json:"environment"`
	Source      string    `json:"source"`
	Incarnation string    `json:"incarnation"`
	Generation  uint64    `json:"generation"`
	Flags       int       `json:"flags"`
	Digest      string    `json:"digest"`
	Time        time.Time `json:"time"`
	DryRun      bool      `json:"dryRun"`
}

func preview(c journal.Choice) restorePreview {
	return restorePreview{
		string(c.Environment), c.Path, c.Incarnation, c.Generation(), c.Head.Flags, c.Head.Digest, c.Head.Time, true,
	}
}

// owner connects to NATS as the control plane does.
func (a *app) owner(ctx context.Context, o owning) (*nats.Conn, error) {
	if err := natslog.CheckServers(o.natsURL); err != nil {
		return nil, usage("%v", err)
	}
	ctx, cancel := context.WithTimeout(ctx, a.settings.timeout)
	defer cancel()
	c := &controlPlane{natsURL: o.natsURL, credentials: o.credentials, dataDir: defaultDataDir, logger: a.logger(false)}
	nc, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	for nc != nil && !nc.IsConnected() {
		if !pause(ctx, 50*time.Millisecond) {
			nc.Close()
			nc = nil
		}
	}
	if nc == nil {
		return nil, &api.Error{Code: api.CodeUnavailable, Message: fmt.Sprintf(
			"no NATS server at %s lets the owner of the environments in; see --nats-url and --nats-creds", o.natsURL)}
	}
	return nc, nil
}

// writeBackup writes a backup that replaces file only if it is whole.
func writeBackup(file string, env wire.Environment, history iter.Seq2[*replica.Step, error]) (sum journal.Summary, err error) {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*") // 0600
	if err != nil {
		return sum, err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	sum, err = journal.Backup(io.Writer(f), env, history)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return sum, err
	}
	return sum, os.Rename(f.Name(), file)
}

// durability gives an error of journals and restorations its exit code.
func durability(err error) error {
	code := api.CodeInternal
	var damaged *journal.DamageError
	var conflict *journal.ConflictError
	var exists *admin.ExistsError
	var wrong *admin.UsageError
	message := err.Error()
	switch {
	case errors.As(err, &damaged):
		code = api.CodeInvalid
	case errors.As(err, &conflict):
		code = api.CodeConflict
	case errors.As(err, &exists):
		code, message = api.CodeConflict, exists.Error()+" with --replace"
	case errors.As(err, &wrong):
		code = api.CodeUsage
	case errors.Is(err, natslog.ErrNoAnswer):
		code = api.CodeUnavailable
	case errors.Is(err, natslog.ErrEmpty), errors.Is(err, fs.ErrNotExist):
		code = api.CodeNotFound
	}
	return &api.Error{Code: code, Message: message}
}
