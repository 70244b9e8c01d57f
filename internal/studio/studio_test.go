package studio

import (
	"testing"

	"broadcastbot/internal/browser"
)

func TestStudioModules(t *testing.T) { browser.TestModules(t) }
