package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// healthTimeout is how long a gateway may take to say that it is well.
const healthTimeout = 5 * time.Second

// runHealth asks the gateway of a config whether it is well: that of this machine, or the remote one.
func runHealth(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c, err := parseConfig("health", "config `file` of the gateway that is asked; without one, defaults and the environment", args, stderr)
	if err != nil {
		return err
	}
	base := c.Gateway.Remote
	if base == "" {
		address, err := net.ResolveTCPAddr("tcp", c.Gateway.Listen)
		if err != nil {
			return fmt.Errorf("gateway.listen: %w", err)
		}
		base = localURL(address)
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	return askHealth(ctx, base+"/healthz", stdout)
}

// askHealth writes down what the gateway says of itself.
func askHealth(ctx context.Context, url string, stdout io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := newHTTPClient().Do(request)
	if err != nil {
		return fmt.Errorf("the gateway does not answer: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the gateway is not well: %s answers %s", url, response.Status)
	}
	_, err = io.Copy(stdout, response.Body)
	fmt.Fprintln(stdout)
	return err
}
