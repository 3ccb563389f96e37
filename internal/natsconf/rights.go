package natsconf

import (
	"fmt"
	"strings"

	"github.com/flagline/flagline/internal/wire"
)

// owner is the account that the environments belong to.
const owner = "FLAGS"

// account is the one that the readers of env are in.
func account(env wire.Environment) string {
	return "READERS_" + strings.ToUpper(strings.ReplaceAll(string(env), "-", "_"))
}

// rights are the subjects that a user may publish and subscribe to.
type rights struct{ publish, subscribe []string }

// reader returns the rights of the readers of env with these names. It asks,
// and reports in its own name.
func reader(env wire.Environment, names ...string) *rights {
	r := &rights{publish: []string{gets(env)}, subscribe: []string{env.Changes()}}
	for _, name := range names {
		r.publish = append(r.publish, env.Fleet(name))
		r.subscribe = append(r.subscribe, wire.Inbox(name)+".>")
	}
	return r
}

// gets is what the questions of readers of env have in common.
func gets(env wire.Environment) string { return "flagline." + string(env) + ".get.*" }

// publisher returns the rights of a control plane: to make the streams of the
// environments and to write records, but not to delete or change a stream, a
// consumer or a message.
func (s Server) publisher() *rights {
	r := &rights{publish: []string{"$JS.API.STREAM.NAMES"}}
	for _, e := range s.Environments {
		env := wire.Environment(e.Name)
		r.publish = append(r.publish, env.Subjects(), env.Base("*"), env.Beacon(), "$JS.API.STREAM.MSG.GET."+env.Stream())
		for _, stream := range []string{env.Stream(), env.BaseStream()} {
			r.publish = append(r.publish,
				"$JS.API.STREAM.INFO."+stream,
				"$JS.API.STREAM.CREATE."+stream,
				direct(stream),
				direct(stream)+".>",
			)
		}
		r.subscribe = append(r.subscribe, env.Changes(), env.FleetAll())
	}
	r.subscribe = append(r.subscribe, "_INBOX.>")
	return r
}

// direct is where any server that has a copy of stream answers.
func direct(stream string) string { return "$JS.API.DIRECT.GET." + stream }

// directHead is where it answers with the newest head of env.
func directHead(env wire.Environment) string {
	return direct(env.Stream()) + "." + env.Subject(wire.HeadKey)
}

// exports is what the owner offers to the account of env's readers.
func exports(env wire.Environment, to string) []string {
	return []string{
		fmt.Sprintf("{stream: %q, accounts: [%s]}", env.Changes(), to),
		fmt.Sprintf("{service: %q, accounts: [%s]}", directHead(env), to),
		fmt.Sprintf("{service: %q, response_type: stream, accounts: [%s]}", direct(env.Stream()), to),
		fmt.Sprintf("{service: %q, response_type: stream, accounts: [%s]}", direct(env.BaseStream()), to),
	}
}

// imports is the other side of exports. The names are ours because requests to
// those of JetStream do not pass leaf nodes.
func imports(env wire.Environment) []string {
	service := func(subject, as string) string {
		return fmt.Sprintf("{service: {account: %s, subject: %q}, to: %q}", owner, subject, as)
	}
	return []string{
		fmt.Sprintf("{stream: {account: %s, subject: %q}}", owner, env.Changes()),
		service(directHead(env), env.GetHead()),
		service(direct(env.Stream()), env.GetLog()),
		service(direct(env.BaseStream()), env.GetBase()),
	}
}

// fleetExports is what the readers of env offer to the owner.
func fleetExports(env wire.Environment) []string {
	return []string{fmt.Sprintf("{stream: %q, accounts: [%s]}", env.FleetAll(), owner)}
}

// fleetImports is the other side of fleetExports.
func fleetImports(env wire.Environment, from string) []string {
	return []string{fmt.Sprintf("{stream: {account: %s, subject: %q}}", from, env.FleetAll())}
}
