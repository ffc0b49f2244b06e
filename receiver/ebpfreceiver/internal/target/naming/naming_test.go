package naming

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// in returns a process in a directory.
func in(directory, executable string, args ...string) *Process {
	return &Process{Executable: executable, Args: append([]string{executable}, args...), Directory: func() string { return directory }}
}

func program(p *Process) string {
	if p.Directory == nil {
		p.Directory = func() string { return "" }
	}
	return Program(p)
}

func TestProgramsThatAreTheirOwnName(t *testing.T) {
	for want, p := range map[string]*Process{
		"nginx":        {Executable: "/usr/sbin/nginx", Args: []string{"nginx: worker process"}},
		"postgres":     {Executable: "/usr/lib/postgresql/16/bin/postgres", Args: []string{"postgres: 16/main: checkpointer"}},
		"redis-server": {Executable: "/usr/bin/redis-server", Args: []string{"redis-server *:6379"}},
		"php-fpm8.2":   {Executable: "/usr/sbin/php-fpm8.2", Args: []string{"php-fpm: pool www"}},
		"beam.smp":     {Executable: "/usr/lib/erlang/erts-13/bin/beam.smp", Args: []string{"beam.smp", "-setcookie", "secret"}},
		"otelcol":      {Executable: "/otelcol", Args: nil},
	} {
		assert.Equal(t, want, program(p))
	}
}

func TestProgramsWithACommonName(t *testing.T) {
	for title, test := range map[string]struct {
		process *Process
		want    string
	}{
		"take the main package of a Go program":     {&Process{Executable: "/app/main", MainPackage: "github.com/acme/orders"}, "orders"},
		"take its directory where that is cmd":      {&Process{Executable: "/server", MainPackage: "github.com/acme/orders/cmd/server"}, "orders"},
		"take the directory of the executable":      {&Process{Executable: "/srv/billing/bin/server"}, "billing"},
		"pass over versions of releases":            {&Process{Executable: "/srv/billing/current/bin/app"}, "billing"},
		"keep the name where nothing says more":     {&Process{Executable: "/app/main"}, "main"},
		"keep a name that says something":           {&Process{Executable: "/app/orders", MainPackage: "github.com/acme/x"}, "orders"},
		"do not take a main package that is common": {&Process{Executable: "/bin/app", MainPackage: "main"}, "app"},
	} {
		t.Run(title, func(t *testing.T) { assert.Equal(t, test.want, program(test.process)) })
	}
}

func TestPython(t *testing.T) {
	const exe = "/usr/bin/python3.11"
	for title, test := range map[string]struct {
		process *Process
		want    string
	}{
		"script":                              {in("/", exe, "/srv/billing.py", "--password", "hunter2"), "billing"},
		"script after options":                {in("/", exe, "-u", "-W", "ignore", "-X", "dev", "-O", "worker.py"), "worker"},
		"script with a common name":           {in("/", exe, "/srv/billing/app.py"), "billing"},
		"relative script with a common name":  {in("/srv/billing", exe, "manage.py", "runserver", "8000"), "billing"},
		"relative script in a common place":   {in("/srv/billing", exe, "src/main.py"), "billing"},
		"common name in a common place":       {in("/app", exe, "main.py"), "main"},
		"executable of a virtual environment": {in("/", "/srv/x/venv/bin/python", "/srv/x/venv/bin/pgadmin4"), "pgadmin4"},
		"module":                              {in("/", exe, "-m", "http.server", "8000"), "http.server"},
		"module in a cluster":                 {in("/", exe, "-um", "http.server"), "http.server"},
		"module in one word":                  {in("/", exe, "-mhttp.server"), "http.server"},
		"module that is a package":            {in("/", exe, "-m", "billing.__main__"), "billing"},
		"code":                                {in("/", exe, "-c", "import os; os.environ['PASSWORD']"), "python3.11"},
		"code in a cluster":                   {in("/", exe, "-Ic", "print"), "python3.11"},
		"code in one word":                    {in("/", exe, "-cprint"), "python3.11"},
		"standard input":                      {in("/", exe, "-"), "python3.11"},
		"nothing":                             {in("/", exe), "python3.11"},
		"no arguments at all":                 {&Process{Executable: exe}, "python3.11"},
		"option without its value":            {in("/", exe, "-m"), "python3.11"},
		"gunicorn":                            {in("/srv/x", exe, "/usr/bin/gunicorn", "-w", "4", "-b", "0.0.0.0:80", "shop.wsgi:app"), "shop"},
		"gunicorn with a factory":             {in("/", exe, "/usr/bin/gunicorn", "orders.api:create()", "--bind=unix:/run/x.sock"), "orders.api"},
		"gunicorn with a common module":       {in("/srv/billing", exe, "/usr/bin/gunicorn", "app:app"), "billing"},
		"gunicorn with a name":                {in("/", exe, "/usr/bin/gunicorn", "-n", "till", "app:app"), "till"},
		"gunicorn with a long name":           {in("/", exe, "/usr/bin/gunicorn", "--name=till", "app:app"), "till"},
		"gunicorn with only a configuration":  {in("/", exe, "/usr/bin/gunicorn", "-c", "python:conf.live"), "gunicorn"},
		"gunicorn bound to a host name":       {in("/", exe, "/usr/bin/gunicorn", "shop:app", "-b", "localhost:8000"), "shop"},
		"gunicorn as a module":                {in("/", exe, "-m", "gunicorn", "shop:app"), "shop"},
		"uvicorn":                             {in("/", exe, "/usr/local/bin/uvicorn", "shop.main:app", "--port", "80"), "shop"},
		"celery":                              {in("/", exe, "/usr/bin/celery", "-A", "billing", "worker", "-b", "redis://:secret@host"), "billing"},
		"celery with a long option":           {in("/", exe, "/usr/bin/celery", "--app=billing.tasks", "worker"), "billing.tasks"},
		"celery without an application":       {in("/", exe, "/usr/bin/celery", "worker"), "celery"},
		"flask":                               {in("/", exe, "/usr/bin/flask", "--app", "billing", "run"), "billing"},
		"flask without an application":        {in("/srv/till", exe, "/usr/bin/flask", "run"), "till"},
		"title of gunicorn's master":          {&Process{Executable: exe, Args: []string{"gunicorn: master [shop.wsgi:app]"}}, "shop"},
		"title of gunicorn's worker":          {&Process{Executable: exe, Args: []string{"gunicorn: worker [till]"}}, "till"},
		"title of celery":                     {&Process{Executable: exe, Args: []string{"[celeryd: w1@host:MainProcess] -active- (-A billing)"}}, "celery"},
		"title of something else":             {&Process{Executable: exe, Args: []string{"my daemon --key=1"}}, "python3.11"},
	} {
		t.Run(title, func(t *testing.T) { assert.Equal(t, test.want, program(test.process)) })
	}
}

