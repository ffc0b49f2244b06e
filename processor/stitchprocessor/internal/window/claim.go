package window

// Kind is a kind of evidence. What each one means, and how much it is worth, is
// the linker's knowledge.
type Kind uint8

// Claim is one piece of evidence that a call belongs to a request: either to
// Parent, or to the same one as the call Sibling.
type Claim struct {
	Parent  *Node
	Sibling *Node
	Score   float64 // probability that it is right, if nothing else is known
	Kind    Kind
	Trust   Trust
}

// Trust says what a claim may decide.
type Trust uint8

// Degrees of trust.
const (
	Support  Trust = iota // only together with another class of evidence
	Likely                // when nothing better can come any more
	Decisive              // at once
	Exact                 // at once: an identity, not an inference
)
