// Package edit takes the text of a TOML file and one addition, and gives the text with it: comments, order, quotes, indentation and line endings
// stay as they are.
//
// Each edit is proved before it is handed out: the new text must parse, and differ from the old in the addition alone. A file that is written in
// a way that this package does not foresee, such as one big inline table, is so refused instead of damaged.
package edit
