import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface FakeContainer {
  id: string;
  name: string;
  image: string;
  /** Where programs are looked for in there; default: this machine's. */
  path?: string;
}

export interface FakeDocker extends Disposable {
  /** The arguments of every call so far. */
  calls(): Promise<string[]>;
  /** What runs from now on. */
  run(...containers: FakeContainer[]): Promise<void>;
  /** The next time it is asked what runs this is named, too, and then gone. */
  endsMeanwhile(id: string): Promise<void>;
}

/**
 * A `docker` (or `podman`) before all others, whose containers are this machine. What matters is as with the real one: only the variables that
 * are named get in, what runs inside belongs to a session of its own, and outlives a client that is killed; it then sees the end of its input.
 */
export async function fakeDocker(folder: string, engine: 'docker' | 'podman' = 'docker'): Promise<FakeDocker> {
  const [bin, own] = [join(folder, `${engine}-bin`), join(folder, engine)];
  await mkdir(bin, { recursive: true });
  await mkdir(own, { recursive: true });
  await writeFile(join(own, 'calls'), '');
  await writeFile(join(bin, engine), script(own, engine));
  await chmod(join(bin, engine), 0o755);
  const run = async (...containers: FakeContainer[]) => {
    await writeFile(join(own, 'ps'), containers.map(({ id }) => `${id}\n`).join(''));
    await writeFile(join(own, 'inspect'), containers.map((each) => `${inspected(each, engine)}\n`).join(''));
    for (const { id, path } of containers) await writeFile(join(own, `path-${id}`), path ?? '/usr/bin:/bin');
  };
  await run();
  const before = process.env['PATH'];
  process.env['PATH'] = `${bin}:${before ?? ''}`;
  return {
    run,
    endsMeanwhile: (id) => writeFile(join(own, 'gone'), `${id}\n`),
    calls: async () => (await readFile(join(own, 'calls'), 'utf8')).split('\n').filter((line) => line !== ''),
    [Symbol.dispose]: () => {
      process.env['PATH'] = before;
    },
  };
}

function inspected({ id, name, image }: FakeContainer, engine: string): string {
  const named = engine === 'docker' ? `/${name}` : name;
  return JSON.stringify({ id, name: named, image, ports: {}, networks: null, service: null });
}

/** Its own pipes are what a killed client takes with it: `cat` on both sides belongs to its group. */
function script(own: string, engine: string): string {
  return `#!/bin/bash
own='${own}'
printf '%s ' "$@" | tr '\\n' ' ' >>"$own/calls"; echo >>"$own/calls"
case $1 in
  ps)
    cat "$own/ps"
    [ ! -e "$own/gone" ] || { cat "$own/gone"; mv "$own/gone" "$own/gone-now"; }
    exit ;;
  inspect)
    # As podman 4 has it: its fields by their names in templates are other than in JSON.
    case ${engine}$* in podman*"json .Id"*) echo "can't evaluate field Id" >&2; exit 125 ;; esac
    cat "$own/inspect"
    [ ! -e "$own/gone-now" ] || { rm "$own/gone-now"; echo "Error: No such object" >&2; exit 1; }
    exit ;;
  cp)
    # Old ones of docker, and all of podman, know no --quiet.
    case $2 in -*) echo "unknown flag: $2" >&2; exit 125 ;; esac
    exec cp -r "$2" "\${3#*:}" ;;
  exec) shift ;;
  *) echo "unknown command $1" >&2; exit 1 ;;
esac
variables=()
while :; do
  case $1 in
    --interactive) shift ;;
    --env) variables+=("$2=\${!2}"); shift 2 ;;
    *) break ;;
  esac
done
path=$(cat "$own/path-$1") || { echo "Error response from daemon: no such container" >&2; exit 1; }
shift
PATH=$path command -v "$1" >/dev/null || { echo "exec: \\"$1\\": executable file not found in $PATH" >&2; exit 127; }
exec 8> >(exec cat)
out=$!
/usr/bin/env -i PATH="$path" HOME=/ "\${variables[@]}" /usr/bin/setsid --wait "$@" < <(exec cat 8>&-) >&8 8>&-
status=$?
exec 8>&-
wait "$out"
exit "$status"
`;
}
