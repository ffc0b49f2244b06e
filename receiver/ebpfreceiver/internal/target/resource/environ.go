package resource

import (
	"net/url"
	"strings"
)

// Variables of the OpenTelemetry specification that a process may be given.
const (
	serviceNameVariable        = "OTEL_SERVICE_NAME"
	resourceAttributesVariable = "OTEL_RESOURCE_ATTRIBUTES"
)

// attributesLimit bounds the attributes that are taken from one environment.
const attributesLimit = 128

// parseResourceAttributes parses OTEL_RESOURCE_ATTRIBUTES: key=value pairs
// separated by commas, both percent-encoded (W3C Baggage without properties). As
// the specification of the SDK says, one malformed pair voids the whole value.
func parseResourceAttributes(value string) []Attribute {
	var list attributes
	for pair := range strings.SplitSeq(value, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, text, ok := strings.Cut(pair, "=")
		if !ok {
			return nil
		}
		key, err := url.PathUnescape(strings.TrimSpace(key))
		text, err2 := url.PathUnescape(strings.TrimSpace(text))
		if err != nil || err2 != nil || key == "" {
			return nil
		}
		if len(list) < attributesLimit {
			list.set(strings.ToValidUTF8(key, "\uFFFD"), text)
		}
	}
	return list
}
