import { containerCommand, type FoundContainer } from './container.ts';
import type { Command } from '../../base/run-process.ts';

/** A program in a container, ended with whoever started it. */
export interface SupervisedCall {
  command: Command;
  /** What its input begins with, and then stays open for as long as the program shall live. */
  opening: Buffer;
}

/** Where the program finds the text it was given. */
export const secretFile = '/dev/fd/3';

/**
 * A client of a container engine that is killed leaves the program it has started in the container: all that arrives there is the end of
 * the input. So a shell stands between them, which takes that end for the order to kill the program, unless it was told before that nothing more will
 * come. `secret` is a text that the program reads from `secretFile`: it lies in no file, no argument and no variable.
 *
 * `fed`: the program has an input of its own, which comes in pieces (`piecesOf`). One that is cut off is never shown to it as whole.
 */
export function supervised(
  container: Pick<FoundContainer, 'engine' | 'id'>,
  call: { program: string; args: readonly string[]; secret: string; fed: boolean },
): SupervisedCall {
  const { program, args, secret, fed } = call;
  const inside = ['-c', supervisor, 'holdfast', fed ? 'fed' : 'alone', program, ...args];
  return { command: containerCommand(container, 'sh', inside, { LC_ALL: 'C' }), opening: piece(Buffer.from(secret)) };
}

/** A program's input as the shell takes it. What does not come to its end here does not do so there. */
export async function* piecesOf(input: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    for (let at = 0; at < chunk.length; at += largest) {
      const part = chunk.subarray(at, at + largest);
      if (size > 0 && size + part.length > largest) {
        yield piece(Buffer.concat(waiting));
        [waiting, size] = [[], 0];
      }
      waiting.push(part);
      size += part.length;
    }
  }
  if (size > 0) yield piece(Buffer.concat(waiting));
  yield Buffer.from('end\n');
}

/** Each costs the start of a program there. */
const largest = 1024 * 1024;

function piece(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length}\n`), bytes]);
}

/**
 * For any `sh`, with a `dd` of any make. The engines give what they run a group of its own, which ends as one: none of it sees the end of
 * another first. `read` takes no byte beyond its line. A program that ends early leaves `dd` with nobody to write to, and its own status is the one that
 * counts; when it ends well without having been given all, that is a failure too.
 */
const supervisor = `
fed=$1; shift
fail() { echo "$1" >&2; exit 125; }
leads() { read -r stat <"/proc/$$/stat" && set -- \${stat##*) } && [ "$3" = "$$" ]; }
leads || fail 'the container engine gave the program no group of its own'
piece() { dd bs="$1" count=1 iflag=fullblock 2>/dev/null; }
read -r size && secret=$(piece "$size") && [ -n "$secret" ] || fail 'dd of the container does not know iflag=fullblock'
if [ "$fed" = alone ]; then
  exec 5<&0
  { while read -r _; do :; done; kill -KILL 0; } <&5 >/dev/null 2>&1 &
  printf '%s\\n' "$secret" | "$@" 3<&0 </dev/null 5<&-
  status=$?
  kill $! 2>/dev/null
  exit "$status"
fi
feed() {
  while read -r size; do
    [ "$size" = end ] && return
    piece "$size" || return
  done
  kill -KILL 0
}
exec 6>&1
ended=$({ { feed && echo whole >&7; } | {
  printf '%s\\n' "$secret" | "$@" 3<&0 <&4 >&6 4<&- 6>&- 7>&-
  echo $? >&7
} 4<&0; } 7>&1)
whole= status=125
for each in $ended; do [ "$each" = whole ] && whole=yes || status=$each; done
[ "$status" = 0 ] && [ -z "$whole" ] && fail 'the input broke off'
exit "$status"
`;
