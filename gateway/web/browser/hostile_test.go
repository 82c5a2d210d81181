package browser

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// knock asks a page's address for something, with headers as they are given.
func knock(t *testing.T, method, address string, head map[string]string, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range head {
		if k == "Host" {
			r.Host = v
		}
		r.Header.Set(k, v)
	}
	a, err := http.DefaultTransport.RoundTrip(r) // no redirect is followed
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(b)
}

// Whoever has no token, comes from another site, or was led here by a name that
// isn't ours gets nothing.
func TestStrangersGetNothing(t *testing.T) {
	n := build(t)
	n.start("alice", "alice")
	u, err := url.Parse(n.link("alice"))
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + u.Host
	code := strings.TrimPrefix(u.Fragment, "code=")
	status, answer := knock(t, "POST", base+"/v1/session", nil, fmt.Sprintf(`{"code": %q}`, code))
	if status != 200 {
		t.Fatalf("signing in: %d, %s", status, answer)
	}
	token := strings.Split(strings.Split(answer, `"token":"`)[1], `"`)[0]
	good := map[string]string{"Authorization": "Bearer " + token}
	if status, answer := knock(t, "GET", base+"/v1/status", good, ""); status != 200 || !strings.Contains(answer, "alice") {
		t.Fatalf("with the token: %d, %s", status, answer)
	}
	with := func(k, v string) map[string]string {
		return map[string]string{"Authorization": "Bearer " + token, k: v}
	}
	for _, c := range []struct {
		name, method, path string
		head               map[string]string
		body               string
		want               int
	}{
		{"no token", "GET", "/v1/status", nil, "", 401},
		{"no token for metrics", "GET", "/metrics", nil, "", 401},
		{"a wrong token", "GET", "/v1/status", map[string]string{"Authorization": "Bearer " + token[:len(token)-2] + "AA"}, "", 401},
		{"the link's code as token", "GET", "/v1/status", map[string]string{"Authorization": "Bearer " + code}, "", 401},
		{"a token in a cookie", "GET", "/v1/status", map[string]string{"Cookie": "token=" + token}, "", 401},
		{"a token in the query", "GET", "/v1/status?token=" + token, nil, "", 401},
		{"a stolen link, used before", "POST", "/v1/session", nil, fmt.Sprintf(`{"code": %q}`, code), 401},
		{"a token as a link", "POST", "/v1/session", nil, fmt.Sprintf(`{"code": %q}`, token), 401},
		{"no code", "POST", "/v1/session", nil, `{}`, 401},
		{"another Host, as DNS rebinding has it", "GET", "/v1/status", with("Host", "evil.example"), "", 403},
		{"another Host for the page itself", "GET", "/", map[string]string{"Host": "evil.example"}, "", 403},
		{"the port of another", "GET", "/v1/status", with("Host", "127.0.0.1:1"), "", 403},
		{"the socket's Host", "GET", "/v1/status", with("Host", "potluck"), "", 403},
		{"another Origin", "POST", "/v1/check", with("Origin", "http://evil.example"), "", 403},
		{"no Origin that is one", "POST", "/v1/check", with("Origin", "null"), "", 403},
		{"another port's Origin", "POST", "/v1/check", with("Origin", "http://127.0.0.1:1"), "", 403},
		{"a page of another site", "GET", "/v1/status", with("Sec-Fetch-Site", "cross-site"), "", 403},
		{"a page of a site beside", "GET", "/v1/status", with("Sec-Fetch-Site", "same-site"), "", 403},
		{"a file without a ticket", "GET", "/fetch/00000000000000000000000000000000", nil, "", 404},
		{"a path upwards", "GET", "/../page.json", nil, "", 404},
		{"what isn't there", "GET", "/page.json", nil, "", 404},
		{"writing a file of the page", "PUT", "/app.css", nil, "x", 405},
		{"a preflight", "OPTIONS", "/v1/status", map[string]string{"Origin": "http://evil.example", "Access-Control-Request-Method": "GET"}, "", 403},
		{"alive, for anybody", "GET", "/livez", nil, "", 200},
		{"ready, for anybody", "GET", "/readyz", nil, "", 200},
		{"metrics", "GET", "/metrics", good, "", 200},
	} {
		if status, answer := knock(t, c.method, base+c.path, c.head, c.body); status != c.want || c.want >= 400 && strings.Contains(answer, `"peer"`) {
			t.Errorf("%s: %d, want %d: %.200s", c.name, status, c.want, answer)
		}
	}
	n.stop("alice")
	n.start("alice", "alice", "--page-renew")
	u, _ = url.Parse(n.link("alice"))
	if status, _ := knock(t, "GET", "http://"+u.Host+"/v1/status", good, ""); status != 401 {
		t.Errorf("a token after --page-renew: %d", status)
	}
}

// A page of another site in the same browser, where the person is signed in,
// reads nothing and changes nothing.
func TestHostilePage(t *testing.T) {
	n := build(t)
	n.start("alice", "alice")
	b := chrome(t)
	link := n.link("alice")
	b.do(chromedp.Navigate(link))
	b.see(`//h1[contains(., 'Home')]`)
	u, _ := url.Parse(link)
	target := "http://" + u.Host
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>evil</title><iframe name="f"></iframe>
			<form id="post" target="f" method="post" enctype="text/plain" action="%s/v1/invites"><input name='{"name":"evil","x":"' value='"}'></form>`, target)
	}))
	defer evil.Close()
	b.do(chromedp.Navigate(evil.URL))
	got := eval[string](b, `(async () => {
		const out = [];
		const target = `+quote(target)+`;
		const tries = {
			read: () => fetch(target + '/v1/status').then((r) => r.text()),
			header: () => fetch(target + '/v1/status', { headers: { Authorization: 'Bearer x' } }).then((r) => r.text()),
			cookies: () => fetch(target + '/v1/status', { credentials: 'include' }).then((r) => r.text()),
			post: () => fetch(target + '/v1/invites', { method: 'POST', body: '{"name":"evil"}' }).then((r) => r.text()),
			script: () => new Promise((good, bad) => { const s = document.createElement('script'); s.type = 'module'; s.src = target + '/js/api.js'; s.onload = () => good('ran'); s.onerror = bad; document.head.append(s); }),
			picture: () => new Promise((good, bad) => { const i = new Image(); i.src = target + '/icon.svg'; i.onload = () => good('seen'); i.onerror = bad; }),
		};
		for (const [name, act] of Object.entries(tries)) {
			try { out.push(name + ': ' + await act()); } catch { /* as it should be */ }
		}
		document.getElementById('post').submit();
		await new Promise((go) => setTimeout(go, 500));
		const w = open(target + '/');
		let kept = false;
		for (let i = 0; i < 100 && !kept; i++) { // until the window is there it is empty, and this page's
			await new Promise((go) => setTimeout(go, 100));
			try { if (w.location.href !== 'about:blank') { out.push('window: ' + w.document.title); break; } } catch { kept = true; }
		}
		if (!kept) out.push('no window that is kept from it');
		return out.join('; ');
	})()`)
	if got != "" {
		t.Errorf("another site gets: %s", got)
	}
	if invites := ask[[]any](n, "alice", "invites"); len(invites) != 0 {
		t.Errorf("another site made an invite: %v", invites)
	}
}
