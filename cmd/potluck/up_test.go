package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"potluck"
)

// Flags go before the environment, that before config.toml, that before the
// defaults of the node.
func TestUpConfig(t *testing.T) {
	for name, test := range map[string]struct {
		file, env, flag string
		want            potluck.Size
	}{
		"default":         {want: 0},
		"file":            {file: "1GiB", want: potluck.GiB},
		"env over file":   {file: "1GiB", env: "2GiB", want: 2 * potluck.GiB},
		"flag over all":   {file: "1GiB", env: "2GiB", flag: "3GiB", want: 3 * potluck.GiB},
		"flag for none":   {file: "1GiB", env: "2GiB", flag: "0", want: -1},
		"nothing at all":  {file: "0", want: -1},
		"flag over file":  {file: "0", flag: "5", want: 5},
		"env for nothing": {env: "0", want: -1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if test.file != "" {
				if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte("name = \"ann\"\noffer = \""+test.file+"\"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var u upCmd
			for _, said := range []string{test.env, test.flag} { // kong gives the flag when there are both
				if said != "" {
					u.Offer = new(size)
					if err := u.Offer.UnmarshalText([]byte(said)); err != nil {
						t.Fatal(err)
					}
				}
			}
			config, err := u.config(&cli{Data: dir})
			if err != nil || config.Offer != test.want || (config.Name == "ann") != (test.file != "") {
				t.Errorf("offer %d, name %q, %v; want %d", config.Offer, config.Name, err, test.want)
			}
		})
	}
}

func TestUpRefusesAWrongConfigFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte("ofer = 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errout := quiet(t, "up", "--data", dir)
	if code != exitUsage {
		t.Errorf("exit code %d, %s", code, errout)
	}
	if _, err := os.Stat(filepath.Join(dir, "node.key")); err == nil {
		t.Error("a node was made")
	}
}

// What can't be is refused before anything is made.
func TestUpRefusesWrongFlags(t *testing.T) {
	for _, test := range []struct{ flag, value, want string }{
		{"--listen", "127.0.0.1:4242", "want one like /ip4/"},
		{"--listen", "/ip4/127.0.0.1/tcp/99999", "from 0 to 65535"},
		{"--name", "a\x1b[2J", "unprintable"},
		{"--name", strings.Repeat("x", 65), "65 characters"},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		code, _, errout := quiet(t, "up", "--data", dir, test.flag, test.value)
		if code != exitUsage || !strings.Contains(errout, test.want) {
			t.Errorf("%s %q: exit code %d, %s", test.flag, test.value, code, errout)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s %q: a data directory was made", test.flag, test.value)
		}
	}
}

func TestLogLevels(t *testing.T) {
	c := &cli{}
	if l := c.logger("warn"); l.Enabled(t.Context(), slog.LevelInfo) || !l.Enabled(t.Context(), slog.LevelWarn) {
		t.Error("warn logs info, or not warn")
	}
	if !c.logger("debug").Enabled(t.Context(), slog.LevelDebug) {
		t.Error("debug doesn't log debug")
	}
}
