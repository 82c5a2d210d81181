package main

import (
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"potluck/files"
	"potluck/gateway/api"
	"potluck/ledger/signed"
)

const manual = "../../docs/cli.md"

func readManual(t *testing.T) string {
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every key of every verb's JSON stands in the manual.
func TestManualHasEveryKey(t *testing.T) {
	text := readManual(t)
	for _, answer := range []any{api.Status{}, api.Invite{}, api.JoinResult{}, api.Friend{}, api.Who{}, api.PeerShares{}, api.PeerTerms{}, api.Eviction{},
		api.Orphans{}, api.DisputeView{}, api.Matrix{}, api.FileRow{}, api.Event{}, api.History{}, api.CheckReport{}, files.PutResult{}, files.GetResult{}, files.WhereResult{}, files.RemoveResult{},
		resultLine[files.PutResult]{}, progressLine{}, errorReport{}, versionInfo{}, revoked{}, removed{}, demoReport{}, rentReport{},
		api.CreditOverview{}, api.CreditPreview{}, api.RepayResult{}, api.WorkResult{}, api.WhyView{}, api.StandingView{}, api.HouseholdView{},
		api.HealthReport{}, api.RepairReport{}, api.AuthorityView{}, api.SettingsView{}, api.FileVersion{}, decided{}, signed.Verdict{}, written{}, resultLine[ranReport]{}, resultLine[shardReport]{}, simProgress{}, planReport{}, handRow{}, handDown{}} {
		keys := keysOf(reflect.TypeOf(answer), nil)
		if len(keys) == 0 {
			t.Errorf("%T has no keys", answer)
		}
		for _, key := range keys {
			if !strings.Contains(text, `"`+key+`"`) {
				t.Errorf("%T: key %q isn't in %s", answer, key, manual)
			}
		}
	}
}

// keysOf gives the JSON keys of a type and of all that it holds.
func keysOf(of reflect.Type, seen []reflect.Type) (keys []string) {
	if slices.Contains(seen, of) {
		return nil
	}
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return keysOf(of.Elem(), seen)
	case reflect.Struct:
		for i := range of.NumField() {
			f := of.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
				keys = append(keys, name)
			}
			keys = append(keys, keysOf(f.Type, append(seen, of))...)
		}
	}
	return keys
}

// Every verb and flag stands in the manual, and every exit code there and in
// the README.
func TestManualHasEveryVerbAndFlag(t *testing.T) {
	text := readManual(t)
	k, err := kong.New(new(grammar))
	if err != nil {
		t.Fatal(err)
	}
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		if n.Type == kong.CommandNode && !strings.Contains(text, "potluck "+strings.TrimPrefix(n.Path(), " ")) && !strings.Contains(text, n.Path()) {
			t.Errorf("verb %q isn't in %s", n.Path(), manual)
		}
		for _, f := range n.Flags {
			if !strings.Contains(text, "--"+f.Name) && !(len(f.Name) == 1 && strings.Contains(text, "-"+f.Name+" ")) {
				t.Errorf("flag --%s of %q isn't in %s", f.Name, n.Path(), manual)
			}
		}
		for _, child := range n.Children {
			walk(child)
		}
	}
	walk(k.Model.Node)
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range exitCodes {
		row := "| " + strconv.Itoa(e.code) + " | " + e.meaning + " |"
		if !strings.Contains(text, row) || !strings.Contains(string(readme), row) {
			t.Errorf("%q isn't in the manual or the README", row)
		}
	}
}
