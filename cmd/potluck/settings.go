package main

import (
	"context"
	"slices"

	"potluck/gateway/api"
)

type settingsCmd struct {
	Key   string  `arg:"" optional:"" help:"Only this setting."`
	Value *string `arg:"" optional:"" help:"What it is to be; \"\": its default."`
}

// Help says more than one line.
func (s *settingsCmd) Help() string {
	return `Settings are kept in config.toml in the data directory; what else stands there stays as it is. Most work at once, the others after the next start: the list says which. What a flag or the environment said at this start counts until the next.`
}

// Run shows settings, or changes one.
func (s *settingsCmd) Run(ctx context.Context, c *cli) error {
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	var view api.SettingsView
	if s.Value != nil {
		view, err = node.SetSettings(ctx, map[string]string{s.Key: *s.Value})
	} else {
		view, err = node.Settings(ctx)
	}
	if err != nil {
		return err
	}
	if s.Key != "" {
		view.Settings = slices.DeleteFunc(view.Settings, func(v api.SettingView) bool { return v.Key != s.Key })
		if len(view.Settings) == 0 {
			return usagef("there is no setting %q; \"potluck settings\" lists all", s.Key)
		}
	}
	if c.JSON {
		return c.emit(view)
	}
	t := newTable("setting", "value", "default", "saved", "")
	for _, v := range view.Settings {
		t.add(v.Key, v.Value, v.Default, v.Saved, settled(v))
	}
	if err := t.write(c.out); err != nil || s.Key == "" {
		return err
	}
	c.printf("%s", view.Settings[0].About)
	return nil
}

// settled says when what is saved counts.
func settled(v api.SettingView) string {
	switch {
	case v.Fixed:
		return "said by a flag or the environment at this start"
	case v.Waiting:
		return "what is saved counts after the next start"
	case !v.AtOnce:
		return "a change counts after the next start"
	}
	return ""
}
