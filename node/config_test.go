package node

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"potluck"
)

func size(s potluck.Size) *potluck.Size { return &s }

func TestConfigFile(t *testing.T) {
	seven := 7
	for text, want := range map[string]File{
		"":                                     {},
		"name = \"alice\"\noffer = \"1.5GiB\"": {Name: "alice", Offer: size(3 * potluck.GiB / 2)},
		"offer = 0\nfloor = 4096":              {Offer: size(0), Floor: size(4096)},
		"listen = [\"/ip4/0.0.0.0/tcp/1\"]":    {Listen: []string{"/ip4/0.0.0.0/tcp/1"}},
		"audits = 0\naudit_bytes = \"1MiB\"\nproof_days = 7": {Audits: new(int), AuditBytes: size(potluck.MiB), ProofDays: &seven},
		"repair_budget = \"5GiB\"\nrepair_after = \"36h\"":   {RepairBudget: size(5 * potluck.GiB), RepairAfter: 36 * time.Hour},
		"repair_after = \"2d\"\nlease = \"4w\"":              {RepairAfter: 48 * time.Hour, Lease: 4 * 7 * 24 * time.Hour},
		"repair_budget = 0":                                  {RepairBudget: size(0)},
		"coming = \"10m\"\nlease = \"48h\"":                  {Coming: 10 * time.Minute, Lease: 48 * time.Hour},
	} {
		got, err := parseFile(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestConfigFileMistakes(t *testing.T) {
	for text, parts := range map[string][]string{
		"name = \"a\"\n\noffr = 5":   {"line 3", "offr", "offer"},
		"[p2p]\nport = 4":            {"line", "p2p"},
		"name = 5":                   {"line 1"},
		"\noffer = \"many\"":         {"line 2", "many"},
		"offer = -1":                 {"line 1", "-1"},
		"offer = 1.5":                {"line 1"},
		"audits = -1":                {"audits", "-1"},
		"proof_days = 366":           {"proof_days", "366"},
		"repair_budget = -1":         {"line 1", "-1"},
		"repair_after = \"0s\"":      {"line 1", "0s"},
		"coming = \"0s\"":            {"line 1", "above 0"},
		"coming = 5":                 {"line 1", "90m"},
		"lease = \"9000w\"":          {"line 1", "9000w"},
		"name = \"a\"\nname = \"b\"": {"line 2"},
		"name = \"unclosed":          {"line 1"},
	} {
		_, err := parseFile(text)
		if err == nil {
			t.Errorf("%q was taken", text)
			continue
		}
		for _, part := range parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %q doesn't name %q", text, err, part)
			}
		}
	}
}

func FuzzConfigFile(f *testing.F) {
	f.Add("name = \"alice\"\noffer = \"1GiB\"\nlisten = []\ncoming = \"1h\"")
	f.Add("[a]\nb = 1")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseFile(text)
		if err == nil && (c.Offer != nil && *c.Offer < 0 || c.Coming < 0 || c.Lease < 0) {
			t.Fatalf("%q gave %+v", text, c)
		}
	})
}

func TestReadFileIsStrict(t *testing.T) {
	dir := t.TempDir()
	if c, err := ReadFile(dir); err != nil || !reflect.DeepEqual(c, File{}) {
		t.Fatalf("no file: %+v, %v", c, err)
	}
	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, []byte("nome = 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Fatalf("got %v, want an error with the path", err)
	}
	if err := os.WriteFile(path, make([]byte, maxConfig+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(dir); err == nil || !strings.Contains(err.Error(), "longer") {
		t.Fatalf("got %v, want an error with the length", err)
	}
}

func TestDefaults(t *testing.T) {
	c, err := Config{Data: "x"}.withDefaults()
	if err != nil || !filepath.IsAbs(c.Data) || c.Name == "" || c.Offer != DefaultOffer || c.Coming != time.Hour || c.Lease != 31*24*time.Hour {
		t.Fatalf("%+v, %v", c, err)
	}
	for _, wrong := range []Config{{}, {Data: "x", Name: "a\x1b[2J"}, {Data: "x", Offer: potluck.MaxSize + 1}, {Data: "x", Lease: time.Hour * 1e5}} {
		if _, err := wrong.withDefaults(); err == nil {
			t.Errorf("%+v was taken", wrong)
		}
	}
	if c, err := (Config{Data: "x", Offer: -1}).withDefaults(); err != nil || c.Offer != 0 {
		t.Errorf("nothing offered: %d, %v", c.Offer, err)
	}
}

func TestDataDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "data")
	d, err := openDir(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{".": 0o700, "node.key": 0o600, "version": 0o600, "lock": 0o600, "tmp": 0o700} {
		st, err := os.Stat(d.join(name))
		if err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want mode %o", name, st.Mode(), err, want)
		}
	}
	if _, err := openDir(path, nil); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second one: %v, want ErrInUse", err)
	}
	key, secret, err := readKey(d.join("node.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.join("tmp"), "spool-1"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	if d, err = openDir(path, nil); err != nil {
		t.Fatal(err)
	}
	defer d.close()
	again, same, err := readKey(d.join("node.key"))
	if err != nil || !again.Equals(key) || same != secret {
		t.Errorf("another key or secret at the second start: %v", err)
	}
	if left, err := os.ReadDir(d.join("tmp")); err != nil || len(left) != 0 {
		t.Errorf("tmp holds %v, %v", left, err)
	}
}

