package naming

import (
	"path"
	"strings"
)

// Runtime is what executes the code of a process.
type Runtime uint8

// Kinds of runtimes. Go cannot be told by the name of a program.
const (
	Native Runtime = iota // machine code, or a runtime that is not told apart
	Go
	Python
	Node
	JVM
	Ruby
	PHP
	Perl
	DotNet
)

// String returns the process.runtime.name of the runtime; Native has none.
func (r Runtime) String() string {
	return [...]string{"", "go", "cpython", "nodejs", "java", "ruby", "php", "perl", "dotnet"}[r]
}

// Interpreter returns the runtime that an executable is, with the version that
// its name tells: python3.11 is Python and "3.11".
func Interpreter(executable string) (runtime Runtime, version string) {
	name := path.Base(executable)
	stem := strings.TrimRight(name, "0123456789.")
	version = strings.TrimSuffix(name[len(stem):], ".")
	switch stem {
	case "python":
		return Python, version
	case "node", "nodejs":
		return Node, version
	case "java":
		return JVM, version
	case "ruby":
		return Ruby, version
	case "php":
		return PHP, version
	case "perl":
		return Perl, version
	case "dotnet":
		return DotNet, version
	}
	return Native, ""
}
