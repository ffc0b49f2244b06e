package tracectx_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
)

// vector is a request and what it carries, as evidence.context says it. Empty: none.
type vector struct {
	headers   []string
	want      string
	malformed bool
}

func check(t *testing.T, vectors map[string]vector) {
	t.Helper()
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			found := read(v.headers...)
			assert.Equal(t, v.want, found.Contexts.String())
			assert.Equal(t, v.malformed, found.Malformed)
		})
	}
}

// The examples of openzipkin/b3-propagation.
const (
	b3Trace  = "80f198ee56343ba864fe8b2a57d3eff7"
	b3Span   = "e457b5a2e4d86bd1"
	b3Parent = "05e3ac9a4f6e3b90"
)

func TestB3(t *testing.T) {
	want := "b3:" + b3Trace + ":" + b3Span + ":"
	multi := func(more ...string) []string {
		return append([]string{"x-b3-traceid", b3Trace, "x-b3-spanid", b3Span}, more...)
	}
	bad := func(text string) vector { return vector{headers: []string{"b3", text}, malformed: true} }
	check(t, map[string]vector{
		"the single header's example is read": {headers: []string{"b3", b3Trace + "-" + b3Span + "-1-" + b3Parent}, want: want + "01:" + b3Parent},
		"parent and state may be left out":    {headers: []string{"b3", b3Trace + "-" + b3Span}, want: want + "00"},
		"not sampled is a context":            {headers: []string{"b3", b3Trace + "-" + b3Span + "-0"}, want: want + "00"},
		"debug is sampled":                    {headers: []string{"b3", b3Trace + "-" + b3Span + "-d"}, want: want + "01"},
		"64 bits of trace are padded": {
			headers: []string{"b3", b3Trace[16:] + "-" + b3Span + "-1"},
			want:    "b3:0000000000000000" + b3Trace[16:] + ":" + b3Span + ":01::" + b3Trace[16:],
		},
		"a decision alone is none":                 {headers: []string{"b3", "0"}},
		"an accept alone is none":                  {headers: []string{"b3", "1"}},
		"a debug alone is none":                    {headers: []string{"b3", "d"}},
		"the multiple headers' example is read":    {headers: multi("x-b3-parentspanid", b3Parent, "x-b3-sampled", "1"), want: want + "01:" + b3Parent},
		"a decision may be absent":                 {headers: multi(), want: want + "00"},
		"older tracers write a boolean":            {headers: multi("x-b3-sampled", "true"), want: want + "01"},
		"the flag says debug":                      {headers: multi("x-b3-flags", "1"), want: want + "01"},
		"a multiple decision alone is none":        {headers: []string{"x-b3-sampled", "0"}},
		"single wins over multiple":                {headers: multi("b3", b3Trace+"-"+b3Parent), want: "b3:" + b3Trace + ":" + b3Parent + ":00"},
		"two single headers contradict each other": {headers: []string{"b3", b3Trace + "-" + b3Span, "b3", b3Trace + "-" + b3Span}, malformed: true},
		"a trace without a span is malformed":      {headers: []string{"x-b3-traceid", b3Trace}, malformed: true},
		"a span without a trace is malformed":      {headers: []string{"x-b3-spanid", b3Span}, malformed: true},
		"upper case is malformed":                  bad(strings.ToUpper(b3Trace) + "-" + b3Span),
		"a trace of zero is malformed":             bad(strings.Repeat("0", 32) + "-" + b3Span),
		"a span of zero is malformed":              bad(b3Trace + "-" + strings.Repeat("0", 16)),
		"a trace of 24 digits is malformed":        bad(b3Trace[8:] + "-" + b3Span),
		"an unknown state is malformed":            bad(b3Trace + "-" + b3Span + "-x"),
		"an empty parent is malformed":             bad(b3Trace + "-" + b3Span + "-1-"),
		"a fifth field is malformed":               bad(b3Trace + "-" + b3Span + "-1-" + b3Parent + "-1"),
		"another state alone is malformed":         bad("2"),
		"nothing is malformed":                     bad(""),
		"dashes alone are malformed":               bad(strings.Repeat("-", 4096)),
	})
}

