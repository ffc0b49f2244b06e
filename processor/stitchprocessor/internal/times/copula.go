package times

// copula is a stub until measured.
type copula struct{}

func (c *copula) evaluate(*model, *eval, *layout) float64 { return 0 }

func (l *learner) copula() *copula { return nil }
