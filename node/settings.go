package node

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"potluck"
	"potluck/ledger"
)

// wish is what this node is to do as it was told last.
type wish struct {
	Config
	floor potluck.Size // bytes of the disk that stay free
}

// wish gives what holds now. It never changes: what is told later is another one.
func (n *Node) wish() *wish { return n.wishes.Load() }

// SettingView is one key of config.toml. Values are texts as the file has them,
// without quotes.
type SettingView struct {
	Key     string      `json:"key"`
	Kind    SettingKind `json:"kind"`
	Value   string      `json:"value"`             // what the node does now
	Saved   string      `json:"saved"`             // what config.toml says; "" when it says nothing
	Default string      `json:"default"`           // what counts then
	Choices []string    `json:"choices,omitempty"` // of the kind "choice": all values that there are
	AtOnce  bool        `json:"at_once"`           // a change works at once, else after the next start
	Waiting bool        `json:"waiting"`           // another value is saved than works now: it begins with the next start
	Fixed   bool        `json:"fixed"`             // this start said another one by a flag or the environment, over which nothing saved counts
	About   string      `json:"about"`             // what it does, in a sentence
}

// SettingsView is all that can be set, in the order in which people look for it.
type SettingsView struct {
	AsOf     int64         `json:"as_of"`
	Path     string        `json:"path"` // of config.toml
	Settings []SettingView `json:"settings"`
}

// Settings tells what this node was told to do, and what it does by itself.
// Errors: what reading config.toml gives.
func (n *Node) Settings(ctx context.Context) (SettingsView, error) {
	n.settling.Lock()
	defer n.settling.Unlock()
	file, err := ReadFile(n.dir.path)
	if err != nil {
		return SettingsView{}, usagef("%v; mend it by hand", err)
	}
	return n.settings(file)
}

func (n *Node) settings(file File) (SettingsView, error) {
	v := SettingsView{AsOf: n.config.Clock().Unix(), Path: n.dir.join(configName), Settings: []SettingView{}}
	next, err := file.Config(n.dir.path).withDefaults()
	if err != nil {
		return v, err
	}
	plain, err := Config{Data: n.dir.path}.withDefaults()
	if err != nil {
		return v, err
	}
	for _, c := range []*Config{&next, &plain} {
		if c.Floor, err = n.freeFloor(*c); err != nil {
			return v, err
		}
	}
	now := n.wish().Config
	now.Floor = n.wish().floor
	raw := file.said()
	for _, s := range settings {
		one := SettingView{Key: s.key, Kind: s.kind, Value: s.show(now), Default: s.show(plain), Choices: s.choices, AtOnce: s.atOnce,
			About: s.about}
		if raw[s.key] {
			one.Saved = s.show(next)
		}
		one.Waiting = s.show(next) != one.Value
		one.Fixed = one.Waiting && slices.Contains(n.config.Fixed, s.key)
		v.Settings = append(v.Settings, one)
	}
	return v, nil
}

// SetSettings changes keys of config.toml, and does at once what can be done at
// once. "" takes a key out. Errors: *files.UsageError; then nothing is changed.
func (n *Node) SetSettings(ctx context.Context, change map[string]string) (SettingsView, error) {
	n.settling.Lock()
	defer n.settling.Unlock()
	before, err := ReadFile(n.dir.path)
	if err != nil {
		return SettingsView{}, usagef("%v; mend it by hand", err)
	}
	old, err := n.settings(before)
	if err != nil {
		return SettingsView{}, err
	}
	file, err := saveSettings(n.dir.path, change)
	if err != nil {
		return SettingsView{}, err
	}
	if err := n.follow(file, old); err != nil {
		return SettingsView{}, err
	}
	view, err := n.settings(file)
	if err != nil {
		return SettingsView{}, err
	}
	return view, n.checked(n.noteSettings(ctx, old, view))
}

// follow does from now on what config.toml says, as far as it can without another
// start, and wakes the loops that have other work then.
func (n *Node) follow(file File, before SettingsView) error {
	said, err := file.Config(n.dir.path).withDefaults()
	if err != nil {
		return err
	}
	next := n.wish().Config
	for i, s := range settings {
		if s.atOnce && !before.Settings[i].Fixed {
			s.take(&next, said)
		}
	}
	floor, err := n.freeFloor(next)
	if err != nil {
		return err
	}
	shown := n.wish().Private != next.Private
	n.wishes.Store(&wish{next, floor})
	if shown {
		n.post.changed() // friends show what they have of this node's until they hear of it
	}
	n.repair.cycle.Trigger()
	n.crawl.cycle.Trigger()
	n.scrub.cycle.Trigger()
	n.audit.cycle.Trigger()
	n.judge.cycle.Trigger()
	return nil
}

