package api

import (
	"encoding"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"potluck"
	"potluck/files"
	"potluck/node"
)

var update = flag.Bool("update", false, "rewrite docs/spec/openapi.json; read the difference before you commit it")

const openapiFile = "../../docs/spec/openapi.json"

// described is what the description says of one endpoint. Bodies and answers
// are the types that the handlers read and give.
type described struct {
	about  string
	body   any
	answer any
	kind   string   // of the answer; "": JSON
	query  []string // names of what a query may have
}

// stream stands for the answer of a call that goes on line by line.
const (
	ndjson = "application/x-ndjson"
	octets = "application/octet-stream"
	plain  = "text/plain"
	pushed = "text/event-stream"
)

var endpoints = map[string]described{
	"GET /v1/status":                    {about: "the node at a glance", answer: Status{}},
	"POST /v1/invites":                  {about: "make an invite", body: InviteRequest{}, answer: Invite{}},
	"GET /v1/invites":                   {about: "all invites, newest first", answer: []Invite{}},
	"DELETE /v1/invites/{id}":           {about: "revoke an invite", answer: none{}},
	"POST /v1/join":                     {about: "accept an invite", body: JoinRequest{}, answer: JoinResult{}},
	"GET /v1/friends":                   {about: "all accounts", answer: []Friend{}},
	"DELETE /v1/friends/{peer}":         {about: "end a friendship", answer: none{}},
	"GET /v1/friends/{peer}/terms":      {about: "what each may have at the other", answer: PeerTerms{}},
	"PATCH /v1/friends/{peer}/terms":    {about: "change what a peer may have here", body: TermsChange{}, answer: PeerTerms{}},
	"POST /v1/friends/{peer}/preview":   {about: "what a change of terms would change", body: TermsChange{}, answer: node.TermsPreview{}},
	"GET /v1/friends/{peer}/history":    {about: "what was counted, by days", answer: History{}, query: []string{"from", "to"}},
	"POST /v1/friends/{peer}/deny":      {about: "take no new bytes", answer: Friend{}},
	"POST /v1/friends/{peer}/accept":    {about: "lift a denial", answer: Friend{}},
	"POST /v1/friends/{peer}/evict":     {about: "delete all that is held for a peer", body: EvictRequest{}, answer: Eviction{}},
	"POST /v1/friends/{peer}/authority": {about: "let a friend repair a file", body: AuthorizeRequest{}, answer: AuthorityView{}},
	"GET /v1/authorities":               {about: "who may repair what", answer: []AuthorityView{}},
	"GET /v1/who":                       {about: "who holds how much for whom, and why", answer: Who{}},
	"GET /v1/who/{peer}/shares":         {about: "the rows of one line of who", answer: PeerShares{}, query: []string{"side", "after", "limit"}},
	"GET /v1/matrix":                    {about: "who holds for whom, by published statements", answer: Matrix{}, query: []string{"after", "limit"}},
	"GET /v1/disputes":                  {about: "what two books count otherwise", answer: []DisputeView{}},
	"POST /v1/orphans":                  {about: "what hosts hold that no file of this node needs", body: OrphansRequest{}, answer: Orphans{}},
	"POST /v1/rm":                       {about: "stop keeping a file", body: removeRequest{}, answer: files.RemoveResult{}},
	"POST /v1/where":                    {about: "which friends hold a file's shares", body: capRequest{}, answer: files.WhereResult{}},
	"GET /v1/files":                     {about: "the files that this node put, by storage index", answer: []FileRow{}, query: []string{"after", "limit"}},
	"GET /v1/files/summary":             {about: "how safe all files are", answer: FilesSummary{}},
	"POST /v1/check":                    {about: "prove the books from their rows, and compare the store", body: readRequest{}, answer: CheckReport{}},
	"POST /v1/crawl":                    {about: "compare store and books now", body: readRequest{}, answer: CrawlReport{}},
	"POST /v1/keepsake":                 {about: "what friends keep for a recovery", body: keepsakeRequest{}, answer: KeepsakeView{}},
	"GET /v1/files/versions":            {about: "what names meant: of one name, or of all at a time", answer: []FileVersion{}, query: []string{"name", "as_of", "after", "limit"}},
	"GET /v1/work":                      {about: "what the node works on now", answer: []Work{}},
	"GET /v1/settings":                  {about: "what the node was told to do", answer: SettingsView{}},
	"PUT /v1/settings":                  {about: "change keys of config.toml; an empty value takes one out", body: map[string]string{}, answer: SettingsView{}},
	"POST /v1/qr":                       {about: "draw a text as a QR code", body: qrRequest{}, answer: qrCode{}},
	"GET /v1/credit":                    {about: "credit here and there, and pointers", answer: CreditOverview{}, query: []string{"ask"}},
	"POST /v1/credit/to":                {about: "point credit to a peer", body: CreditToRequest{}, answer: CreditPreview{}},
	"POST /v1/credit/revoke":            {about: "take pointers back", body: CreditRevokeRequest{}, answer: CreditPreview{}},
	"POST /v1/credit/decline":           {about: "refuse somebody's pointers", body: CreditDeclineRequest{}, answer: CreditPreview{}},
	"POST /v1/credit/repay":             {about: "say who repays those who hold this node's data", body: RepayViaRequest{}, answer: RepayResult{}},
	"POST /v1/credit/work-for":          {about: "repay the debts of a peer", body: WorkForRequest{}, answer: WorkResult{}},
	"GET /v1/friends/{peer}/why":        {about: "why each serves the other", answer: WhyView{}},
	"GET /v1/friends/{peer}/standing":   {about: "where each stands at the other", answer: StandingView{}},
	"PATCH /v1/friends/{peer}/standing": {about: "pin a step, unpin it, or give the word", body: StandingChange{}, answer: StandingView{}},
	"POST /v1/friends/{peer}/pardon":    {about: "make a peer good again", answer: StandingView{}},
	"GET /v1/friends/{peer}/proof":      {about: "the proof that a peer signed two documents of one number", answer: json.RawMessage{}},
	"GET /v1/household":                 {about: "this node's household", answer: HouseholdView{}},
	"PUT /v1/household":                 {about: "name the household", body: HouseholdRequest{}, answer: HouseholdView{}},
	"POST /v1/put": {about: "put a file: the body, or what path names; the last line has the result, a files.PutResult", kind: ndjson, answer: message{},
		query: []string{"path", "name", "k", "n", "happy", "preset", "random", "forget", "explain", "host"}},
	"POST /v1/get":          {about: "read a file: frames of docs/spec/api.md, or lines when a path is named", body: GetRequest{}, kind: octets},
	"POST /v1/files/check":  {about: "tell how files are; the last line has the result", body: HealthRequest{}, kind: ndjson, answer: message{}},
	"POST /v1/files/repair": {about: "bring back what is missing; the last line has the result", body: RepairRequest{}, kind: ndjson, answer: message{}},
	"GET /v1/log":           {about: "events, one a line", kind: ndjson, answer: message{}, query: []string{"after", "limit", "newest", "follow", "evidence"}},
	"GET /v1/events":        {about: "events as they come, pushed", kind: pushed, query: []string{"after"}},
	"GET /livez":            {about: "the process answers", kind: plain},
	"GET /readyz":           {about: "books and store answer", kind: plain},
	"GET /metrics":          {about: "figures for Prometheus", kind: plain},
	// Of the page's address only:
	"POST /v1/session": {about: "change the code of a link for a token, once", body: signInRequest{}, answer: session{}},
	"POST /v1/fetches": {about: "a ticket with which a browser saves a file, once", body: fetchRequest{}, answer: fetchTicket{}},
	"GET /fetch/{id}":  {about: "the file of a ticket", kind: octets},
}