func TestJaeger(t *testing.T) {
	bad := func(text string) vector { return vector{headers: []string{"uber-trace-id", text}, malformed: true} }
	one := func(text, want string) vector { return vector{headers: []string{"uber-trace-id", text}, want: want} }
	check(t, map[string]vector{
		"full ids are read":           one(trace+":"+span+":0:1", "jaeger:"+trace+":"+span+":01"),
		"the parent is kept":          one(trace+":"+span+":"+b3Parent+":1", "jaeger:"+trace+":"+span+":01:"+b3Parent),
		"short ids are padded":        one("3ce929d0e0e4736:67aa:0:0", "jaeger:000000000000000003ce929d0e0e4736:00000000000067aa:00::3ce929d0e0e4736:67aa"),
		"colons may be escaped":       one(trace+"%3A"+span+"%3a0%3A1", "jaeger:"+trace+":"+span+":01"),
		"upper case is allowed":       one(strings.ToUpper(trace)+":"+span+":0:1", "jaeger:"+trace+":"+span+":01::"+strings.ToUpper(trace)),
		"debug is sampled":            one(trace+":"+span+":0:2", "jaeger:"+trace+":"+span+":01"),
		"flags may have two digits":   one(trace+":"+span+":0:03", "jaeger:"+trace+":"+span+":01"),
		"a trace of zero is wrong":    bad("0:" + span + ":0:1"),
		"a span of zero is wrong":     bad(trace + ":0:0:1"),
		"33 digits are wrong":         bad("1" + trace + ":" + span + ":0:1"),
		"17 digits of span are wrong": bad(trace + ":1" + span + ":0:1"),
		"three fields are wrong":      bad(trace + ":" + span + ":0"),
		"five fields are wrong":       bad(trace + ":" + span + ":0:1:1"),
		"three digits of flags are":   bad(trace + ":" + span + ":0:001"),
		"a letter that is no digit":   bad("xyz:" + span + ":0:1"),
		"a thousand colons are wrong": bad(strings.Repeat(":", 1000)),
	})
}

func TestDatadog(t *testing.T) {
	// The 64 lower bits of the W3C example, in decimal.
	const low, span10 = "11803532876627986230", "67667974448284343"
	with := func(more ...string) []string {
		return append([]string{"x-datadog-trace-id", low, "x-datadog-parent-id", span10}, more...)
	}
	short := "datadog:0000000000000000" + trace[16:] + ":" + span + ":"
	raw := "::" + low + ":" + span10
	check(t, map[string]vector{
		"64 bits are read":                {headers: with("x-datadog-sampling-priority", "1"), want: short + "01" + raw},
		"the user's keep is sampled":      {headers: with("x-datadog-sampling-priority", "2"), want: short + "01" + raw},
		"the user's drop is not":          {headers: with("x-datadog-sampling-priority", "-1"), want: short + "00" + raw},
		"a tag has the other 64":          {headers: with("x-datadog-tags", "_dd.p.dm=-1,_dd.p.tid="+trace[:16]), want: "datadog:" + trace + ":" + span + ":00" + raw},
		"a malformed tag is ignored":      {headers: with("x-datadog-tags", "_dd.p.tid=xyz"), want: short + "00" + raw},
		"a tag in upper case is, too":     {headers: with("x-datadog-tags", "_dd.p.tid="+strings.ToUpper(trace[:16])), want: short + "00" + raw},
		"endless tags are ignored":        {headers: with("x-datadog-tags", strings.Repeat("a=b,", 200)+"_dd.p.tid="+trace[:16]), want: short + "00" + raw},
		"a parent may be absent":          {headers: []string{"x-datadog-trace-id", "5"}, want: "datadog:00000000000000000000000000000005:0000000000000000:00::5"},
		"a parent of zero is none":        {headers: []string{"x-datadog-trace-id", "5", "x-datadog-parent-id", "0"}, want: "datadog:00000000000000000000000000000005:0000000000000000:00::5"},
		"a trace of zero is malformed":    {headers: []string{"x-datadog-trace-id", "0"}, malformed: true},
		"hexadecimal is malformed":        {headers: []string{"x-datadog-trace-id", "a3ce929d"}, malformed: true},
		"65 bits are malformed":           {headers: []string{"x-datadog-trace-id", "18446744073709551616"}, malformed: true},
		"a sign is malformed":             {headers: []string{"x-datadog-trace-id", "-5"}, malformed: true},
		"a malformed parent is malformed": {headers: []string{"x-datadog-trace-id", "5", "x-datadog-parent-id", "x"}, malformed: true},
		"two parents are malformed":       {headers: with("x-datadog-parent-id", "5"), malformed: true},
		"a parent alone is none":          {headers: []string{"x-datadog-parent-id", span10}},
	})
}

