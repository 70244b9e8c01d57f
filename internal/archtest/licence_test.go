package archtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// compatible are the licences under which code may be linked into a program under the Apache License
// 2.0, each with words that stand in it alone. The Mozilla licence binds the files it covers, which
// stay as they are, and no others. A licence that is not here, such as the GNU ones, has to be thought
// about before it is added.
var compatible = map[string]string{
	"Apache-2.0": "Apache License Version 2.0, January 2004",
	"MIT":        "Permission is hereby granted, free of charge, to any person obtaining a copy of this software",
	"BSD":        "Redistribution and use in source and binary forms, with or without modification, are permitted provided",
	"ISC":        "distribute this software for any purpose with or without fee is hereby granted",
	"MPL-2.0":    "Mozilla Public License Version 2.0",
	"Unlicense":  "This is free and unencumbered software released into the public domain",
}

// licencesIn returns the compatible licences whose text stands in a folder's licence files.
func licencesIn(dir string) (names []string) {
	files, _ := filepath.Glob(filepath.Join(dir, "[LC][IO][CP][EY]*")) // LICENSE, LICENCE, COPYING
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // a folder of licences, beside the file
		}
		flat := strings.Join(strings.Fields(strings.ReplaceAll(string(text), "//", "")), " ") // it may stand in comments
		for name, words := range compatible {
			if strings.Contains(flat, words) {
				names = append(names, name)
			}
		}
	}
	return names
}

func TestLicence(t *testing.T) {
	text, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.Join(strings.Fields(string(text)), " ")
	for _, words := range []string{compatible["Apache-2.0"], "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION", "9. Accepting Warranty or Additional Liability.", "END OF TERMS AND CONDITIONS"} {
		if !strings.Contains(flat, words) {
			t.Errorf("LICENSE is not the whole Apache License 2.0: %q is missing", words)
		}
	}
}

// TestModulesHaveCompatibleLicences looks at every module of which the program contains a package.
func TestModulesHaveCompatibleLicences(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}", module+"/cmd/broadcastbot").Output()
	if err != nil {
		t.Fatal("go list:", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	lines = slices.DeleteFunc(slices.Compact(lines), func(line string) bool { return line == "" })
	if len(lines) < len(doors) {
		t.Fatalf("go list found %d modules, want at least %d", len(lines), len(doors))
	}
	for _, line := range lines {
		path, dir, _ := strings.Cut(line, " ")
		if names := licencesIn(dir); len(names) == 0 {
			t.Errorf("%s has no licence that is known to be compatible with ours: read it in %s, and leave the module or add its licence to the table", path, dir)
		}
	}
}

// TestVendoredFilesHaveTheirLicences: decoder and encoder are each two works in one file.
func TestVendoredFilesHaveTheirLicences(t *testing.T) {
	for _, dir := range []string{"../player/vendor", "../studio/vendor"} {
		names := licencesIn(dir)
		slices.Sort(names)
		if !slices.Equal(names, []string{"BSD", "MIT"}) {
			t.Errorf("%s/LICENSE has the licences %q, want those of libopus (BSD) and of what was made of it (MIT)", dir, names)
		}
	}
}

// TestUnknownLicenceIsFound: the table knows what it does not know.
func TestUnknownLicenceIsFound(t *testing.T) {
	dir := t.TempDir()
	text := "GNU LESSER GENERAL PUBLIC LICENSE\nVersion 2.1, February 1999\nThis library is free software; you can redistribute it"
	if err := os.WriteFile(filepath.Join(dir, "LICENSE"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if names := licencesIn(dir); len(names) > 0 {
		t.Errorf("taken for %q", names)
	}
}
