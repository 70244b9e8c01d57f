package archtest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What fits on a screen is read in one go. Tests and data may be longer.
const (
	maxFunction    = 60  // lines
	medianFunction = 10  // lines, of all functions
	p90Function    = 25  // lines, of all functions
	maxFile        = 300 // lines
	maxFields      = 15  // of a struct, unless its comment speaks of its fields and says why they belong together
	maxMethods     = 20  // of a type, unless its comment speaks of its methods and says why
)

// source is a Go file that is no test.
type source struct {
	path string
	fset *token.FileSet
	file *ast.File
}

// mustSources parses the project's Go files.
func mustSources(t *testing.T) (sources []source) {
	t.Helper()
	for _, path := range mustGlob(t, "../..", ".go") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, source{path, fset, file})
	}
	if len(sources) < 100 {
		t.Fatalf("found only %d Go files", len(sources))
	}
	return sources
}

// mustGlob returns the files below a folder with this end, but for what was fetched from elsewhere.
func mustGlob(t *testing.T, dir, end string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && slices.Contains([]string{".git", "node_modules", "vendor", "testdata"}, entry.Name()) {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, end) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func (s source) lines(node ast.Node) int {
	return s.fset.Position(node.End()).Line - s.fset.Position(node.Pos()).Line + 1
}

func TestFunctionsAreShort(t *testing.T) {
	var lengths []int
	for _, s := range mustSources(t) {
		for _, declaration := range s.file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := s.lines(function)
			if lengths = append(lengths, n); n > maxFunction {
				t.Errorf("%s has %d lines, more than %d", s.fset.Position(function.Pos()), n, maxFunction)
			}
		}
	}
	slices.Sort(lengths)
	median, p90 := lengths[len(lengths)/2], lengths[len(lengths)*9/10]
	t.Logf("%d functions: median %d, p90 %d, longest %d lines", len(lengths), median, p90, lengths[len(lengths)-1])
	if median > medianFunction || p90 > p90Function {
		t.Errorf("functions have %d lines in the median and %d at p90, want at most %d and %d", median, p90, medianFunction, p90Function)
	}
}

func TestFilesAreShort(t *testing.T) {
	var modules []string
	for _, page := range []string{"../player", "../studio"} {
		found := mustGlob(t, page, ".js")
		if len(found) == 0 {
			t.Fatalf("%s has no modules", page)
		}
		modules = append(modules, found...)
	}
	for _, s := range mustSources(t) {
		modules = append(modules, s.path)
	}
	for _, path := range modules {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\n")); n > maxFile {
			t.Errorf("%s has %d lines, more than %d", path, n, maxFile)
		}
	}
}

func TestTypesAreSmall(t *testing.T) {
	methods, comments := map[string]int{}, map[string]string{}
	for _, s := range mustSources(t) {
		dir := filepath.Dir(s.path)
		for _, declaration := range s.file.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil {
					methods[dir+" "+receiver(d)]++
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if named, ok := spec.(*ast.TypeSpec); ok {
						comment := d.Doc.Text() + named.Doc.Text()
						comments[dir+" "+named.Name.Name] = comment
						checkFields(t, s, named, comment)
					}
				}
			}
		}
	}
	for name, n := range methods {
		if n > maxMethods && !strings.Contains(comments[name], "method") {
			t.Errorf("%s has %d methods, more than %d: split it, or say in its comment why these methods belong together", name, n, maxMethods)
		}
	}
}

// checkFields counts what a struct declares itself.
func checkFields(t *testing.T, s source, named *ast.TypeSpec, comment string) {
	structure, ok := named.Type.(*ast.StructType)
	if !ok {
		return
	}
	n := 0
	for _, field := range structure.Fields.List {
		n += max(1, len(field.Names))
	}
	if n > maxFields && !strings.Contains(comment, "field") {
		t.Errorf("%s: %s has %d fields, more than %d: split it, or say in its comment why these fields belong together",
			s.fset.Position(named.Pos()), named.Name, n, maxFields)
	}
}

// receiver returns the name of the type that a method has.
func receiver(d *ast.FuncDecl) string {
	expression := d.Recv.List[0].Type
	if pointer, ok := expression.(*ast.StarExpr); ok {
		expression = pointer.X
	}
	switch generic := expression.(type) {
	case *ast.IndexExpr:
		expression = generic.X
	case *ast.IndexListExpr:
		expression = generic.X
	}
	return expression.(*ast.Ident).Name
}
