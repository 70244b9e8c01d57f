package pull

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"
)

// Hosts are the servers that may be connected to: "radio.example.org" with the usual port of the address's
// scheme, "radio.example.org:8000" with this one. A name may lead only to public addresses. An entry that
// is an address itself, such as "192.168.1.5:8000", allows that one, whatever it is, also to names in the
// list that lead to it.
type Hosts []string

// Check returns a sentence about the first entry that is none.
func (h Hosts) Check() error {
	for _, entry := range h {
		if err := check(entry); err != nil {
			return err
		}
	}
	return nil
}

func check(entry string) error {
	name, port := split(entry)
	address, err := netip.ParseAddr(name)
	isAddress := err == nil && address.Zone() == ""
	isName := name != "" && !strings.ContainsAny(name, ":/@*?# \t[]%")
	if !isAddress && !isName {
		return fmt.Errorf("%q is not a host such as radio.example.org or radio.example.org:8000", entry)
	}
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > 65535) {
		return fmt.Errorf("%q: the port of a host is a number from 1 to 65535", entry)
	}
	return nil
}

// split takes an entry apart; the port may be missing.
func split(entry string) (name, port string) {
	name, port, err := net.SplitHostPort(entry)
	if err != nil {
		name, port = strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]"), ""
	}
	return strings.ToLower(name), port
}

var usualPorts = map[string]string{"http": "80", "https": "443"}

// allow returns a sentence if an address may not be asked.
func (h Hosts) allow(u *url.URL) error {
	usual, known := usualPorts[u.Scheme]
	port := u.Port()
	if port == "" {
		port = usual
	}
	switch {
	case !known || u.Hostname() == "":
		return errors.New("only streams over HTTP are pulled: use an address such as https://radio.example.org/stream")
	case u.User != nil:
		return errors.New("an address with a password in it cannot be pulled: everybody in the room can read it")
	case !h.names(strings.ToLower(u.Hostname()), port, usual):
		return fmt.Errorf("%s is not among the hosts that the station's config allows under pull_hosts", u.Host)
	}
	return nil
}

// names reports whether an entry is this host with this port, or without a port if it is one of the usual.
func (h Hosts) names(name, port string, usual ...string) bool {
	return slices.ContainsFunc(h, func(entry string) bool {
		entryName, entryPort := split(entry)
		return entryName == name && (entryPort == port || entryPort == "" && slices.Contains(usual, port))
	})
}

var errNotPublic = errors.New("the address is not public")

// public knows what IANA has set apart for special purposes.
var public = ssrf.New(ssrf.WithAnyPort())

// control is a net.Dialer's: it sees the address that is really dialled, whatever a name server says.
func (h Hosts) control(network, address string, raw syscall.RawConn) error {
	name, port, err := net.SplitHostPort(address)
	if err == nil && h.names(name, port, "80", "443") {
		return nil
	}
	if err := public.Safe(network, address, raw); err != nil {
		return fmt.Errorf("%w: %w", errNotPublic, err)
	}
	return nil
}
