package signed

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// rule is one way to break a valid content, and the words that the error has.
type rule[T content] struct {
	name  string
	spoil func(*T)
	words string
}

// eachRule breaks one rule at a time: Validate, Seal and Open (of what an
// adversary signs all the same) refuse it, each with the same words.
func eachRule[T content](t *testing.T, sample func() T, rules []rule[T]) {
	t.Helper()
	if err := sample().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		x := sample()
		k := x.kind()
		r.spoil(&x)
		err := x.Validate()
		refused(t, r.name, err)
		if !says(err, r.words) {
			t.Errorf("%s: %v, want it to say %q", r.name, err, r.words)
		}
		if _, err := seal(key(1), x); err == nil {
			t.Errorf("%s: was sealed", r.name)
		}
		payload, err := encMode.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		_, err = openers[k](forge(key(1), k, payload))
		refused(t, r.name+", opened", err)
	}
}

func TestOrderRules(t *testing.T) {
	pointer := func(spoil func(*Pointer)) func(*Order) {
		return func(o *Order) { o.Pointers[1].Loan = false; spoil(&o.Pointers[1]) }
	}
	eachRule(t, sampleOrder, []rule[Order]{
		{"no issuer", func(o *Order) { o.Issuer = "" }, "issuer"},
		{"issuer with another key type", func(o *Order) { o.Issuer = peer.ID("\x12\x20" + strings.Repeat("x", 32)) }, "Ed25519"},
		{"issuer with another head", func(o *Order) { o.Issuer = peer.ID("\x00\x24\x08\x02\x12\x20" + o.Issuer[6:]) }, "Ed25519"},
		{"number 0", func(o *Order) { o.Number = 0 }, "number 0"},
		{"number too high", func(o *Order) { o.Number = MaxNumber + 1 }, "number 9007199254740992"},
		{"number 1 with a document before", func(o *Order) { o.Number = 1 }, "number 1 has"},
		{"negative beginning", func(o *Order) { o.NotBefore = -1 }, "-1"},
		{"beginning too far off", func(o *Order) { o.NotBefore, o.Expires = MaxTime+1, MaxTime+2 }, "not before"},
		{"end too far off", func(o *Order) { o.NotBefore, o.Expires = MaxTime, MaxTime+1 }, "expires"},
		{"ends as it begins", func(o *Order) { o.Expires = o.NotBefore }, "not after"},
		{"ends before it begins", func(o *Order) { o.Expires = o.NotBefore - 1 }, "not after"},
		{"lives over 90 days", func(o *Order) { o.Expires = o.NotBefore + 90*day + 1 }, "90 days"},
		{"to oneself", pointer(func(p *Pointer) { p.To = id(1) }), "points to its issuer"},
		{"at oneself", pointer(func(p *Pointer) { p.Host = id(1) }), "issuer's own node"},
		{"at the beneficiary", pointer(func(p *Pointer) { p.Host = p.To }), "beneficiary's own node"},
		{"to nobody", pointer(func(p *Pointer) { p.To = "" }), "to: not the ID"},
		{"at no peer", pointer(func(p *Pointer) { p.Host = "x" }), "host: not the ID"},
		{"share over 100 %", pointer(func(p *Pointer) { p.SharePPM = WholePPM + 1 }), "1000001"},
		{"negative share", pointer(func(p *Pointer) { p.SharePPM = -2 }), "-2"},
		{"negative limit", pointer(func(p *Pointer) { p.Limit = -2 }), "-2 bytes"},
		{"huge limit", pointer(func(p *Pointer) { p.Limit = potluck.MaxSize + 1 }), "72057594037927937"},
		{"limit that overflows", pointer(func(p *Pointer) { p.Limit = 1<<63 - 1 }), "9223372036854775807"},
		{"loan without limit", pointer(func(p *Pointer) { p.Loan, p.Limit = true, NoLimit }), "loan needs a limit"},
		{"loan of nothing", pointer(func(p *Pointer) { p.Loan, p.Limit = true, 0 }), "loan needs a limit"},
		{"first signed after the end", pointer(func(p *Pointer) { p.Since = noon + 30*day }), "first signed"},
		{"first signed before time", pointer(func(p *Pointer) { p.Since = -1 }), "since"},
		{"over before it begins", pointer(func(p *Pointer) { p.Until = noon }), "ends at"},
		{"ends before time", pointer(func(p *Pointer) { p.Until = -1 }), "ends at -1"},
		{"ends after time", pointer(func(p *Pointer) { p.Until = MaxTime + 1 }), "until"},
		{"pointers unsorted by host", func(o *Order) { o.Pointers[1], o.Pointers[2] = o.Pointers[2], o.Pointers[1] }, "not after the one before"},
		{"pointers unsorted by beneficiary", func(o *Order) { o.Pointers[1].Host = ""; o.Pointers[1].To = anyID(0) }, "not after the one before"},
		{"pointer twice", func(o *Order) { o.Pointers[1] = o.Pointers[0]; o.Pointers[1].Limit = 5 }, "not after the one before"},
		{"257 pointers", func(o *Order) {
			o.Pointers = nil
			for _, p := range ids(MaxPointers + 1) {
				o.Pointers = append(o.Pointers, Pointer{To: p, Limit: 1, SharePPM: NoShare})
			}
		}, "257 pointers"},
		{"declines itself", func(o *Order) { o.Declined = []peer.ID{id(1)} }, "names itself"},
		{"declines no peer", func(o *Order) { o.Declined = []peer.ID{"x"} }, "declined: not the ID"},
		{"declined unsorted", func(o *Order) { o.Declined = []peer.ID{anyID(2), anyID(1)} }, "not after the one before"},
		{"declined twice", func(o *Order) { o.Declined = []peer.ID{anyID(1), anyID(1)} }, "not after the one before"},
		{"257 declined", func(o *Order) { o.Declined = ids(MaxDeclined + 1) }, "257"},
	})
}

