// Package wire takes HTTP requests in the protocols of AWS and gives the SDK's own input structs, and the other way round for answers:
// restJson1 and JSON 1.1 (json.go), query and EC2 XML (query.go). No struct of the wire is written by hand, so a newer SDK is a newer schema.
//
// Decoding is strict: an unknown member, a wrong type, an unknown enum value or trailing data is a refusal, as a client that sends them has a bug.
package wire
