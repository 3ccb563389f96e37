// Package client speaks to the admin API: one method for each operation of
// schemas/openapi.json.
//
// Every error is an [*api.Error]. A server that cannot be reached, or whose
// answer cannot be understood, is one with the code "unavailable".
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/flagline/flagline/admin/api"
)

// A Client calls one server. It may be used by any number of goroutines.
type Client struct {
	server string
	token  string
	http   *http.Client
}

// New returns a client of the server at that URL, such as
// http://127.0.0.1:8080. An empty token sends none.
func New(server, token string, client *http.Client) *Client {
	return &Client{strings.TrimRight(server, "/"), token, client}
}

// Environments lists all environments.
func (c *Client) Environments(ctx context.Context) (api.Environments, error) {
	return get[api.Environments](ctx, c, "/v1/environments", nil)
}

// Flags returns a page of flags: of one set, or, if set is nil, of all of
// them. after is the Next of the page before, or "".
func (c *Client) Flags(ctx context.Context, env string, set *string, after string) (api.Flags, error) {
	q := inSet(set)
	if after != "" {
		q.Set("after", after)
	}
	return get[api.Flags](ctx, c, in(env, "flags"), q)
}

// Flag returns one flag. If set is nil, the server finds the set.
func (c *Client) Flag(ctx context.Context, env string, set *string, key string) (api.Flag, error) {
	return get[api.Flag](ctx, c, in(env, "flags", key), inSet(set))
}

// Change asks for a change. If it asks to wait, ctx must allow for it.
func (c *Client) Change(ctx context.Context, env string, req api.ChangeRequest) (api.Change, error) {
	return post[api.Change](ctx, c, in(env, "changes"), req)
}

// A HistoryQuery selects changes.
type HistoryQuery struct {
	Set    *string // nil lets the server find the set of Key
	Key    string  // "" selects changes to anything
	Before uint64  // only lower generations, unless it is 0
	Limit  int     // the largest number of changes; 0 leaves it to the server
}

// History lists changes, newest first.
func (c *Client) History(ctx context.Context, env string, query HistoryQuery) (api.History, error) {
	q := inSet(query.Set)
	if query.Key != "" {
		q.Set("key", query.Key)
	}
	if query.Before > 0 {
		q.Set("before", strconv.FormatUint(query.Before, 10))
	}
	if query.Limit > 0 {
		q.Set("limit", strconv.Itoa(query.Limit))
	}
	return get[api.History](ctx, c, in(env, "history"), q)
}

// Diff says what applying documents would change.
func (c *Client) Diff(ctx context.Context, env string, req api.DiffRequest) (api.Diff, error) {
	return post[api.Diff](ctx, c, in(env, "diff"), req)
}

// Export returns a flag set as a flagd document, as the server formats it.
func (c *Client) Export(ctx context.Context, env string, set *string) ([]byte, error) {
	return c.do(ctx, http.MethodGet, in(env, "export"), inSet(set), nil)
}

// Evaluate says what a subject would get.
func (c *Client) Evaluate(ctx context.Context, env string, req api.EvaluateRequest) (api.Evaluation, error) {
	return post[api.Evaluation](ctx, c, in(env, "evaluate"), req)
}

// Fleet lists the instances of an environment.
func (c *Client) Fleet(ctx context.Context, env string) (api.Fleet, error) {
	return get[api.Fleet](ctx, c, in(env, "fleet"), nil)
}

func get[T any](ctx context.Context, c *Client, path string, q url.Values) (answer T, err error) {
	text, err := c.do(ctx, http.MethodGet, path, q, nil)
	if err == nil {
		err = decode(text, &answer)
	}
	return answer, err
}

func post[T any](ctx context.Context, c *Client, path string, body any) (answer T, err error) {
	sent, err := api.Marshal(body)
	if err != nil {
		return answer, &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("the request cannot be written as JSON: %v", err)}
	}
	text, err := c.do(ctx, http.MethodPost, path, nil, sent)
	if err == nil {
		err = decode(text, &answer)
	}
	return answer, err
}

func (c *Client) do(ctx context.Context, method, path string, q url.Values, body []byte) ([]byte, error) {
	target := c.server + path
	if len(q) > 0 {
		target += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("server %q: %v", c.server, err)}
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if op, ok := errors.AsType[*net.OpError](err); strings.HasSuffix(path, "/changes") && (!ok || op.Op != "dial") {
			return nil, unavailable("the server has not answered, so it is not known whether the change was made; look for it in the history: %v", err)
		}
		return nil, unavailable("cannot reach the server: %v", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, unavailable("%s broke off its answer: %v", c.server, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refusal(c.server, resp, text)
	}
	return text, nil
}

// refusal reads why the server said no.
func refusal(server string, resp *http.Response, text []byte) error {
	var body api.ErrorBody
	if err := json.Unmarshal(text, &body); err != nil || body.Error == nil {
		return unavailable("%s does not answer like a Flagline server: %s", server, resp.Status)
	}
	return body.Error
}

func decode(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return unavailable("the server's answer cannot be understood: %v", err)
	}
	return nil
}

func unavailable(format string, args ...any) error {
	return &api.Error{Code: api.CodeUnavailable, Message: fmt.Sprintf(format, args...)}
}

func inSet(set *string) url.Values {
	q := url.Values{}
	if set != nil {
		q.Set("set", *set)
	}
	return q
}

// in returns the path of something in an environment.
func in(env string, parts ...string) string {
	segments := []string{"/v1/environments", segment(env)}
	for _, part := range parts {
		segments = append(segments, segment(part))
	}
	return strings.Join(segments, "/")
}

// segment escapes a name so that it stays one segment of a path, whatever it
// is: clients and servers take "." and ".." for steps.
func segment(name string) string {
	if name == "." || name == ".." {
		return strings.ReplaceAll(name, ".", "%2E")
	}
	return url.PathEscape(name)
}
