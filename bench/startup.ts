import { measure, median } from './measure.ts';
import type { Finding } from './report.ts';

const rounds = 15;

/** `holdfast --help` beside a Node that does nothing. */
export async function benchmarkStartup(program: string, signal: AbortSignal): Promise<Finding[]> {
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' };
  const help: number[] = [];
  const nothing: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const node = await measure(process.execPath, ['-e', '0'], env, signal);
    const told = await measure(program, ['--help'], env, signal);
    if (round === 0) continue; // the first one reads from the disk
    nothing.push(node.seconds);
    help.push(told.seconds);
  }
  const above = median(help) - median(nothing);
  return [
    { group: 'start', name: 'node -e 0', seconds: median(nothing) },
    {
      group: 'start',
      name: 'holdfast --help',
      seconds: median(help),
      measured: `+ ${above.toFixed(3)} s`,
      bound: '<= + 0.150 s',
      ok: above <= 0.15,
    },
  ];
}
