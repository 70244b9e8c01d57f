package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"broadcastbot"
	"broadcastbot/capture"
)

// runDevices lists microphones, as device:NAME takes them.
func runDevices(_ context.Context, args []string, stdout, stderr io.Writer) error {
	if _, err := parse(newFlags("devices", "", stderr), args, 0, 0); err != nil {
		return err
	}
	devices, err := capture.Devices()
	if err != nil {
		return err
	}
	for _, d := range devices {
		note := ""
		if d.Default {
			note = " (default)"
		}
		fmt.Fprintf(stdout, "device:%s%s\n", uniqueName(d, devices), note)
	}
	return nil
}

// uniqueName is what device:NAME takes for one of the devices: where several have its name, its ID.
func uniqueName(d capture.Device, devices []capture.Device) string {
	for _, other := range devices {
		if other.Name == d.Name && other.ID != d.ID {
			return d.ID
		}
	}
	return d.Name
}

func runPrintConfig(_ context.Context, args []string, stdout, stderr io.Writer) error {
	if _, err := parse(newFlags("config", "", stderr), args, 0, 0); err != nil {
		return err
	}
	_, err := stdout.Write(broadcastbot.Config)
	return err
}

func runCheckConfig(_ context.Context, args []string, stdout, stderr io.Writer) error {
	words, err := parse(newFlags("check-config", "FILE", stderr), args, 1, 1)
	if err != nil {
		return err
	}
	c, err := loadConfig(words[0])
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return fmt.Errorf("%s is not complete:\n%w", words[0], err)
	}
	for _, room := range c.plainRooms() {
		fmt.Fprintf(stdout, "warning: in the room %s %s\n", room, plainWarning)
	}
	if c.keyIsInData() {
		fmt.Fprintln(stdout, "warning:", keyWarning)
	}
	if c.hasDeafStudio() {
		fmt.Fprintln(stdout, "warning:", studioWarning)
	}
	fmt.Fprintln(stdout, words[0], "is fine")
	return nil
}

func runVersion(_ context.Context, args []string, stdout, stderr io.Writer) error {
	if _, err := parse(newFlags("version", "", stderr), args, 0, 0); err != nil {
		return err
	}
	version := "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	fmt.Fprintf(stdout, "broadcastbot %s, %s, %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
