package api

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/ledger"
	"potluck/node"
)

func TestHistory(t *testing.T) {
	all := friends(t, "alice", "bob")
	alice := all[0]
	today := alice.node.Today()
	h, err := alice.History(t.Context(), "bob", "", "")
	if err != nil || h.Name != "bob" || len(h.From) != 10 || h.To < h.From {
		t.Fatalf("%+v, %v", h, err)
	}
	if from, err := node.ParseDay(h.From); err != nil || from != today-29 {
		t.Errorf("from %s, %v", h.From, err)
	}
	if one, err := alice.History(t.Context(), "bob", h.To, h.To); err != nil || one.From != h.To || one.To != h.To {
		t.Errorf("%+v, %v", one, err)
	}
	for _, wrong := range [][2]string{{"yesterday", ""}, {"", "2026-02-30"}, {h.To, h.From}, {"2001-01-01", h.To}} {
		_, err := alice.History(t.Context(), "bob", wrong[0], wrong[1])
		wantKind(t, "history of "+wrong[0]+" to "+wrong[1], err, KindUsage)
	}
	_, err = alice.History(t.Context(), "nobody", "", "")
	wantKind(t, "history of nobody", err, KindNotFound)
}

func TestSpecHasHistory(t *testing.T) {
	b, err := os.ReadFile("../../docs/spec/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []any{History{}, HistoryDay{}, ProofView{}, ledger.Proof{}, ledger.Deeds{}, Event{}} {
		of := reflect.TypeOf(body)
		for i := range of.NumField() {
			if key, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ","); key != "" && !strings.Contains(string(b), `"`+key+`"`) {
				t.Errorf("%v: key %q isn't in the specification", of, key)
			}
		}
	}
}

func TestLogGivesEvidenceWhenAsked(t *testing.T) {
	alice := friends(t, "alice", "bob")[0]
	step := "slowed"
	if _, err := alice.SetStanding(t.Context(), "bob", StandingChange{Pin: &step}); err != nil {
		t.Fatal(err)
	}
	for _, asked := range []bool{false, true} {
		found := 0
		err := alice.Log(t.Context(), LogRequest{Evidence: asked}, func(e Event) error {
			if len(e.Evidence) > 0 {
				found++
				if !json.Valid(e.Evidence) || e.Peer == peer.ID("") {
					t.Errorf("%s has evidence %s", e.Kind, e.Evidence)
				}
			}
			return nil
		})
		if err != nil || (found > 0) != asked {
			t.Errorf("asked %v: %d events with evidence, %v", asked, found, err)
		}
	}
}