func TestXRay(t *testing.T) {
	const root = "1-5759e988-bd862e3fe1be46a994272793" // of the developer guide
	want := "xray:5759e988bd862e3fe1be46a994272793:53995c3f42cd8ad8:01::" + root
	none := "xray:5759e988bd862e3fe1be46a994272793:0000000000000000:00::" + root
	one := func(text, want string) vector { return vector{headers: []string{"x-amzn-trace-id", text}, want: want} }
	bad := func(text string) vector {
		return vector{headers: []string{"x-amzn-trace-id", text}, malformed: true}
	}
	check(t, map[string]vector{
		"the guide's example is read":           one("Root="+root+";Parent=53995c3f42cd8ad8;Sampled=1", want),
		"the order does not matter":             one("Sampled=1; Parent=53995c3f42cd8ad8 ;Root="+root, want),
		"a load balancer names no parent":       one("Root="+root, none),
		"its own id is passed over":             one("Self=1-67891234-12456789abcdef012345678;Root="+root+";CalledFrom=app", none),
		"an undecided sample is not sampled":    one("Root="+root+";Sampled=?", none),
		"its own id alone is none":              one("Self=1-67891234-12456789abcdef012345678", ""),
		"another version is malformed":          bad("Root=2" + root[1:]),
		"a short id is malformed":               bad("Root=" + root[:34]),
		"upper case is malformed":               bad("Root=" + strings.ToUpper(root)),
		"a zero is malformed":                   bad("Root=1-00000000-000000000000000000000000"),
		"a parent of zero is malformed":         bad("Root=" + root + ";Parent=0000000000000000"),
		"two roots are malformed":               bad("Root=" + root + ";Root=" + root),
		"a hundred fields are malformed":        bad("Root=" + root + strings.Repeat(";a=b", 100)),
		"a root without dashes is malformed":    bad("Root=15759e988bd862e3fe1be46a994272793xx"),
		"a parent that is no id is malformed":   bad("Root=" + root + ";Parent=5"),
		"a header beyond all bounds is refused": bad("Root=" + root + ";" + strings.Repeat("x", 4096)),
	})
}

func TestGoogle(t *testing.T) {
	one := func(text, want string) vector {
		return vector{headers: []string{"x-cloud-trace-context", text}, want: want}
	}
	bad := func(text string) vector {
		return vector{headers: []string{"x-cloud-trace-context", text}, malformed: true}
	}
	const id = "105445aa7843bc8bf206b12000100000" // of the documentation
	check(t, map[string]vector{
		"the documentation's example is read": one(id+"/1;o=1", "google:"+id+":0000000000000001:01:::1"),
		"options may be left out":             one(id+"/67667974448284343", "google:"+id+":"+span+":00:::67667974448284343"),
		"a span may be left out":              one(id, "google:"+id+":0000000000000000:00"),
		"a span of zero is none":              one(id+"/0;o=1", "google:"+id+":0000000000000000:01"),
		"not sampled is no error":             one(id+"/1;o=0", "google:"+id+":0000000000000001:00:::1"),
		"a hexadecimal span is malformed":     bad(id + "/00f067aa0ba902b7"),
		"a short trace is malformed":          bad(id[1:] + "/1"),
		"a trace of zero is malformed":        bad(strings.Repeat("0", 32) + "/1"),
		"an empty span is malformed":          bad(id + "/"),
	})
}