// The description names the endpoints that there are, and the forms of the
// types that they read and give.
func TestOpenAPI(t *testing.T) {
	var missing, more []string
	s := &server{}
	served := s.endpoints()
	for pattern := range served {
		if _, ok := endpoints[pattern]; !ok {
			missing = append(missing, pattern)
		}
	}
	for pattern := range endpoints {
		if _, ok := served[pattern]; !ok && !slices.Contains([]string{"POST /v1/session", "POST /v1/fetches", "GET /fetch/{id}"}, pattern) {
			more = append(more, pattern)
		}
	}
	if len(missing)+len(more) > 0 {
		t.Fatalf("not described: %v; described and not there: %v", missing, more)
	}
	got, err := json.MarshalIndent(openapi(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(openapiFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(openapiFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s doesn't say what the handlers read and give; if that is meant, run go test ./gateway/api -run OpenAPI -update", openapiFile)
	}
}

type object = map[string]any

func openapi() object {
	d := &describer{schemas: object{}}
	paths := map[string]object{}
	for _, pattern := range slices.Sorted(maps.Keys(endpoints)) {
		e := endpoints[pattern]
		method, path, _ := strings.Cut(pattern, " ")
		if paths[path] == nil {
			paths[path] = object{}
		}
		paths[path][strings.ToLower(method)] = d.operation(e, path)
	}
	return object{
		"openapi": "3.1.0",
		"info":    object{"title": "Potluck's local API", "version": "1", "description": "The meaning of every call and key is in api.md. Sizes are bytes, times unix seconds."},
		"servers": []object{{"url": "http://potluck", "description": "on the unix socket api.sock"}, {"url": "http://127.0.0.1:{port}",
			"description": "on loopback, with a token", "variables": object{"port": object{"default": "8484"}}}},
		"security":   []object{{}, {"token": []string{}}},
		"paths":      paths,
		"components": object{"schemas": d.schemas, "securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}}},
	}
}

// describer writes schemas of Go types.
type describer struct{ schemas object }

var inPath = regexp.MustCompile(`{(\w+)}`)

func (d *describer) operation(e described, path string) object {
	text := object{"schema": object{"type": "string"}}
	ok := object{"description": "done"}
	switch {
	case e.answer != nil && e.kind != "":
		ok["content"] = object{e.kind: object{"schema": d.schema(reflect.TypeOf(e.answer))}}
	case e.answer != nil:
		ok["content"] = object{"application/json": object{"schema": d.schema(reflect.TypeOf(e.answer))}}
	default:
		ok["content"] = object{e.kind: text}
	}
	o := object{"summary": e.about, "responses": object{"200": ok,
		"default": object{"description": "an error", "content": object{"application/json": object{"schema": d.schema(reflect.TypeFor[message]())}}}}}
	if e.body != nil {
		o["requestBody"] = object{"content": object{"application/json": object{"schema": d.schema(reflect.TypeOf(e.body))}}}
	}
	var parameters []object
	for _, m := range inPath.FindAllStringSubmatch(path, -1) {
		parameters = append(parameters, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, q := range e.query {
		parameters = append(parameters, object{"name": q, "in": "query", "schema": object{"type": "string"}})
	}
	if parameters != nil {
		o["parameters"] = parameters
	}
	return o
}

func (d *describer) schema(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		return object{}
	case t == reflect.TypeFor[potluck.Size]():
		return object{"type": "integer", "format": "int64", "description": "bytes"}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return object{"anyOf": []object{d.schema(t.Elem()), {"type": "null"}}}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return object{"type": "string", "contentEncoding": "base64"}
		}
		return object{"type": "array", "items": d.schema(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": d.schema(t.Elem())}
	case reflect.Struct:
		return d.named(t)
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Interface:
		return object{}
	}
	return object{"type": "integer", "format": "int64"}
}

// named puts a struct's schema aside, and refers to it.
func (d *describer) named(t reflect.Type) object {
	name := strings.ReplaceAll(t.String(), "*", "")
	if _, there := d.schemas[name]; !there {
		d.schemas[name] = object{} // for types that hold themselves
		properties, required := object{}, []string{}
		d.fields(t, properties, &required)
		d.schemas[name] = object{"type": "object", "properties": properties, "required": required}
	}
	return object{"$ref": "#/components/schemas/" + name}
}

func (d *describer) fields(t reflect.Type, properties object, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
			continue
		case f.Anonymous && name == "":
			d.fields(f.Type, properties, required)
			continue
		case name == "":
			name = f.Name
		}
		properties[name] = d.schema(f.Type)
		if !strings.Contains(options, "omitempty") {
			*required = append(*required, name)
		}
	}
}

// What a node answers has the keys that the description names, and no others.
func TestAnswersAreAsDescribed(t *testing.T) {
	all := friends(t, "alice", "bob")
	for pattern, e := range endpoints {
		method, path, _ := strings.Cut(pattern, " ")
		if method != "GET" || e.kind != "" || strings.HasSuffix(path, "/proof") {
			continue
		}
		a, err := all[0].ask(t.Context(), method, strings.ReplaceAll(path, "{peer}", "bob"), nil)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		into := reflect.New(reflect.TypeOf(e.answer))
		d := json.NewDecoder(a.Body)
		d.DisallowUnknownFields()
		if err := d.Decode(into.Interface()); err != nil {
			t.Errorf("%s: %v", pattern, err)
		}
		a.Body.Close()
	}
}