func TestJava(t *testing.T) {
	const exe = "/usr/lib/jvm/17/bin/java"
	for title, test := range map[string]struct {
		args []string
		want string
	}{
		"archive":                         {[]string{"-Xmx1g", "-jar", "/srv/orders-service.jar", "--db.password=x"}, "orders-service"},
		"archive with a version":          {[]string{"-jar", "orders-1.2.3-SNAPSHOT.jar"}, "orders"},
		"archive with a version and v":    {[]string{"-jar", "orders-v2.jar"}, "orders"},
		"archive with another dash":       {[]string{"-jar", "orders-vault-api.jar"}, "orders-vault-api"},
		"main class":                      {[]string{"-cp", "/a.jar:/b.jar", "-Dsecret=1", "com.acme.Orders", "x"}, "com.acme.Orders"},
		"main class after long options":   {[]string{"--add-opens", "java.base/java.lang=ALL-UNNAMED", "--class-path", "x", "kafka.Kafka"}, "kafka.Kafka"},
		"nested main class":               {[]string{"-cp", "x", "com.acme.Orders$Main"}, "com.acme.Orders$Main"},
		"module":                          {[]string{"-p", "mods", "-m", "com.acme/com.acme.Orders"}, "com.acme.Orders"},
		"source file":                     {[]string{"/tmp/Demo.java", "8080"}, "Demo"},
		"name for OpenTelemetry":          {[]string{"-Dotel.service.name=till", "-jar", "x.jar"}, "till"},
		"name for Spring":                 {[]string{"-Dspring.application.name=till", "-jar", "x.jar"}, "till"},
		"property that is no name":        {[]string{"-Dotel.service.name=", "-jar", "x.jar"}, "x"},
		"option without its value":        {[]string{"-jar"}, "java"},
		"class path without its value":    {[]string{"-cp"}, "java"},
		"arguments in a file":             {[]string{"@/etc/args"}, "java"},
		"something that is not a class":   {[]string{"http://user:secret@host/x.jnlp?a=b"}, "java"},
		"something that looks like flags": {[]string{"-version"}, "java"},
	} {
		t.Run(title, func(t *testing.T) { assert.Equal(t, test.want, program(in("/", exe, test.args...))) })
	}
}