func TestOTTracer(t *testing.T) {
	with := func(trace, span string, more ...string) []string {
		return append([]string{"ot-tracer-traceid", trace, "ot-tracer-spanid", span}, more...)
	}
	padded := "ottracer:0000000000000000" + trace[16:] + ":" + span + ":"
	check(t, map[string]vector{
		"64 bits are read":               {headers: with(trace[16:], span, "ot-tracer-sampled", "true"), want: padded + "01::" + trace[16:]},
		"128 bits are read":              {headers: with(trace, span), want: "ottracer:" + trace + ":" + span + ":00"},
		"not sampled is no error":        {headers: with(trace[16:], span, "ot-tracer-sampled", "false"), want: padded + "00::" + trace[16:]},
		"a span is needed":               {headers: []string{"ot-tracer-traceid", trace}, malformed: true},
		"a zero is malformed":            {headers: with("0", span), malformed: true},
		"a span of zero is malformed":    {headers: with(trace, "0"), malformed: true},
		"17 digits of span are":          {headers: with(trace, "1"+span), malformed: true},
		"a second value is malformed":    {headers: with(trace, span, "ot-tracer-spanid", span), malformed: true},
		"what is no number is malformed": {headers: with("a trace", span), malformed: true},
	})
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// hash is what people have to compute to find an id of another system.
func hash(text string, bytes int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:bytes])
}

