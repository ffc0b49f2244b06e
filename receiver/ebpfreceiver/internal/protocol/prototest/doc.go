// Package prototest is the test kit of the protocol parsers: conversations
// written as text, a Driver that offers their bytes to a parser the way the
// connection table does, and checks that every parser must pass.
//
// # Conversations
//
// A golden file is a txtar archive in which each conversation is a section named
// by a sentence, followed by a section "messages" with what the parser must
// make of it. PROTOTEST_UPDATE=1 rewrites the messages. The lines of a
// conversation are
//
//	# comment
//	options: raw-statements raw-queries capture=x-a,x-b context=traceparent max=64
//	C: text          bytes from the client; S: from the server
//	C Q: text        bytes from the client, framed by the protocol's own encoder
//	C fill 5000 x    5000 times the letter x from the client
//	C gap 100        100 bytes from the client that were not captured
//	C close          the client's stream ends
//
// Text is taken as it stands but for the escapes \r \n \t \0 \\ and \x with two
// hexadecimal digits. The word s3cret marks what must never leave a parser. The
// record command writes conversations of real clients and servers.
package prototest
