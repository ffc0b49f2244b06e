package naming

import (
	"path"
	"strings"
)

// java names what a JVM with these arguments runs: the name that its system
// properties give, else the archive, else the main class.
func java(args []string) string {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "-jar":
			if i+1 < len(args) {
				return clean(archive(args[i+1]))
			}
		case takesValue(arg):
			i++
		case arg == "-m" || arg == "--module":
			if i+1 < len(args) {
				return class(args[i+1])
			}
		case strings.HasPrefix(arg, "-Dotel.service.name="), strings.HasPrefix(arg, "-Dspring.application.name="):
			_, name, _ := strings.Cut(arg, "=")
			if name = clean(name); name != "" {
				return name
			}
		case strings.HasPrefix(arg, "-"), strings.HasPrefix(arg, "@"):
		default:
			return class(arg)
		}
	}
	return ""
}

// takesValue reports whether the next argument belongs to this option of the
// java launcher.
func takesValue(option string) bool {
	switch option {
	case "-cp", "-classpath", "--class-path", "-p", "--module-path", "--upgrade-module-path", "--add-modules", "--add-exports",
		"--add-opens", "--add-reads", "--patch-module", "--limit-modules", "--enable-native-access", "--source", "-agentlib", "--describe-module", "-d":
		return true
	}
	return false
}

// class returns the fully qualified main class of "module/class" or "class".
func class(arg string) string {
	name := arg[strings.LastIndexByte(arg, '/')+1:]
	if strings.HasSuffix(name, ".java") {
		return clean(strings.TrimSuffix(name, ".java"))
	}
	if !isDotted(strings.ReplaceAll(name, "$", "_")) {
		return ""
	}
	return clean(name)
}

// archive names a jar without its version, which changes with every release:
// orders-service-1.2.3-SNAPSHOT.jar is orders-service.
func archive(file string) string {
	name := stem(path.Base(file))
	for i := 1; i+1 < len(name); i++ {
		next := name[i+1]
		if name[i] == '-' && (isDigit(next) || next == 'v' && i+2 < len(name) && isDigit(name[i+2])) {
			return name[:i]
		}
	}
	return name
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