// noteSettings writes down what was changed.
func (n *Node) noteSettings(ctx context.Context, before, after SettingsView) error {
	var said []string
	for i, s := range after.Settings {
		if was := before.Settings[i].Saved; was != s.Saved {
			said = append(said, s.Key+" = "+orDefault(s.Saved)+", was "+orDefault(was))
		}
	}
	if len(said) == 0 {
		return nil
	}
	reason := strings.Join(said, "; ")
	return n.book.Note(ctx, ledger.Event{Kind: "settings", Reason: strings.ToValidUTF8(reason[:min(len(reason), ledger.MaxReason)], "")})
}

func orDefault(value string) string {
	if value == "" {
		return "the default"
	}
	return value
}

// said tells which keys a file has.
func (f File) said() map[string]bool {
	return map[string]bool{"name": f.Name != "", "offer": f.Offer != nil, "floor": f.Floor != nil, "publish": f.Publish != nil, "evict": f.Evict != "",
		"page": f.Page != "", "max_hops": f.MaxHops != nil, "coming": f.Coming != 0, "lease": f.Lease != 0, "crawl_share": f.CrawlShare != nil,
		"scrub_days": f.ScrubDays != nil, "audits": f.Audits != nil, "audit_bytes": f.AuditBytes != nil, "proof_days": f.ProofDays != nil,
		"repair_budget": f.RepairBudget != nil, "repair_after": f.RepairAfter != 0}
}

// literalOf writes what people say as TOML has it.
func literalOf(key, said string) (string, error) {
	i := slices.IndexFunc(settings, func(s setting) bool { return s.key == key })
	if i < 0 {
		known := make([]string, len(settings))
		for i, s := range settings {
			known[i] = s.key
		}
		return "", usagef("there is no setting %q; there are %s", key, strings.Join(known, ", "))
	}
	s := settings[i]
	literal, ok := literals[s.kind](said)
	if !ok {
		return "", usagef("%s = %q can't be: %s", key, said, wanted[s.kind])
	}
	return literal, nil
}

// literals write the values of each kind.
var literals = map[SettingKind]func(string) (string, bool){
	SettingText:   quoted,
	SettingChoice: quoted,
	SettingPlace:  func(said string) (string, bool) { return strconv.Quote(said), CheckPage(said) == nil },
	SettingSize: func(said string) (string, bool) {
		size, err := potluck.ParseSize(said)
		return strconv.Quote(exact(size)), err == nil && size >= 0
	},
	SettingCount: func(said string) (string, bool) {
		n, err := strconv.Atoi(said)
		return strconv.Itoa(n), err == nil
	},
	SettingPart: func(said string) (string, bool) {
		part, err := strconv.ParseFloat(said, 64)
		text := strconv.FormatFloat(part, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0" // TOML tells whole numbers and others apart
		}
		return text, err == nil && part >= 0 && part <= 1
	},
	SettingTime: func(said string) (string, bool) {
		_, err := ParseSpan(said)
		return strconv.Quote(said), err == nil
	},
	SettingYes: func(said string) (string, bool) {
		yes, err := strconv.ParseBool(said)
		return strconv.FormatBool(yes), err == nil
	},
}

// wanted says what a value of each kind is like.
var wanted = map[SettingKind]string{
	SettingText: "want text that can be shown", SettingChoice: "want one of the choices", SettingPlace: `want "off", or an address of this machine's loopback like 127.0.0.1:8484`,
	SettingSize: `want a size like "500 MiB" or "10 GiB"`, SettingCount: "want a whole number", SettingPart: "want a part from 0 to 1",
	SettingTime: `want a length of time like "90m", "36h" or "2d"`, SettingYes: "want true or false",
}

// quoted writes a text between quotes, which escapes of Go would not always suit.
func quoted(said string) (string, bool) {
	for _, r := range said {
		if !strconv.IsPrint(r) {
			return "", false
		}
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(said) + `"`, true
}
