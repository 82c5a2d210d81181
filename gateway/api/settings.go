package api

import (
	"context"
	"net/http"

	"potluck/node"
)

type (
	SettingsView = node.SettingsView
	SettingView  = node.SettingView
)

// settings tells what the node was told to do.
func (s *server) settings(r *http.Request) (any, error) { return s.node.Settings(r.Context()) }

// setSettings changes keys of config.toml: the body has them with their values as
// texts; an empty one takes the key out.
func (s *server) setSettings(r *http.Request) (any, error) {
	change := map[string]string{}
	if err := read(r, &change); err != nil {
		return nil, err
	}
	return s.node.SetSettings(r.Context(), change)
}

// Settings tells what the node was told to do, and what it does by itself.
func (c *Client) Settings(ctx context.Context) (SettingsView, error) {
	return call[SettingsView](ctx, c, "GET", "/v1/settings", nil)
}

// SetSettings changes settings; "" for a value takes the key out of config.toml,
// so that its default counts. All are changed, or none.
func (c *Client) SetSettings(ctx context.Context, change map[string]string) (SettingsView, error) {
	return call[SettingsView](ctx, c, "PUT", "/v1/settings", change)
}
