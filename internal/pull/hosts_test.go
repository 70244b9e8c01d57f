package pull

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	hosts := Hosts{"radio.example.org", "Music.example:8000", "192.168.1.5:8000", "[2001:db8::1]:8000", "::1"}
	if err := hosts.Check(); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"https://radio.example.org/stream?x=1":                    "",
		"http://radio.example.org/":                               "",
		"https://radio.example.org:443/":                          "",
		"http://radio.example.org:443/":                           "not among the hosts",
		"https://RADIO.example.org/":                              "",
		"http://music.example:8000/a":                             "",
		"http://192.168.1.5:8000/a":                               "",
		"http://[2001:db8::1]:8000/a":                             "",
		"http://[::1]/a":                                          "",
		"http://radio.example.org:8000/":                          "not among the hosts",
		"http://radio.example.org./":                              "not among the hosts",
		"http://www.radio.example.org/":                           "not among the hosts",
		"http://radio.example.org.evil.example":                   "not among the hosts",
		"http://music.example/":                                   "not among the hosts",
		"http://192.168.1.5/":                                     "not among the hosts",
		"http://[::1%25lo]/":                                      "not among the hosts",
		"http://evil.example#radio.example.org":                   "not among the hosts",
		"http://a:b@radio.example.org/":                           "a password in it",
		"http://a@radio.example.org/":                             "a password in it",
		"ftp://radio.example.org/":                                "only streams over HTTP",
		"file:///etc/passwd":                                      "only streams over HTTP",
		"https:radio.example.org":                                 "only streams over HTTP",
		"https:///x":                                              "only streams over HTTP",
		"https://radio.example.org:x/":                            "no valid address",
		"https://radio.example.org/\x00":                          "no valid address",
		"https://radio.example.org/" + strings.Repeat("x", 40000): "more than 2000 bytes",
	} {
		err := newPuller(Options{Hosts: hosts}, quick).Check(address)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60q: %v, want %q", address, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "b@") {
			t.Errorf("%q: %v", address, err)
		}
	}
	for _, entry := range []string{"", "*", "*.example.org", "https://radio.example.org", "radio.example.org/x", "a:b:c", "a:0", "a:99999", "a:x", "user@a", "fe80::1%lo"} {
		if err := (Hosts{entry}).Check(); err == nil {
			t.Errorf("%q is taken for a host", entry)
		}
	}
}

// TestNotPublic: what is dialled is looked at, whatever name has led to it.
func TestNotPublic(t *testing.T) {
	hosts := Hosts{"radio.example.org:8000", "10.1.2.3:8000", "10.1.2.4", "[fd00::1]:8000"}
	for _, address := range []string{
		"93.184.215.14:8000", "[2606:2800:220:1::1]:8000", "10.1.2.3:8000", "10.1.2.4:443", "[fd00::1]:8000",
	} {
		network := "tcp4"
		if address[0] == '[' {
			network = "tcp6"
		}
		if err := hosts.control(network, address, nil); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, host := range []string{
		"127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254",
		"100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
		"[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[100::1]", "[2001::1]", "[2001:db8::1]",
		"[2002:7f00:1::]", "[fc00::1]", "[fd00::2]", "[fe80::1]", "[fec0::1]", "[ff02::1]",
	} {
		network := "tcp4"
		if host[0] == '[' {
			network = "tcp6"
		}
		if err := hosts.control(network, host+":80", nil); !errors.Is(err, errNotPublic) {
			t.Errorf("%s may be dialled: %v", host, err)
		}
	}
}

// TestNamesThatLeadInside: a name in the list leads to an address of this machine, as a name server of
// somebody else can say at any time.
func TestNamesThatLeadInside(t *testing.T) {
	address := mustServe(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was asked") })
	u, _ := url.Parse(address)
	byName := "http://localhost:" + u.Port() + "/"
	_, err := pullerOf(t, byName).tryOpen(t, byName)
	if err == nil || !strings.Contains(err.Error(), "not public") || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("it was opened: %v", err)
	}
}

// TestRedirections are followed only to hosts in the list, and never tell where they come from.
func TestRedirections(t *testing.T) {
	content := mustSound(t, 48000, "a.opus", "-c:a", "libopus")
	target := mustServe(t, func(w http.ResponseWriter, r *http.Request) {
		if referer := r.Header.Get("Referer"); referer != "" {
			t.Error("the server was told of", referer)
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		bytes.NewReader(content).WriteTo(w)
	})
	from := mustServe(t, func(w http.ResponseWriter, r *http.Request) {
		to := map[string]string{
			"/good": target + "/x", "/password": strings.Replace(target, "://", "://user:secret@", 1), "/file": "file:///etc/passwd",
			"/round": "/round", "/metadata": "http://169.254.169.254/latest/",
		}
		http.Redirect(w, r, to[r.URL.Path], http.StatusFound)
	})
	pcm, end := mustHear(t, pullerOf(t, from, target).mustOpen(t, from+"/good?token=secret"))
	mustEnd(t, end)
	if len(pcm) != 48000 {
		t.Errorf("%d samples came", len(pcm))
	}
	for path, want := range map[string]string{
		"/good": "not among the hosts", "/password": "a password in it", "/file": "only streams over HTTP", "/round": "cannot be reached", "/metadata": "not among the hosts",
	} {
		hosts := []string{from}
		if path == "/password" {
			hosts = append(hosts, target)
		}
		if _, err := pullerOf(t, hosts...).tryOpen(t, from+path); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// TestProxyOfTheEnvironment is not used: it would be asked in the place of the host.
func TestProxyOfTheEnvironment(t *testing.T) {
	t.Setenv("HTTP_PROXY", mustServe(t, func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	if _, err := newPuller(Options{Hosts: Hosts{"radio.invalid"}}, quick).tryOpen(t, "http://radio.invalid/"); err == nil {
		t.Error("it was opened")
	}
}
