package plan

import (
	"fmt"
	"strings"
)

// Mermaid is the graph of groups with what crosses on its edges, as a flowchart that GitHub, GitLab and most editors draw (https://mermaid.js.org).
func (p Plan) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	ids := map[string]string{}
	for i, g := range p.Groups {
		ids[g.Name] = fmt.Sprintf("g%d", i+1)
		nodes := fmt.Sprintf("%d %s", len(g.Nodes), plural(len(g.Nodes), "node", "nodes"))
		fmt.Fprintf(&b, "  %s[\"%s<br/>%s\"]\n", ids[g.Name], mermaidText(g.Name), nodes)
	}
	for _, h := range p.Handovers() {
		fmt.Fprintf(&b, "  %s -->|\"%s\"| %s\n", ids[h.From], mermaidText(h.String()), ids[h.To])
	}
	return b.String()
}

// mermaidText writes what could end a quoted label, or be markup in it, as Mermaid's entity codes.
func mermaidText(s string) string {
	return strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "&", "#amp;", "`", "#96;", "\n", " ").Replace(s)
}
