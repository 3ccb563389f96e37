package httppoll

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// A tokens value gets tokens and keeps the one that is valid. Without a
// configuration it does nothing.
type tokens struct {
	client *http.Client
	cfg    *OAuth

	id, secret string
	read       time.Time // when these were
	current    *oauth2.Token
}

// authorize puts a token onto req.
func (t *tokens) authorize(ctx context.Context, req *http.Request) error {
	if t.cfg == nil {
		return nil
	}
	if err := t.reload(time.Now()); err != nil {
		return err
	}
	if !t.current.Valid() {
		token, err := t.fetch(ctx)
		if err != nil {
			return fmt.Errorf("get a token: %w", err)
		}
		t.current = token
	}
	t.current.SetAuthHeader(req)
	return nil
}

// forget drops a token that a server did not take.
func (t *tokens) forget() { t.current = nil }

// reload reads the credentials if it is time to. A token that was got with
// others is dropped.
func (t *tokens) reload(now time.Time) error {
	id, secret := t.cfg.ClientID, t.cfg.ClientSecret
	if t.cfg.Folder != "" {
		if !t.read.IsZero() && now.Sub(t.read) < t.cfg.ReloadDelay {
			return nil
		}
		var err error
		if id, err = readWord(filepath.Join(t.cfg.Folder, "client-id")); err != nil {
			return err
		}
		if secret, err = readWord(filepath.Join(t.cfg.Folder, "client-secret")); err != nil {
			return err
		}
	}
	if id != t.id || secret != t.secret {
		t.id, t.secret, t.current = id, secret, nil
	}
	t.read = now
	return nil
}

func readWord(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the credentials for a token: %w", err)
	}
	word := strings.TrimSpace(string(data))
	if word == "" {
		return "", fmt.Errorf("read the credentials for a token: %s: the file is empty", path)
	}
	return word, nil
}

// fetch gets a token. Its errors repeat nothing of what the token server says
// but its status, because some servers repeat what they were sent.
func (t *tokens) fetch(ctx context.Context) (*oauth2.Token, error) {
	cfg := clientcredentials.Config{
		ClientID:     t.id,
		ClientSecret: t.secret,
		TokenURL:     t.cfg.TokenURL,
		AuthStyle:    oauth2.AuthStyleInParams,
	}
	token, err := cfg.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return nil, fmt.Errorf("the token server answers %s", statusOf(refused.Response.StatusCode))
	}
	if err != nil {
		return nil, withoutURL(err)
	}
	return token, nil
}
