package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/flagline/flagline/admin/api"
	"github.com/flagline/flagline/admin/client"
	"github.com/flagline/flagline/internal/handover"
)

// grace is what a request may take beyond the time that the server waits for
// the fleet.
const grace = 10 * time.Second

// A session speaks to one environment of the server that the settings name.
type session struct {
	*client.Client
	environment string
}

// connect finds the server, the token and the environment. The context that it
// returns ends when the time for the command is up.
func (a *app) connect(ctx context.Context) (context.Context, context.CancelFunc, session, error) {
	c, err := a.client()
	if err != nil {
		return nil, nil, session{}, err
	}
	limit := a.settings.timeout
	if a.settings.wait {
		limit += grace
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	environment, err := a.environment(ctx, c)
	if err != nil {
		cancel()
		return nil, nil, session{}, err
	}
	return ctx, cancel, session{c, environment}, nil
}

func (a *app) client() (*client.Client, error) {
	server := a.settings.server
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	u, err := url.Parse(server)
	switch {
	case err != nil:
		return nil, usage("server: %v", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, usage("server %q is not the URL of a server, such as http://127.0.0.1:8080", server)
	case u.User != nil:
		return nil, usage("a token is not part of a URL; put it into a file and name that with --token-file")
	}
	token, err := a.token(u)
	if err != nil {
		return nil, err
	}
	return client.New(server, token, http.DefaultClient), nil
}

// token reads the token file or, without one, what a server on this machine
// left for us.
func (a *app) token(server *url.URL) (string, error) {
	if a.settings.tokenFile == "" {
		token, _ := handover.Find("token", address(server))
		return string(token), nil
	}
	token, err := os.ReadFile(a.settings.tokenFile)
	if err != nil {
		return "", fileError("token file", err)
	}
	return string(bytes.TrimSpace(token)), nil
}

// address returns host and port of a server.
func address(server *url.URL) string {
	port := server.Port()
	if port == "" {
		port = "80"
		if server.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(server.Hostname(), port)
}

// environment is the one that was asked for, or else the only one.
func (a *app) environment(ctx context.Context, c *client.Client) (string, error) {
	if a.settings.environment != "" {
		return a.settings.environment, nil
	}
	all, err := c.Environments(ctx)
	if err != nil {
		return "", err
	}
	var names []string
	for _, e := range all.Environments {
		names = append(names, e.Environment)
	}
	switch len(names) {
	case 0:
		return "", &api.Error{Code: api.CodeNotFound, Message: "the server has no environment"}
	case 1:
		return names[0], nil
	}
	return "", usage("there are several environments: %s; say which one with -E", strings.Join(names, ", "))
}

// fileError says why a file cannot be read.
func fileError(what string, err error) error {
	code := api.CodeUsage
	if errors.Is(err, fs.ErrNotExist) {
		code = api.CodeNotFound
	}
	return &api.Error{Code: code, Message: fmt.Sprintf("%s: %v", what, err)}
}
