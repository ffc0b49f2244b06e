package naming

import (
	"path"
	"strings"
)

// python names what an interpreter with these arguments runs.
func python(args []string, directory func() string) string {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "-W" || arg == "-X" || arg == "--check-hash-based-pycs":
			i++
		case arg == "-" || strings.HasPrefix(arg, "-c") || isCluster(arg, "c"):
			return ""
		case isCluster(arg, "m") && i+1 < len(args):
			return module(args[i+1], args[i+2:], directory)
		case strings.HasPrefix(arg, "-m"):
			return module(arg[2:], args[i+1:], directory)
		case strings.HasPrefix(arg, "-"):
		default:
			if name := server(stem(path.Base(arg)), args[i+1:], directory); name != "" {
				return name
			}
			return file(arg, directory)
		}
	}
	return ""
}

func module(name string, args []string, directory func() string) string {
	if app := server(name, args, directory); app != "" {
		return app
	}
	return clean(strings.TrimSuffix(name, ".__main__"))
}

// server names the application that one of Python's application servers runs.
func server(name string, args []string, directory func() string) string {
	switch name {
	case "gunicorn", "uvicorn", "hypercorn", "daphne", "granian", "waitress-serve":
		if given := option(args, "-n", "--name"); given != "" && name == "gunicorn" {
			return clean(given)
		}
		for i := len(args) - 1; i >= 0; i-- {
			if isApplication(args[i]) {
				return application(args[i], directory)
			}
		}
	case "celery":
		if app := option(args, "-A", "--app"); app != "" {
			return application(app, directory)
		}
	case "flask":
		if app := option(args, "-A", "--app"); app != "" {
			return application(stem(path.Base(app)), directory)
		}
		return file("app.py", directory)
	}
	return ""
}

// option returns the value of an option in any of its forms: -A x, -Ax, --app x,
// --app=x.
func option(args []string, short, long string) string {
	for i, arg := range args {
		if (arg == short || arg == long) && i+1 < len(args) {
			return args[i+1]
		}
		if value, ok := strings.CutPrefix(arg, long+"="); ok {
			return value
		}
		if value, ok := strings.CutPrefix(arg, short); ok && value != "" {
			return value
		}
	}
	return ""
}

// isApplication reports whether an argument has the form package.module:name.
func isApplication(arg string) bool {
	module, name, ok := strings.Cut(arg, ":")
	return ok && module != "python" && module != "file" && module != "unix" && isDotted(module) && isDotted(strings.TrimSuffix(name, "()"))
}

// isDotted reports whether s is one or more identifiers joined by dots.
func isDotted(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || '0' <= part[0] && part[0] <= '9' {
			return false
		}
		for _, c := range []byte(part) {
			if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				return false
			}
		}
	}
	return true
}

// application names package.module:name by its package: of the parts that say
// something, the last.
func application(app string, directory func() string) string {
	module, _, _ := strings.Cut(app, ":")
	parts := strings.Split(module, ".")
	for len(parts) > 0 && isCommon(parts[len(parts)-1]) {
		parts = parts[:len(parts)-1]
	}
	if len(parts) > 0 {
		return clean(strings.Join(parts, "."))
	}
	return file(module+".py", directory)
}
