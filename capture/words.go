package capture

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
)

// Correction is a whole sentence about a first word that looks like a source and is none.
// Whoever typed it meant a source: taken for a title, it would open one that nobody named.
type Correction string

func (c Correction) Error() string { return string(c) }

// FromWords looks for a source at the beginning of words, which a person has typed. It
// returns the specification, or "" where the words name none, and the words after it. A
// first word that only looks like a source is an error, a Correction; so is a specification
// behind the first word.
//
// A specification is one word: the name of a kind in lower case, a colon, and something
// directly behind it. Of some kinds the name alone is one. These look like one, and are
// corrected:
//
//   - almost that form: an alias, capitals, another mark for the colon, one letter wrong
//     (mic:USB, File:x, file;x, flie:x);
//   - the name or an alias alone, or in lower case before other words (mic, tone 880). With
//     a capital letter before other words it begins a title (Tone poems), unless the next
//     word is what the kind would want there (File: talk.opus, Tone 880);
//   - an address (https://…, www.…), a path (/srv/talk, ./talk), the name of a sound file
//     (talk.opus);
//   - each of these, and a specification, in quotation marks.
//
// Everything else belongs to a title: "Talk: mic check", "Ten: a film", "re:publica".
func (ks Kinds) FromWords(words []string) (spec string, rest []string, err error) {
	if len(words) == 0 {
		return "", nil, nil
	}
	if ks.isSpec(words[0]) {
		return words[0], words[1:], nil
	}
	if err := ks.correct(words); err != nil {
		return "", nil, err
	}
	if i := slices.IndexFunc(words, ks.here().isNamed); i > 0 {
		return "", nil, fmt.Errorf("%s is a source, which has to be the first word", Loggable(words[i]))
	}
	return "", words, nil
}

// isSpec reports whether a word is a specification.
func (ks Kinds) isSpec(word string) bool {
	i := ks.index(word)
	return i >= 0 && ks[i].Alone || ks.isNamed(word)
}

// isNamed reports whether a word is a specification with a colon. One without may be any word of a
// title, unless it is the first.
func (ks Kinds) isNamed(word string) bool {
	_, name, err := ks.Parse(word)
	return err == nil && name != ""
}

// correct returns a Correction if the first word looks like a source, and nil if not.
func (ks Kinds) correct(words []string) error {
	bare := make([]string, len(words))
	for i := range words {
		bare[i] = strings.Trim(words[i], quotes)
	}
	word := words[0]
	isAddress := strings.Contains(word, "://") || strings.HasPrefix(strings.ToLower(bare[0]), "www.")
	if isAddress && !ks.isAddress(bare[0]) {
		return Correction("That is an address, and this station plays none of that kind.")
	}
	meant := ks.meant(bare)
	isOpen := word != bare[0] && strings.HasSuffix(word, bare[0]) // a quotation that goes on behind it
	switch {
	case meant == "":
		return nil
	case strings.Contains(meant, "://") && !ks.isExample(meant): // there may be a password in it
		scheme, _, _ := strings.Cut(meant, ":")
		return Correction(fmt.Sprintf("That looks like an address: it has to begin with %s://, without quotation marks.", strings.ToLower(scheme)))
	case isOpen && len(words) > 1:
		return Correction(fmt.Sprintf("%s looks like a source, which is one word without quotation marks, such as %s.", word, meant))
	}
	return Correction(fmt.Sprintf("%s looks like a source: did you mean %s?", word, meant))
}

// isAddress reports whether a word is an address that is a specification, but for capitals in its
// scheme.
func (ks Kinds) isAddress(word string) bool {
	scheme, rest, _ := strings.Cut(word, ":")
	return strings.HasPrefix(rest, "//") && ks.index(strings.ToLower(scheme)) >= 0
}

// isExample reports whether a specification is there for people to copy.
func (ks Kinds) isExample(spec string) bool {
	return slices.ContainsFunc(ks, func(k Kind) bool { return slices.Contains(k.Examples, spec) })
}

// quotes stand around a word, or around the first of several.
const quotes = "\"'`“”„‘’‚«»‹›<>()[]"

// marks are what people type for the colon of a specification.
const marks = ":;=：；"

// meant returns the specification that somebody meant by words without quotation marks, or
// "" where they look like none.
func (ks Kinds) meant(words []string) string {
	word := words[0]
	if ks.isSpec(word) {
		return word
	}
	if at := strings.IndexAny(word, marks); at > 0 {
		label, name := word[:at], strings.TrimLeft(word[at:], marks)
		if i := ks.resembling(label); i >= 0 && name != "" {
			return ks[i].Name + ":" + name
		}
	}
	label := strings.TrimRight(word, marks+".,!?")
	if i := ks.called(strings.ToLower(label)); i >= 0 {
		return ks[i].meantBefore(words[1:], label)
	}
	if ks.index("file") >= 0 && (isPath(word) || isSoundFile(word) || isPlaylist(word)) {
		return "file:" + word[strings.LastIndexAny(word, `/\`)+1:]
	}
	return ""
}

// meantBefore returns what somebody meant by the kind's name, written as label, before
// other words; "" where these are a title.
func (k Kind) meantBefore(words []string, label string) string {
	if len(words) == 0 {
		return k.Examples[0]
	}
	next := strings.TrimLeft(words[0], marks)
	for _, example := range k.Examples {
		switch name := strings.TrimPrefix(example, k.Name+":"); {
		case strings.EqualFold(next, name):
			return example
		case isNumber(next) && isNumber(name), isSoundFile(next) && isSoundFile(name):
			return k.Name + ":" + next
		}
	}
	if label != strings.ToLower(label) {
		return ""
	}
	return k.Examples[0]
}

func isNumber(word string) bool { return word != "" && strings.Trim(word, "0123456789") == "" }

// called returns the kind with this name or alias, or -1.
func (ks Kinds) called(name string) int {
	return slices.IndexFunc(ks, func(k Kind) bool { return k.Name == name || slices.Contains(k.Aliases, name) })
}

// resembling returns the kind with this name or alias, or with one that differs in case and
// in one letter at most; otherwise -1.
func (ks Kinds) resembling(label string) int {
	label = strings.ToLower(label)
	if i := ks.called(label); i >= 0 {
		return i
	}
	return slices.IndexFunc(ks, func(k Kind) bool { return isTypo(label, k.Name) })
}

// isTypo reports whether a is b with one letter too many, too few, wrong, or swapped with
// the next. The first letter has to be right: few people miss it, and many words rhyme.
func isTypo(a, b string) bool {
	if a == "" || a[0] != b[0] {
		return false
	}
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	isSwapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	return isSwapped || len(a) <= 1 && len(b) <= 1
}

func isPath(word string) bool {
	return slices.ContainsFunc([]string{"/", "./", "../", "~/"}, func(start string) bool {
		behind, found := strings.CutPrefix(word, start)
		return found && behind != "" && unicode.IsLetter([]rune(behind)[0])
	})
}

// soundFiles are the ends of names of sound files.
var soundFiles = []string{
	".aac", ".aif", ".aiff", ".flac", ".m4a", ".mka", ".mkv", ".mov", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".wav", ".webm", ".wma",
}

func isSoundFile(word string) bool {
	extension := path.Ext(word)
	return len(extension) < len(word) && slices.Contains(soundFiles, strings.ToLower(extension))
}