func TestOrderBoundsAreTaken(t *testing.T) {
	for name, change := range map[string]func(*Order){
		"empty":               func(o *Order) { o.Pointers, o.Declined = nil, nil },
		"90 days":             func(o *Order) { o.Expires = o.NotBefore + 90*day },
		"first":               func(o *Order) { o.Number, o.Previous = 1, potluck.Digest{} },
		"lost the one before": func(o *Order) { o.Previous = potluck.Digest{} },
		"highest number":      func(o *Order) { o.Number = MaxNumber },
		"everything":          func(o *Order) { o.Pointers[0].SharePPM = NoShare },
		"until far off":       func(o *Order) { o.Pointers[0].Until = MaxTime },
		"until soon":          func(o *Order) { o.Pointers[0].Until = noon + 1 },
		"nothing":             func(o *Order) { o.Pointers[0].Limit, o.Pointers[0].SharePPM = 0, 0 },
		"all":                 func(o *Order) { o.Pointers[0].Limit, o.Pointers[0].SharePPM = potluck.MaxSize, WholePPM },
		"256 declined":        func(o *Order) { o.Declined = ids(MaxDeclined) },
		"256 pointers": func(o *Order) {
			o.Pointers, o.Declined = nil, nil
			for _, p := range ids(MaxPointers) {
				o.Pointers = append(o.Pointers, Pointer{To: id(9), Host: p, Limit: potluck.MaxSize, SharePPM: WholePPM, Since: noon})
			}
		},
	} {
		o := sampleOrder()
		change(&o)
		sealed, err := SealOrder(key(1), o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := OpenOrder(sealed)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if o.Pointers == nil {
			o.Pointers = []Pointer{}
		}
		if o.Declined == nil {
			o.Declined = []peer.ID{}
		}
		same(t, got, o)
	}
}

// TestLongestOrder: one envelope has a ceiling, so that a proof of two fits.
func TestLongestOrder(t *testing.T) {
	o := sampleOrder()
	o.Pointers, o.Declined = nil, ids(MaxDeclined)
	for _, p := range ids(MaxPointers) {
		o.Pointers = append(o.Pointers, Pointer{To: id(9), Host: p, Limit: potluck.MaxSize, SharePPM: WholePPM, Since: noon})
	}
	_, err := SealOrder(key(1), o)
	refused(t, "an order over the ceiling", err)
	if !says(err, "name fewer peers") {
		t.Errorf("no cure in %v", err)
	}
	o.Declined = o.Declined[:100]
	a := Single(KindOrder, must(SealOrder(key(1), o)))
	o.Expires++
	proof, err := Prove(a, Single(KindOrder, must(SealOrder(key(1), o))))
	if err != nil {
		t.Fatal(err)
	}
	b, err := proof.Marshal()
	if err != nil || len(b) > MaxDocument {
		t.Errorf("the proof of two long orders has %d bytes, %v", len(b), err)
	}
	full := Document{KindConflict, [][]byte{make([]byte, MaxSealed), make([]byte, MaxSealed)}}
	if b := must(full.Marshal()); len(b) > MaxDocument {
		t.Errorf("a document of two longest envelopes has %d bytes, at most %d may be", len(b), MaxDocument)
	}
}

func TestRepayRules(t *testing.T) {
	eachRule(t, sampleRepay, []rule[Repay]{
		{"no principal", func(r *Repay) { r.Principal = "" }, "principal"},
		{"number 0", func(r *Repay) { r.Number = 0 }, "number 0"},
		{"number 1 with a document before", func(r *Repay) { r.Previous = hash(1) }, "number 1 has"},
		{"ends before it begins", func(r *Repay) { r.Expires = r.NotBefore - 1 }, "not after"},
		{"lives over 90 days", func(r *Repay) { r.Expires = r.NotBefore + 90*day + 1 }, "90 days"},
		{"to itself", func(r *Repay) { r.Allotments = []Allotment{{id(1), 5}} }, "principal itself"},
		{"to nobody", func(r *Repay) { r.Allotments[0].Node = "" }, "server: not the ID"},
		{"of nothing", func(r *Repay) { r.Allotments[0].SharePPM = 0 }, "0 millionths"},
		{"negative", func(r *Repay) { r.Allotments[0].SharePPM = -1 }, "-1 millionths"},
		{"over 100 %", func(r *Repay) { r.Allotments[0].SharePPM = WholePPM + 1 }, "1000001 millionths"},
		{"sum over 100 %", func(r *Repay) { r.Allotments[0].SharePPM++ }, "make 1000001 millionths"},
		{"unsorted", func(r *Repay) { r.Allotments[0], r.Allotments[1] = r.Allotments[1], r.Allotments[0] }, "not after"},
		{"twice", func(r *Repay) { r.Allotments[1].Node = r.Allotments[0].Node }, "not after"},
		{"65 servers", func(r *Repay) {
			r.Allotments = nil
			for _, p := range ids(MaxAllotted + 1) {
				r.Allotments = append(r.Allotments, Allotment{p, 1})
			}
		}, "65 servers"},
	})
	r := sampleRepay()
	if r.Share(id(2)) != 600_000 || r.Share(id(3)) != 400_000 || r.Share(id(1)) != 0 {
		t.Errorf("shares %d, %d, %d", r.Share(id(2)), r.Share(id(3)), r.Share(id(1)))
	}
}

func TestConsentRules(t *testing.T) {
	eachRule(t, sampleConsent, []rule[Consent]{
		{"no server", func(c *Consent) { c.Server = "" }, "server"},
		{"no principal", func(c *Consent) { c.Principal = "" }, "principal"},
		{"for itself", func(c *Consent) { c.Principal = c.Server }, "own principal"},
		{"number 0", func(c *Consent) { c.Number = 0 }, "number 0"},
		{"ends before it begins", func(c *Consent) { c.Expires = c.NotBefore - 1 }, "not after"},
		{"lives over 90 days", func(c *Consent) { c.Expires++ }, "90 days"},
	})
}

func TestHouseholdRules(t *testing.T) {
	eachRule(t, sampleHousehold, []rule[Household]{
		{"no member", func(h *Household) { h.Member = "" }, "member"},
		{"number 0", func(h *Household) { h.Number = 0 }, "number 0"},
		{"negative time", func(h *Household) { h.Time = -1 }, "time -1"},
		{"itself", func(h *Household) { h.Members = []peer.ID{h.Member} }, "names itself"},
		{"nobody", func(h *Household) { h.Members = []peer.ID{""} }, "members: not the ID"},
		{"unsorted", func(h *Household) { h.Members[0], h.Members[1] = h.Members[1], h.Members[0] }, "not after"},
		{"twice", func(h *Household) { h.Members[1] = h.Members[0] }, "not after"},
		{"33 others", func(h *Household) { h.Members = ids(MaxMembers + 1) }, "33"},
		{"members without label", func(h *Household) { h.Label = "" }, "without a label"},
		{"long label", func(h *Household) { h.Label = strings.Repeat("é", MaxLabel+1) }, "65 characters"},
		{"label that moves the cursor", func(h *Household) { h.Label = "a\x1b[2J" }, "unprintable"},
		{"label that turns direction", func(h *Household) { h.Label = "a\u202eb" }, "unprintable"},
		{"label of two lines", func(h *Household) { h.Label = "a\nb" }, "unprintable"},
	})
	h := sampleHousehold()
	h.Label = "\xff"
	refused(t, "label that isn't UTF-8", h.Validate())
	h = sampleHousehold()
	if !h.Names(id(2), "Zoë's") || h.Names(id(2), "zoë's") || h.Names(id(4), "Zoë's") || h.Names(id(2), "") {
		t.Error("Names is wrong")
	}
	none := Household{Member: id(1), Number: 1}
	if err := none.Validate(); err != nil || none.Names(id(2), "") {
		t.Errorf("a node of no household: %v", err)
	}
}

func TestStatementRules(t *testing.T) {
	eachRule(t, sampleStatement, []rule[Statement]{
		{"no host", func(s *Statement) { s.Host = "" }, "host"},
		{"no owner", func(s *Statement) { s.Owner = "" }, "owner"},
		{"with itself", func(s *Statement) { s.Owner = s.Host }, "one node"},
		{"number 0", func(s *Statement) { s.Number = 0 }, "number 0"},
		{"negative time", func(s *Statement) { s.Time = -1 }, "time -1"},
		{"negative bytes", func(s *Statement) { s.Bytes = -1 }, "-1 bytes"},
		{"too many bytes", func(s *Statement) { s.Bytes = potluck.MaxSize + 1 }, "72057594037927937"},
		{"negative shares", func(s *Statement) { s.Shares = -1 }, "-1 shares"},
		{"too many shares", func(s *Statement) { s.Shares = MaxShares + 1 }, "1099511627777 shares"},
		{"host's head too high", func(s *Statement) { s.HostHead.Seq = MaxNumber + 1 }, "head"},
		{"host's epoch too high", func(s *Statement) { s.HostHead.Epoch = MaxEpoch + 1 }, "epoch"},
		{"first epoch spelt out", func(s *Statement) { s.OwnerHead.Epoch = 1 }, "epoch 1"},
		{"owner's head too high", func(s *Statement) { s.OwnerHead.Seq = 1<<64 - 1 }, "head"},
	})
}

// TestClocks: ten minutes of tolerance, to the second, on either end.
func TestClocks(t *testing.T) {
	const tolerance = 600
	live := map[string]func(int64) error{"order": sampleOrder().ValidAt, "repay": sampleRepay().ValidAt}
	for name, validAt := range live {
		for _, c := range []struct {
			now  int64
			want error
		}{
			{noon - tolerance - 1, ErrNotYet}, {noon - tolerance, nil}, {noon, nil}, {noon + 30*day - 1, nil},
			{noon + 30*day, nil}, {noon + 30*day + tolerance - 1, nil}, {noon + 30*day + tolerance, ErrExpired}, {0, ErrNotYet}, {1 << 60, ErrExpired},
		} {
			if err := validAt(c.now); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || errors.Is(err, ErrDocument) {
				t.Errorf("%s at %d: %v, want %v", name, c.now-noon, err, c.want)
			}
		}
	}
	if err := sampleConsent().ValidAt(noon + 90*day + tolerance); !errors.Is(err, ErrExpired) || !says(err, fmt.Sprint(noon+90*day)) {
		t.Errorf("consent: %v", err)
	}
	p := Pointer{Until: noon}
	if p.Over(noon+tolerance-1) || !p.Over(noon+tolerance) || (Pointer{}).Over(1<<60) {
		t.Error("a pointer's own end is wrong")
	}
	for name, validAt := range map[string]func(int64) error{"household": sampleHousehold().ValidAt, "statement": sampleStatement().ValidAt,
		"keepsake": sampleKeepsake().ValidAt, "revocation": sampleRevocation().ValidAt} {
		if err := validAt(noon - tolerance); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := validAt(noon + 999*day); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := validAt(noon - tolerance - 1); !errors.Is(err, ErrNotYet) {
			t.Errorf("%s of the future: %v", name, err)
		}
	}
}

func TestAuthorityRules(t *testing.T) {
	eachRule(t, sampleAuthority, []rule[Authority]{
		{"no owner", func(a *Authority) { a.Owner = "" }, "owner"},
		{"no repairer", func(a *Authority) { a.Repairer = "x" }, "repairer"},
		{"for itself", func(a *Authority) { a.Repairer = a.Owner }, "no authority for its own files"},
		{"number 0", func(a *Authority) { a.Number = 0 }, "number 0"},
		{"k above n", func(a *Authority) { a.Layout.K = 11 }, "11-of-10"},
		{"no manifest", func(a *Authority) { a.Manifest = potluck.Digest{} }, "hash is zero"},
		{"no life", func(a *Authority) { a.Expires = a.NotBefore }, "not after its beginning"},
		{"over 90 days", func(a *Authority) { a.Expires = a.NotBefore + 90*day + 1 }, "90 days"},
	})
	a := sampleAuthority()
	a.Number, a.Layout.N, a.Layout.Size = MaxNumber, 255, potluck.MaxSize
	a.NotBefore, a.Expires = MaxTime-1, MaxTime
	if sealed, err := SealAuthority(key(1), a); err != nil || len(sealed) > MaxAuthority {
		t.Errorf("the greatest authority has %d bytes, at most %d are allowed; %v", len(sealed), MaxAuthority, err)
	}
	if _, err := OpenAuthority(make([]byte, MaxAuthority+1)); !errors.Is(err, ErrDocument) {
		t.Errorf("%d bytes: %v", MaxAuthority+1, err)
	}
}

func TestKeepsakeRules(t *testing.T) {
	eachRule(t, sampleKeepsake, []rule[Keepsake]{
		{"no owner", func(k *Keepsake) { k.Owner = "" }, "owner"},
		{"epoch 0", func(k *Keepsake) { k.Epoch = 0 }, "epoch 0"},
		{"epoch that fits no number", func(k *Keepsake) { k.Epoch = MaxEpoch + 1 }, "epoch 2097152"},
		{"serial 0", func(k *Keepsake) { k.Serial = 0 }, "serial 0"},
		{"serial that would be an epoch", func(k *Keepsake) { k.Serial = MaxSerial + 1 }, "serial 4294967296"},
		{"negative time", func(k *Keepsake) { k.Time = -1 }, "time -1"},
		{"no blob", func(k *Keepsake) { k.Blob = nil }, "blob of 0 bytes"},
		{"blob over its length", func(k *Keepsake) { k.Blob = make([]byte, MaxBlob+1) }, "blob of 30721 bytes"},
	})
	k := sampleKeepsake()
	k.Epoch, k.Serial, k.Blob = MaxEpoch, MaxSerial, make([]byte, MaxBlob)
	sealed, err := SealKeepsake(key(1), k)
	if err != nil || k.Number() != MaxNumber {
		t.Errorf("the greatest keepsake: number %d, %v", k.Number(), err)
	}
	if _, err := Prove(Single(KindKeepsake, sealed), Single(KindKeepsake, must(SealKeepsake(key(1), contradict(k).(Keepsake))))); err != nil {
		t.Errorf("two of the greatest: %v", err)
	}
}

func TestSortedLeavesItsReceiverAlone(t *testing.T) {
	list := []peer.ID{anyID(2), anyID(1)}
	h := Household{Members: list}.Sorted()
	same(t, h.Members, []peer.ID{anyID(1), anyID(2)})
	same(t, list, []peer.ID{anyID(2), anyID(1)})
	allotments := []Allotment{{anyID(2), 1}, {anyID(1), 2}}
	same(t, Repay{Allotments: allotments}.Sorted().Allotments, []Allotment{{anyID(1), 2}, {anyID(2), 1}})
	same(t, allotments[0].Node, anyID(2))
}

func TestKinds(t *testing.T) {
	for k := range Kind(11) {
		word, err := k.MarshalText()
		if (err == nil) != k.Valid() || k.Valid() != (k >= 1 && k <= 9) {
			t.Fatalf("%d: %s, %v", k, word, err)
		}
		var again Kind
		if err == nil && (again.UnmarshalText(word) != nil || again != k) {
			t.Errorf("%s became %v", word, again)
		}
	}
	_, err := ParseKind("receipt")
	refused(t, "receipt", err)
	_, err = ParseKind("")
	refused(t, "no word", err)
}

// TestRevocationRules: what ends which authority, and what no revocation says.
func TestRevocationRules(t *testing.T) {
	r, a := sampleRevocation(), sampleAuthority()
	for name, x := range map[string]struct {
		change func(*Authority)
		ends   bool
	}{
		"the one":             {func(*Authority) {}, true},
		"one before":          {func(a *Authority) { a.Number = 1 }, true},
		"one given later":     {func(a *Authority) { a.Number++ }, false},
		"another file":        {func(a *Authority) { a.Index[1] = 1 }, false},
		"another repairer":    {func(a *Authority) { a.Repairer = id(4) }, false},
		"another owner":       {func(a *Authority) { a.Owner = id(5) }, false},
		"all of a repairer":   {func(a *Authority) { a.Repairer, a.Number = id(3), 1_790_000_000_000 }, true},
		"later of a repairer": {func(a *Authority) { a.Repairer, a.Number = id(3), 1_790_000_000_001 }, false},
	} {
		b := a
		x.change(&b)
		if r.Ends(b) != x.ends {
			t.Errorf("%s: %v", name, r.Ends(b))
		}
	}
	less := r.With(Revoked{r.Revoked[0].About, 1})
	same(t, less.Revoked, r.Revoked)
	eachRule(t, sampleRevocation, []rule[Revocation]{
		{"no owner", func(r *Revocation) { r.Owner = "" }, "owner"},
		{"number 0", func(r *Revocation) { r.Number = 0 }, "number 0"},
		{"negative time", func(r *Revocation) { r.Time = -1 }, "time -1"},
		{"ends nothing", func(r *Revocation) { r.Revoked[1].UpTo = 0 }, "number 0"},
		{"descends", func(r *Revocation) { slices.Reverse(r.Revoked) }, "not ascending"},
		{"twice", func(r *Revocation) { r.Revoked[1] = r.Revoked[0] }, "not ascending"},
		{"too many", func(r *Revocation) { r.Revoked = make([]Revoked, MaxRevoked+1) }, "513 authorities"},
	})
	most := Revocation{Owner: id(1), Number: MaxNumber, Time: MaxTime, Revoked: make([]Revoked, MaxRevoked)}
	for i := range most.Revoked {
		most.Revoked[i] = Revoked{Subject{byte(i >> 8), byte(i)}, MaxNumber}
	}
	if _, err := SealRevocation(key(1), most); err != nil {
		t.Errorf("the largest: %v", err)
	}
}
