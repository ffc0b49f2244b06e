package tracectx

// extractEagleEye reads EagleEye-TraceId and EagleEye-RpcId, which Alibaba's
// middleware, gateways and Sentinel write. The id of a call is dotted and the same at
// both ends, as of SOFATracer. There is no sampling flag: who propagates, records.
func extractEagleEye(r *Reader) (Context, error) {
	trace, err := r.one(eagleTraceID)
	if err != nil {
		return Context{}, err
	}
	rpc, err := r.optional(eagleRPCID)
	if err != nil {
		return Context{}, ErrMalformed
	}
	return contextOfRPC(trace, rpc, "", true)
}
