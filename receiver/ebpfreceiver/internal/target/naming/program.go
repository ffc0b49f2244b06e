package naming

import (
	"path"
	"slices"
	"strings"
)

// Process is what a program is named by.
type Process struct {
	Executable string
	Args       []string // the first is its own name
	// MainPackage is the import path of a Go program's main package, if known.
	MainPackage string
	// Directory returns the working directory. It is only called where a name is
	// too common to stand alone.
	Directory func() string
}

// Program names the program that a process runs. It is never empty unless the
// executable is.
func Program(p *Process) string {
	runtime, _ := Interpreter(p.Executable)
	if name := title(runtime, p.Args, p.Directory); name != "" {
		return name
	}
	if len(p.Args) > 0 {
		if name := script(runtime, p.Args[1:], p.Directory); name != "" {
			return name
		}
	}
	base := path.Base(p.Executable)
	if runtime != Native || !isCommon(stem(base)) {
		return base
	}
	for _, place := range [...]string{p.MainPackage, path.Dir(p.Executable)} {
		if name := clean(nameOfDirectory(place)); name != "" {
			return name
		}
	}
	return base
}

func script(runtime Runtime, args []string, directory func() string) string {
	switch runtime {
	case Python:
		return python(args, directory)
	case JVM:
		return java(args)
	}
	if syntax, ok := syntaxOf(runtime); ok {
		return syntax.script(args, directory)
	}
	return ""
}

// syntax is the command line of an interpreter whose options come before its
// script.
type syntax struct {
	code   string   // short options after which code stands, not a script
	valued string   // short options whose value is the next argument
	long   []string // long options whose value is the next argument
}

func syntaxOf(runtime Runtime) (syntax, bool) {
	switch runtime {
	case Node:
		return syntax{code: "ep", valued: "rC", long: []string{"--require", "--import", "--loader", "--experimental-loader", "--conditions"}}, true
	case Ruby:
		return syntax{code: "e", valued: "rICEx"}, true
	case Perl:
		return syntax{code: "eE"}, true
	case PHP:
		return syntax{code: "rRB", valued: "dcztS"}, true
	case DotNet:
		return syntax{}, true
	}
	return syntax{}, false
}

func (s syntax) script(args []string, directory func() string) string {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--" || arg == "exec" || arg == "run":
		case arg == "--eval" || arg == "--print" || isCluster(arg, s.code):
			return ""
		case slices.Contains(s.long, arg), len(arg) == 2 && isCluster(arg, s.valued):
			i++
		case strings.HasPrefix(arg, "-"):
		default:
			return file(arg, directory)
		}
	}
	return ""
}

// isCluster reports whether arg is a group of short options, as -ne, which ends
// with one of last.
func isCluster(arg, last string) bool {
	return len(arg) > 1 && arg[0] == '-' && isLetters(arg[1:]) && strings.IndexByte(last, arg[len(arg)-1]) >= 0
}

func isLetters(s string) bool {
	for _, c := range []byte(s) {
		if c|0x20 < 'a' || 'z' < c|0x20 {
			return false
		}
	}
	return true
}

// title recognises the titles that servers write over their arguments.
func title(runtime Runtime, args []string, directory func() string) string {
	if len(args) != 1 || !strings.Contains(args[0], " ") {
		return ""
	}
	first, rest, _ := strings.Cut(args[0], " ")
	open, end := strings.LastIndexByte(rest, '['), strings.LastIndexByte(rest, ']')
	switch {
	case runtime == Python && first == "gunicorn:" && 0 <= open && open < end:
		return application(rest[open+1:end], directory)
	case runtime == Python && first == "[celeryd:":
		return "celery"
	case runtime == Ruby && (first == "puma" || first == "puma:"):
		if 0 <= open && open < end {
			return clean(rest[open+1 : end])
		}
		return "puma"
	case runtime == Ruby && (first == "sidekiq" || first == "unicorn" || first == "resque"):
		return first
	}
	return ""
}

// file names a script: its name without the extension, or that of the directory
// where the name alone says nothing.
func file(script string, directory func() string) string {
	name := stem(path.Base(script))
	if !isCommon(name) {
		return clean(name)
	}
	place := path.Dir(script)
	if !path.IsAbs(script) {
		place = path.Join(directory(), place)
	}
	if better := clean(nameOfDirectory(place)); better != "" {
		return better
	}
	return clean(name)
}

// nameOfDirectory returns the nearest directory whose name says something.
func nameOfDirectory(place string) string {
	for ; place != "/" && place != "." && place != ""; place = path.Dir(place) {
		if name := path.Base(place); !isCommon(name) {
			return name
		}
	}
	return ""
}

// isCommon reports whether a name of a file or directory says nothing about
// what the program is.
func isCommon(name string) bool {
	switch strings.ToLower(name) {
	case "app", "application", "main", "__main__", "__init__", "index", "server", "service", "srv", "start", "run", "manage", "wsgi", "asgi",
		"cli", "cmd", "artisan", "console", "bootstrap", "entrypoint", "src", "source", "code", "bin", "sbin", "dist", "build", "out",
		"target", "release", "debug", "lib", "libs", "node_modules", ".bin", "public", "web", "www", "html", "usr", "local", "opt", "var",
		"home", "root", "data", "workspace", "work", "current", "releases", "tmp", "site-packages", "dist-packages", "..", ".", "/":
		return true
	}
	return false
}

// stem strips the extensions of scripts and archives.
func stem(name string) string {
	for _, extension := range [...]string{".py", ".pyc", ".pyz", ".js", ".mjs", ".cjs", ".ts", ".mts", ".rb", ".ru", ".pl", ".php", ".phar", ".dll", ".exe", ".jar", ".war"} {
		if short, ok := strings.CutSuffix(name, extension); ok && short != "" {
			return short
		}
	}
	return name
}

const nameLimit = 128

// clean returns the name, or nothing if it looks like anything but a name.
func clean(name string) string {
	if len(name) > nameLimit {
		return ""
	}
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c >= 0x80:
		case strings.IndexByte("._-+@$ ", c) >= 0:
		default:
			return ""
		}
	}
	return strings.TrimSpace(strings.ToValidUTF8(name, ""))
}
