package opusblocks

// envelope is how the pages of a block stand in the file: sealed behind a
// header (sealed.go), or as they are (plain.go). Everything else, what the pages
// say and how they follow each other, is the same for both.
type envelope interface {
	// pageBlocks reports whether every page is a block.
	pageBlocks() bool

	// headPages returns the pages of block 0.
	headPages(h Head, serial uint32) ([]byte, error)
	// begin appends what stands before a block's pages.
	begin(dst []byte, sequence uint32) []byte
	// end makes a whole block of what begin and the pages behind it are. It may
	// do so in place.
	end(block []byte, sequence uint32) []byte
	// size returns how many bytes a block takes whose pages have so many. Block 0
	// has more.
	size(pages int) int

	// headExtent says of the file's first bytes how many of them block 0 is; more
	// than there are means that it takes so many to tell. The error is a refusal.
	headExtent(start []byte) (size int, err error)
	// openHead returns the pages of block 0, in the room of dst.
	openHead(dst, raw []byte) (pages []byte, err error)
	// extent is headExtent for every other block.
	extent(start []byte) (size int, err error)
	// sequence returns the number that a whole block bears.
	sequence(block []byte) uint32
	// open appends the pages of a whole block to dst.
	open(dst, block []byte) (pages []byte, err error)
}