func TestSkyWalking(t *testing.T) {
	const id, segment = "a12ff60b5807463899fa151fba6ce5ee.35.16057737735330015", "a12ff60b5807463899fa151fba6ce5ee.36.16057737735330014"
	sw8 := func(sample, trace, segment, span string) string {
		return strings.Join([]string{sample, trace, segment, span, b64("shop"), b64("shop@10.0.0.1"), b64("/cart"), b64("10.0.0.2:80")}, "-")
	}
	ok := sw8("1", b64(id), b64(segment), "3")
	found := read("sw8", ok)
	c, has := found.Contexts.First()
	require.True(t, has)
	assert.Equal(t, "sw8:"+hash(id, 16)+":"+hash(segment+"/3", 8)+":01::"+id+":"+segment+"/3", found.Contexts.String())
	assert.Equal(t, id, c.WrittenTrace())
	assert.Equal(t, segment+"/3", c.WrittenSpan())
	assert.True(t, c.Sampled())
	assert.True(t, c.Foreign())
	old := read("sw6", "0-"+b64("1.2343.234234234")+"-"+b64("1.2343.234234233")+"-0-5-2-"+b64("#127.0.0.1:8080"))
	o, has := old.Contexts.First()
	require.True(t, has)
	assert.Equal(t, "1.2343.234234234", o.RawTrace)
	assert.Equal(t, tracectx.SW6, o.Format)
	assert.False(t, o.Sampled())
	bad := func(name, text string) vector { return vector{headers: []string{name, text}, malformed: true} }
	check(t, map[string]vector{
		"a header that a Java agent wrote is read": {
			// From the capture in receiver/ebpfreceiver/internal/protocol/testdata/pcap/http/sw8.pcap.
			headers: []string{"sw8", "1-MzkxMjE5NmRlMGNmNDFmNGJhYjhhOGE4MTA4ZmMzYTguNjMuMTYyOTQ0NDEzMjk3ODAwMjc=-MzkxMjE5NmRlMGNmNDFmNGJhYjhhOGE4MTA4ZmMzYTguNjMuMTYyOTQ0NDEzMjk3ODAwMjY=-4-" +
				"c2hvcC13ZWI=-NTI3ZTM2MTAwNzE3NGY4OWJhMGQwNjY2YThmOTlhNzNAMTAuMTAwLjE5LjIxNA==-L3Nob3AvZnVsbC10ZXN0-MTAuMTAwLjE4LjE3NToyMDg4MA=="},
			want: "sw8:" + hash("3912196de0cf41f4bab8a8a8108fc3a8.63.16294441329780027", 16) + ":" + hash("3912196de0cf41f4bab8a8a8108fc3a8.63.16294441329780026/4", 8) + ":01::3912196de0cf41f4bab8a8a8108fc3a8.63.16294441329780027:3912196de0cf41f4bab8a8a8108fc3a8.63.16294441329780026/4",
		},
		"seven fields are too few":                bad("sw8", ok[:strings.LastIndexByte(ok, '-')]),
		"nine fields are too many":                bad("sw8", ok+"-x"),
		"another sample is malformed":             bad("sw8", sw8("2", b64(id), b64(segment), "3")),
		"a trace that is no base64 is malformed":  bad("sw8", sw8("1", "!", b64(segment), "3")),
		"an empty trace is malformed":             bad("sw8", sw8("1", "", b64(segment), "3")),
		"an empty segment is malformed":           bad("sw8", sw8("1", b64(id), "", "3")),
		"a span that is no number is malformed":   bad("sw8", sw8("1", b64(id), b64(segment), "x")),
		"a negative span is malformed":            bad("sw8", sw8("1", b64(id), b64(segment), "-1")),
		"a span beyond 31 bits is malformed":      bad("sw8", sw8("1", b64(id), b64(segment), "2147483648")),
		"a long trace is malformed":               bad("sw8", sw8("1", b64(strings.Repeat("a", 129)), b64(segment), "3")),
		"control characters in it are malformed":  bad("sw8", sw8("1", b64("a\nb"), b64(segment), "3")),
		"sw6 of six fields is malformed":          bad("sw6", "1-"+b64("1")+"-"+b64("2")+"-0-5-2"),
		"sw6 of ten fields is malformed":          bad("sw6", "1-"+b64("1")+"-"+b64("2")+"-0-5-2-3-4-5-6"),
		"a header longer than 2 KiB is malformed": bad("sw8", ok+strings.Repeat("A", 2048)),
	})
}

func TestPinpoint(t *testing.T) {
	// The vector of the Node.js agent's tests.
	const id = "node.test.app^1597822882452^2"
	with := func(trace, span string, more ...string) []string {
		return append([]string{"pinpoint-traceid", trace, "pinpoint-spanid", span}, more...)
	}
	want := "pinpoint:" + hash(id, 16) + ":1999999999999999:01"
	check(t, map[string]vector{
		"ids are signed decimal numbers": {
			headers: with(id, "1844674407370955161", "pinpoint-pspanid", "-1844674407370955141"),
			want:    want + ":e66666666666667b:" + id + ":1844674407370955161",
		},
		"a parent of -1 is none":             {headers: with(id, "1844674407370955161", "pinpoint-pspanid", "-1", "pinpoint-sampled", "s1"), want: want + "::" + id + ":1844674407370955161"},
		"s0 is not sampled":                  {headers: with(id, "1844674407370955161", "pinpoint-sampled", "s0"), want: want[:len(want)-1] + "0::" + id + ":1844674407370955161"},
		"a decision alone is none":           {headers: []string{"pinpoint-sampled", "s0"}},
		"a span of -1 is malformed":          {headers: with(id, "-1"), malformed: true},
		"a span beyond 64 bits is malformed": {headers: with(id, "9223372036854775808"), malformed: true},
		"a trace without a span is":          {headers: []string{"pinpoint-traceid", id}, malformed: true},
		"a trace without a number is":        {headers: with("node^1597822882452", "1"), malformed: true},
		"a trace without an agent is":        {headers: with("^1597822882452^2", "1"), malformed: true},
		"a trace with a fourth part is":      {headers: with(id+"^x", "1"), malformed: true},
		"a long trace is":                    {headers: with(strings.Repeat("a", 128)+"^1^2", "1"), malformed: true},
	})
}

