package opusblocks

import "testing"

func TestSeekTable(t *testing.T) {
	var table SeekTable
	packets := [][]byte{{0x78}}
	for i := range int64(5000) { // 5000 blocks of 10 s: nearly 14 hours
		table.Add(Block{Offset: int64(HeadSize) + i*1000, Start: i * tableStep, Packets: packets})
	}
	if n := len(table.entries); n > 2*tableEntries {
		t.Errorf("%d entries", n)
	}
	parsed, err := ParseSeekTable(table.String())
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(5000) {
		offset, ok := parsed.Lookup(i*tableStep + 5)
		if early := int64(HeadSize) + i*1000 - offset; !ok || early < 0 || early > 8000 {
			t.Fatalf("Lookup(block %d) = %d, %v: %d bytes early", i, offset, ok, early)
		}
	}
	if _, ok := parsed.Lookup(-1); ok {
		t.Error("found something before the beginning")
	}
	for _, bad := range []string{"!", "gA", "AAAA", "_____________________w"} {
		if _, err := ParseSeekTable(bad); err == nil {
			t.Errorf("ParseSeekTable(%q) is no error", bad)
		}
	}
	if empty, err := ParseSeekTable(""); err != nil || len(empty.entries) > 0 {
		t.Errorf("ParseSeekTable of nothing = %v, %v", empty, err)
	}
}

func TestSeekTableWithin(t *testing.T) {
	var table SeekTable
	for i := range int64(600) {
		table.Add(Block{Offset: 200 + i*40000, Start: i * tableStep, Packets: [][]byte{{0x78}}})
	}
	whole := table.String()
	coarse := table.Within(2000)
	if n := len(coarse.String()); n > 2000 || n < 900 || table.String() != whole {
		t.Errorf("%d characters of %d", n, len(whole))
	}
	for i := range int64(600) {
		offset, ok := coarse.Lookup(i * tableStep)
		if early := 200 + i*40000 - offset; !ok || early < 0 || early > 4*40000 {
			t.Fatalf("Lookup(block %d) = %d, %v: %d bytes early", i, offset, ok, early)
		}
	}
	if same := table.Within(1 << 20); same.String() != whole {
		t.Error("a table that fits was made coarser")
	}
}
