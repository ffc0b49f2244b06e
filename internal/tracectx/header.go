package tracectx

// header is a place for the value of one header that some format reads.
type header uint8

const (
	traceparent header = iota
	tracestate
	b3
	b3TraceID
	b3SpanID
	b3ParentID
	b3Sampled
	b3Flags
	uberTraceID
	datadogTraceID
	datadogParentID
	datadogPriority
	datadogTags
	otTraceID
	otSpanID
	otSampled
	sw8
	sw6
	pinpointTraceID
	pinpointSpanID
	pinpointParentID
	pinpointSampled
	sofaTraceID
	sofaRPCID
	sofaOldTraceID
	sofaOldRPCID
	sofaContext
	eagleTraceID
	eagleRPCID
	amznTraceID
	cloudTrace
	customTraceID // the names of these are configured
	customSpanID
	customParentID
	customSampled
	requestID  // and of the MaxRequestIDs from here on
	numHeaders = requestID + MaxRequestIDs
)

// headerNames are the names in lower case.
var headerNames = [customTraceID]string{
	traceparent:      "traceparent",
	tracestate:       "tracestate",
	b3:               "b3",
	b3TraceID:        "x-b3-traceid",
	b3SpanID:         "x-b3-spanid",
	b3ParentID:       "x-b3-parentspanid",
	b3Sampled:        "x-b3-sampled",
	b3Flags:          "x-b3-flags",
	uberTraceID:      "uber-trace-id",
	datadogTraceID:   "x-datadog-trace-id",
	datadogParentID:  "x-datadog-parent-id",
	datadogPriority:  "x-datadog-sampling-priority",
	datadogTags:      "x-datadog-tags",
	otTraceID:        "ot-tracer-traceid",
	otSpanID:         "ot-tracer-spanid",
	otSampled:        "ot-tracer-sampled",
	sw8:              "sw8",
	sw6:              "sw6",
	pinpointTraceID:  "pinpoint-traceid",
	pinpointSpanID:   "pinpoint-spanid",
	pinpointParentID: "pinpoint-pspanid",
	pinpointSampled:  "pinpoint-sampled",
	sofaTraceID:      "sofa-traceid",
	sofaRPCID:        "sofa-rpcid",
	sofaOldTraceID:   "rpc_trace_context.sofatraceid",
	sofaOldRPCID:     "rpc_trace_context.sofarpcid",
	sofaContext:      "new_rpc_trace_context",
	eagleTraceID:     "eagleeye-traceid",
	eagleRPCID:       "eagleeye-rpcid",
	amznTraceID:      "x-amzn-trace-id",
	cloudTrace:       "x-cloud-trace-context",
}