func TestDottedIDs(t *testing.T) {
	const id = "0a0fe9d41488955146071100140705" // a hexadecimal number of 30 digits
	number := "00" + id
	dotted := func(s string) string { return hash(id+"/"+s, 8) }
	one := func(format, rpc string) string {
		s := format + ":" + number + ":" + dotted(rpc) + ":01:"
		if i := strings.LastIndexByte(rpc, '.'); i > 0 {
			s += dotted(rpc[:i])
		}
		return s + ":" + id + ":" + rpc
	}
	list := "tcid=" + id + "&spid=0.2.1&pspid=0.2&sample=true&"
	check(t, map[string]vector{
		"SOFARPC names the call":             {headers: []string{"sofa-traceid", id, "sofa-rpcid", "0.2.1"}, want: one("sofa", "0.2.1")},
		"and did so by other names":          {headers: []string{"rpc_trace_context.sofatraceid", id, "rpc_trace_context.sofarpcid", "0.2.1"}, want: one("sofa", "0.2.1")},
		"SOFATracer writes a list":           {headers: []string{"new_rpc_trace_context", list}, want: one("sofa", "0.2.1")},
		"which may be escaped":               {headers: []string{"new_rpc_trace_context", strings.NewReplacer("=", "%3D", "&", "%26").Replace(list)}, want: one("sofa", "0.2.1")},
		"SOFATracer uses the names of B3":    {headers: []string{"x-b3-traceid", id, "x-b3-spanid", "0.2.1", "x-b3-parentspanid", "0.2", "x-b3-sampled", "true"}, want: one("sofa", "0.2.1")},
		"EagleEye names the call":            {headers: []string{"eagleeye-traceid", id, "eagleeye-rpcid", "0.2.1"}, want: one("eagleeye", "0.2.1")},
		"the root has no parent":             {headers: []string{"eagleeye-traceid", id, "eagleeye-rpcid", "9.1"}, want: one("eagleeye", "9.1")},
		"a call may be unnamed":              {headers: []string{"eagleeye-traceid", id}, want: "eagleeye:" + number + ":0000000000000000:01::" + id},
		"a long call is malformed":           {headers: []string{"eagleeye-traceid", id, "eagleeye-rpcid", strings.Repeat("1.", 100) + "1"}, malformed: true},
		"a trace of zero is malformed":       {headers: []string{"eagleeye-traceid", "0", "eagleeye-rpcid", "0"}, malformed: true},
		"a trace that is no text is":         {headers: []string{"sofa-traceid", "a b"}, malformed: true},
		"an endless list is malformed":       {headers: []string{"new_rpc_trace_context", strings.Repeat("a=b&", 400) + list}, malformed: true},
		"a list without a trace is":          {headers: []string{"new_rpc_trace_context", "spid=0&"}, malformed: true},
		"two calls contradict each other":    {headers: []string{"eagleeye-traceid", id, "eagleeye-rpcid", "0.1", "eagleeye-rpcid", "0.2"}, malformed: true},
		"so do two of SOFARPC":               {headers: []string{"sofa-traceid", id, "sofa-rpcid", "0.1", "sofa-rpcid", "0.2"}, malformed: true},
		"two traces contradict each other":   {headers: []string{"sofa-traceid", id, "sofa-traceid", id}, malformed: true},
		"a call without a trace is no trace": {headers: []string{"eagleeye-rpcid", "0.1"}},
	})
}
