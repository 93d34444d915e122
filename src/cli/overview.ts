import type { Command, Io } from './command.ts';
import { styleFor } from './output/style.ts';
import { padTo } from './output/text.ts';

const shown = ['demo', 'init', 'doctor', 'backup', 'serve', 'list', 'drill', 'restore', 'status'];

/** What the program's name alone prints: what it is, and the few commands that most days need. */
export function overview({
  commands,
  version,
  io,
}: {
  commands: readonly Command[];
  version: string;
  io: Pick<Io, 'color'>;
}): string[] {
  const style = styleFor(io.color);
  const lines = shown.flatMap((name) => {
    const command = commands.find((each) => each.name === name);
    return command ? [`  ${style.accent(padTo(`holdfast ${name}`, 18))}  ${command.summary}`] : [];
  });
  return [
    `${style.bold('holdfast')} ${style.dim(version)}  Backups you have already restored.`,
    '',
    ...lines,
    '',
    `All commands: ${style.accent('holdfast --help')}   one of them: ${style.accent('holdfast restore --help')}`,
  ];
}
