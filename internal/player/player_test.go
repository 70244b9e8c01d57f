package player

import (
	"testing"

	"broadcastbot/internal/browser"
)

func TestPlayerModules(t *testing.T) { browser.TestModules(t) }
