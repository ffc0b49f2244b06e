package protocol

// Attribute is one span attribute: a key of the semantic conventions with a
// string, integer or string-list value.
type Attribute struct {
	Key   string
	Str   string
	Int   int64
	Strs  []string
	Value ValueKind
}

// ValueKind says which field of an Attribute holds its value.
type ValueKind uint8

// Kinds of attribute values.
const (
	StringValue ValueKind = iota
	IntValue
	StringsValue
)

// String returns a string attribute.
func String(key, value string) Attribute {
	return Attribute{Key: key, Str: value}
}

// Int returns an integer attribute.
func Int(key string, value int64) Attribute {
	return Attribute{Key: key, Int: value, Value: IntValue}
}

// Strings returns a string-list attribute.
func Strings(key string, values []string) Attribute {
	return Attribute{Key: key, Strs: values, Value: StringsValue}
}