func TestDataDirectoryRefusals(t *testing.T) {
	spoil := map[string]struct {
		do   func(t *testing.T, dir string) error
		want string
	}{
		"open key": {func(_ *testing.T, dir string) error { return os.Chmod(filepath.Join(dir, "node.key"), 0o640) }, "chmod 600"},
		"no key":   {func(_ *testing.T, dir string) error { return os.Remove(filepath.Join(dir, "node.key")) }, "is gone"},
		"cut key": {func(_ *testing.T, dir string) error {
			return os.WriteFile(filepath.Join(dir, "node.key"), []byte(keyWord+"00"), 0o600)
		}, "no node key"},
		"linked key": {func(_ *testing.T, dir string) error {
			path := filepath.Join(dir, "node.key")
			return errors.Join(os.Rename(path, path+"2"), os.Symlink(path+"2", path))
		}, "mode"},
		"open directory": {func(_ *testing.T, dir string) error { return os.Chmod(dir, 0o755) }, "chmod 700"},
		"newer": {func(_ *testing.T, dir string) error {
			return os.WriteFile(filepath.Join(dir, "version"), []byte("potluck data 2\n"), 0o600)
		}, "newer version"},
	}
	for name, s := range spoil {
		t.Run(name, func(t *testing.T) {
			c := config(t, "node")
			n, err := New(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			if err := s.do(t, c.Data); err != nil {
				t.Fatal(err)
			}
			n, err = New(t.Context(), c)
			if err == nil {
				n.Close()
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), s.want) {
				t.Fatalf("got %q, want it to say %q", err, s.want)
			}
		})
	}
}

func TestOpenEmptyDirectoryIsTightened(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := openDir(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Fatalf("mode %v, %v", st.Mode(), err)
	}
}

func TestPortIsRememberedAndTaken(t *testing.T) {
	c := config(t, "first")
	c.Listen = nil
	first, _ := start(t, c)
	port, err := first.port()
	if err != nil || port < firstPort {
		t.Fatalf("port %d, %v", port, err)
	}
	d := config(t, "second")
	d.Listen = nil
	second, stop := start(t, d)
	if other, err := second.port(); err != nil || other == port {
		t.Fatalf("the second node has port %d too, %v", other, err)
	}
	stop()
	if err := os.WriteFile(filepath.Join(d.Data, "port"), []byte("4242x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := New(t.Context(), d); err == nil {
		n.Close()
		t.Fatal("a wrong port was taken")
	}
	d.Listen = first.host.Addrs()[:1]
	d.Listen[0], _, _ = strings.Cut(d.Listen[0], "/p2p/")
	n, err := New(t.Context(), d)
	if err == nil {
		n.Close()
		t.Fatal("a port was listened on twice")
	}
	if !strings.Contains(err.Error(), "in use") {
		t.Fatalf("got %q, want it to say that the port is in use", err)
	}
}

func TestKeyIsStable(t *testing.T) {
	seed := make([]byte, 32)
	key, secret, err := keysOf(seed)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := keysOf(append(make([]byte, 31), 1))
	if err != nil || other == secret {
		t.Fatalf("two keys have one secret, %v", err)
	}
	if raw, err := key.Raw(); err != nil || len(raw) != 64 {
		t.Fatalf("%d bytes of key, %v", len(raw), err)
	}
	// These bytes are part of every convergent cap: they must never change.
	const want = "14a044f34c80c21a5f6368ecc4fb276a8232c33ed578236b3178d483c65fb2a9"
	if got := hex.EncodeToString(secret[:]); got != want {
		t.Fatalf("the secret of the zero seed is %s, want %s", got, want)
	}
}