func TestOtherInterpreters(t *testing.T) {
	for title, test := range map[string]struct {
		process *Process
		want    string
	}{
		"node":                          {in("/", "/usr/bin/node", "--max-old-space-size=400", "/srv/till.js", "--token", "x"), "till"},
		"node with a common name":       {in("/srv/till", "/usr/bin/node", "server.js"), "till"},
		"node with a nested file":       {in("/srv/till", "/usr/bin/node", "dist/src/index.mjs"), "till"},
		"node after a hook":             {in("/", "/usr/bin/node", "-r", "dotenv/config", "--import", "./x.mjs", "till.ts"), "till"},
		"node with code":                {in("/", "/usr/bin/node", "-e", "secret()"), "node"},
		"node with code to print":       {in("/", "/usr/bin/node", "-pe", "secret"), "node"},
		"node with code in long":        {in("/", "/usr/bin/node", "--eval", "secret"), "node"},
		"node's package manager":        {in("/", "/usr/bin/node", "/usr/bin/npm", "start"), "npm"},
		"ruby":                          {in("/", "/usr/bin/ruby3.1", "-I", "lib", "-W0", "/srv/till.rb"), "till"},
		"ruby with code":                {in("/", "/usr/bin/ruby", "-rjson", "-ne", "secret"), "ruby"},
		"puma":                          {&Process{Executable: "/usr/bin/ruby", Args: []string{"puma 6.4.0 (tcp://0.0.0.0:9292) [till]"}}, "till"},
		"puma's worker":                 {&Process{Executable: "/usr/bin/ruby", Args: []string{"puma: cluster worker 0: 17 [till]"}}, "till"},
		"puma without a name":           {&Process{Executable: "/usr/bin/ruby", Args: []string{"puma 6.4.0 (tcp://0.0.0.0:9292)"}}, "puma"},
		"sidekiq":                       {&Process{Executable: "/usr/bin/ruby", Args: []string{"sidekiq 7.1.0 till [0 of 5 busy]"}}, "sidekiq"},
		"perl":                          {in("/", "/usr/bin/perl", "-T", "-w", "/usr/sbin/amavisd"), "amavisd"},
		"perl with code":                {in("/", "/usr/bin/perl", "-lane", "print $secret"), "perl"},
		"php":                           {in("/srv/till", "/usr/bin/php8.2", "-d", "memory_limit=1G", "artisan", "queue:work"), "till"},
		"php with code":                 {in("/", "/usr/bin/php", "-r", "secret();"), "php"},
		"php's own server":              {in("/", "/usr/bin/php", "-S", "0.0.0.0:80", "/srv/till.php"), "till"},
		"dotnet":                        {in("/", "/usr/bin/dotnet", "/app/Till.Api.dll"), "Till.Api"},
		"dotnet's build tool":           {in("/", "/usr/bin/dotnet", "exec", "Till.dll"), "Till"},
		"an argument that is no name":   {in("/", "/usr/bin/node", "https://user:pass@host/x?token=1"), "node"},
		"an argument that is too long":  {in("/", "/usr/bin/node", strings.Repeat("x", 200)), "node"},
		"an argument that is an option": {in("/", "/usr/bin/node", "--inspect"), "node"},
	} {
		t.Run(title, func(t *testing.T) { assert.Equal(t, test.want, program(test.process)) })
	}
}

func TestInterpreter(t *testing.T) {
	for executable, want := range map[string]struct {
		runtime Runtime
		version string
		name    string
	}{
		"/usr/bin/python3.11":      {Python, "3.11", "cpython"},
		"/usr/bin/python":          {Python, "", "cpython"},
		"/usr/bin/node":            {Node, "", "nodejs"},
		"/opt/jdk-17.0.1/bin/java": {JVM, "", "java"},
		"/usr/bin/ruby3.1":         {Ruby, "3.1", "ruby"},
		"/usr/bin/php8.2":          {PHP, "8.2", "php"},
		"/usr/bin/perl5.36.0":      {Perl, "5.36.0", "perl"},
		"/usr/bin/dotnet":          {DotNet, "", "dotnet"},
		"/usr/sbin/nginx":          {Native, "", ""},
		"/usr/bin/javac":           {Native, "", ""},
		"/usr/bin/pythonista":      {Native, "", ""},
		"":                         {Native, "", ""},
	} {
		runtime, version := Interpreter(executable)
		assert.Equal(t, want.runtime, runtime, executable)
		assert.Equal(t, want.version, version, executable)
		assert.Equal(t, want.name, runtime.String(), executable)
	}
	assert.Equal(t, "go", Go.String())
}

func FuzzProgram(f *testing.F) {
	f.Add("/usr/bin/python3", "-m\x00gunicorn\x00a:b", "/srv")
	f.Add("/usr/bin/java", "-cp\x00x\x00a.B", "")
	f.Add("/usr/bin/node", "-pe\x00x", "/app")
	f.Add("/usr/bin/ruby", "puma ] [", "relative")
	f.Fuzz(func(t *testing.T, executable, args, directory string) {
		name := Program(&Process{
			Executable: executable, Args: strings.Split(args, "\x00"), Directory: func() string { return directory },
		})
		assert.NotEmpty(t, name)
		base := executable[strings.LastIndexByte(executable, '/')+1:]
		if name != base && base != "" {
			assert.NotContains(t, name, "=", "options and their values are no names")
			assert.NotContains(t, name, "/")
			assert.NotContains(t, name, ":")
			assert.LessOrEqual(t, len(name), nameLimit)
		}
	})
}
