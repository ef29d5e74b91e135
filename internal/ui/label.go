package ui

// labels are the colours by which things in an answer are told apart.
var labels = []color{"6", "3", "2", "5", "4", "1"}

// Label colours the name of the nth thing, from 0, in an answer.
func (t *Terminal) Label(n int, text string) string {
	return paintIf(t.colorOut, labels[max(n, 0)%len(labels)], text)
}
